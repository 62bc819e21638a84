package diff

import (
	"slices"
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
		c.difference.Fleet = append(c.difference.Fleet, found.Change)
	}
}

func (c *comparison) fleet(name string, before, after any) {
	for _, found := range compareObjects(kindFleet, single(name, before), single(name, after)) {
		if found.diff != "" { // told in a line all the same: hashes are what is long
			found.Detail = strings.Join(valuesOf(before, after), ", ")
		}
		c.difference.Fleet = append(c.difference.Fleet, found.Change)
	}
}

// valuesOf says of each property that differs what it was and is.
func valuesOf(before, after any) []string {
	old, now := properties(before), properties(after)
	var all []string
	for key := range now {
		if _, had := old[key]; !had {
			old[key] = ""
		}
	}
	for key, value := range old {
		if value != now[key] {
			all = append(all, words(key)+" "+orNone(value)+" -> "+orNone(now[key]))
		}
	}
	slices.Sort(all)
	return all
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
