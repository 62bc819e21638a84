package compiler

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/compiler/internal/unitcheck"
	"github.com/nixfleet/nixfleet/schema"
)

// checkUnits warns of lines that systemd would not accept, where this machine has
// one to ask.
func (c *compilation) checkUnits(ctx context.Context, result *intent.Result, preview *schema.Plan) error {
	var units []unitcheck.Unit
	var of []Diagnostic // of whom, by unit
	for _, host := range slices.Sorted(maps.Keys(result.Hosts)) {
		for _, unit := range result.Hosts[host].Manifest.Units {
			text, err := preview.Payloads[unit.Payload].Bytes()
			if err != nil {
				return err
			}
			units = append(units, unitcheck.Unit{Name: unit.Name, Text: string(text)})
			of = append(of, Diagnostic{
				Code: diagnostic.UnitText, Severity: Warning, Host: schema.HostName(host),
				Option: fmt.Sprintf("nixfleet.systemd.units.%q", unit.Name), Position: diagnostic.ParsePosition(result.Hosts[host].At["systemd.units"][string(unit.Name)]),
			})
		}
	}
	found, err := unitcheck.Check(ctx, c.deps.TempDir, units)
	for _, f := range found {
		d := of[f.Unit]
		d.Summary = fmt.Sprintf("systemd would not accept line %d of %s: %s", f.Line, units[f.Unit].Name, f.Message)
		if lines := strings.Split(units[f.Unit].Text, "\n"); f.Line <= len(lines) {
			d.Detail = lines[f.Line-1]
		}
		c.found = append(c.found, d)
	}
	return err
}
