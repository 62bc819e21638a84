package inspect

import (
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// maskTarget is what a masked unit's file is a link to.
const maskTarget = "/dev/null"

func isMask(entry rooted.Entry) bool {
	return entry.Kind == rooted.Symlink && entry.Target == maskTarget
}

// compareMasks compares the links that keep units from starting.
func (c *comparison) compareMasks() error {
	for _, name := range c.Manifest.Masks {
		if slices.ContainsFunc(c.Manifest.Units, func(u schema.Unit) bool { return u.Name == name }) {
			c.refuse("leave one of them out", "the unit %s is declared and masked", name)
			continue
		}
		if err := c.compareMask(name); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) compareMask(name schema.UnitName) error {
	file := unitPath(string(name))
	entry, ok, err := c.lookup(file)
	if err != nil || !ok {
		return err
	}
	_, owned := c.State.Owned.Files[file]
	switch {
	case !owned && isMask(entry):
		return nil // as it shall be, and somebody else's: it stays theirs
	case !owned && entry.Kind != rooted.Absent:
		c.refuse("move it away; or declare the unit with adopt = true instead of masking it, and enabled = false",
			"cannot mask %s: expected nothing at %s, found %s", name, file, describe(entry, c.accounts))
		return nil
	}
	found, err := c.compareFile(wish{FileWork: FileWork{Path: file, Symlink: maskTarget}}, func(finding) *schema.Change {
		return &schema.Change{Action: schema.Mask, Kind: "unit", Object: string(name)}
	})
	if found.action != "" {
		c.changed[file] = true
	}
	return err
}
