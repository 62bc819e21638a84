package planview

import (
	"io"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
)

// briefChanges is how many changes of a host are named in brief.
const briefChanges = 12

// WriteBrief writes what somebody wants to see once more before a yes: which hosts,
// what would be changed on each, in a line each, and what is in the way.
func WriteBrief(w io.Writer, f *schema.Forecast, style ui.Style) error {
	p := &printer{w: w, style: style}
	for _, need := range f.Unsupported {
		p.line("%s %s", style.Yellow("this version cannot carry out:"), need)
	}
	// Hosts that differ in details alone are one group.
	alike := *f
	alike.Hosts = make(map[schema.HostName]schema.HostForecast, len(f.Hosts))
	for name, host := range f.Hosts {
		alike.Hosts[name] = schema.HostForecast{
			Verdict: host.Verdict, Error: host.Error, Hint: host.Hint, Refusals: host.Refusals, Changes: host.Changes, Drift: host.Drift,
		}
	}
	for _, g := range groups(&alike) {
		p.brief(g)
	}
	p.line("%s", Summary(f))
	return p.err
}

func (p *printer) brief(g *group) {
	f := g.forecast
	p.head(g)
	if n := len(f.Drift); n > 0 && f.Verdict == schema.WouldChange {
		p.line("  %s by hand since the last apply", p.style.Yellow(count(n, "thing")+" changed"))
	}
	for _, change := range f.Changes[:min(len(f.Changes), briefChanges)] {
		p.line("  %s %s %s%s", change.Action, change.Kind, ui.Printable(change.Object), because(change.Detail))
	}
	if more := len(f.Changes) - briefChanges; more > 0 {
		p.line("  … and %d more; nixfleet plan shows all, line by line", more)
	}
}
