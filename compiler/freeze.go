package compiler

import (
	"os"
	"path/filepath"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/freeze"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/compiler/internal/resolve"
	"github.com/nixfleet/nixfleet/schema"
)

// freeze resolves an evaluation and freezes it as a preview; nil where c.found
// tells why not.
func (c *compilation) freeze(result *intent.Result) (*schema.Plan, error) {
	fleet, found := resolve.Resolve(result, c.inventory.LocateHost)
	found = append(found, resolve.CheckTimeZone(result.Fleet.TimeZone, c.inventory.Locate("timeZone"))...)
	order, wrong := c.planRollout(result, fleet)
	found = append(found, wrong...)
	systems := map[schema.System]bool{}
	for _, host := range fleet.Hosts {
		systems[host.Manifest.System] = true
	}
	c.found = append(c.found, c.relative(found)...)
	if c.found.Failed() {
		return nil, nil
	}
	header := schema.Index{
		Kind: schema.PlanKind, Version: schema.PlanVersion,
		Fleet: result.Fleet.Name, TimeZone: result.Fleet.TimeZone,
		Source: c.frozenSource(), Helpers: map[schema.System]schema.Digest{},
		Rollout: order,
	}
	for system, digest := range c.in.Helpers {
		if systems[system] {
			header.Helpers[system] = digest
		}
	}
	return freeze.Preview(header, fleet)
}

func (c *compilation) frozenSource() schema.Source {
	source := schema.Source{
		NarHash: c.source.NarHash, Directory: c.source.Directory, Revision: c.source.Revision, Dirty: c.source.Dirty,
		Library: c.library.NarHash,
	}
	for name, input := range c.inputs {
		if source.Inputs == nil {
			source.Inputs = map[string]schema.NarHash{}
		}
		source.Inputs[name] = input.NarHash
	}
	switch {
	case c.inventory == nil:
	case source.Inputs[inventoryInput] != "":
		source.Inventory = "inputs." + inventoryInput
	default:
		source.Inventory = c.inventory.File
	}
	return source
}

// relative makes the library's positions relative to the fleet, and drops those
// that lie elsewhere: in the library itself, where it names an attribute.
func (c *compilation) relative(found diagnostic.List) diagnostic.List {
	for i := range found {
		d := &found[i]
		if d.Position.File == "" || c.inventory != nil && d.Position.File == c.inventory.File {
			continue
		}
		if _, err := os.Stat(filepath.Join(c.source.Path, d.Position.File)); err != nil {
			d.Position = Position{}
			continue
		}
		if name, err := filepath.Rel(c.source.Fleet(), filepath.Join(c.source.Path, d.Position.File)); err == nil {
			d.Position.File = filepath.ToSlash(name)
		}
	}
	return found
}
