package diff

import (
	"cmp"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

const kindFleet = "fleet"

// compareFleet compares what is of no host by itself.
func (c *comparison) compareFleet() {
	type fleet struct {
		Name     string `json:"name,omitempty"`
		TimeZone string `json:"timeZone,omitempty"`
	}
	old, now := c.old.Index, c.new.Index
	c.fleet("the fleet", fleet{old.Fleet, old.TimeZone}, fleet{now.Fleet, now.TimeZone})
	c.fleet("the source", old.Source, now.Source)
	helpers := func(i schema.Index) []object {
		var all []object
		for _, system := range []schema.System{schema.AArch64Linux, schema.X8664Linux} {
			if digest, ok := i.Helpers[system]; ok {
				all = append(all, object{string(system), map[string]string{"digest": digest.Short()}})
			}
		}
		return all
	}
	for _, found := range compareObjects("helper", helpers(old), helpers(now)) {
		c.difference.Fleet = append(c.difference.Fleet, found.ofNoHost())
	}
}

// fleet reports values on the line, even long ones: they are hashes.
func (c *comparison) fleet(name string, before, after any) {
	for _, found := range compareObjects(kindFleet, single(name, before), single(name, after)) {
		details := make([]string, len(found.Fields))
		for i, f := range found.Fields {
			details[i] = f.Property + " " + cmp.Or(f.Was, "none") + " -> " + cmp.Or(f.Is, "none")
		}
		found.Detail, found.diff = strings.Join(details, ", "), ""
		c.difference.Fleet = append(c.difference.Fleet, found.ofNoHost())
	}
}

// ofNoHost is a change of the rollout or the fleet.
func (c change) ofNoHost() schema.PlannedChange {
	c.Inert = false
	if c.diff != "" {
		c.Texts = []schema.TextDifference{{Diff: c.diff}}
	}
	return c.PlannedChange
}
