// Package unit manages systemd units: their files, the links that enable them, masks,
// and how the units run.
package unit

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind/file"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// Kind is the kind.
var Kind = kind.Kind{
	Name:    schema.KindUnit,
	Paths:   paths,
	Compare: compare,
	Steps: map[string]func() kind.Step{
		"change": file.Steps["change"],
		"stop":   func() kind.Step { return &stop{} },
		"start":  func() kind.Step { return &start{} },
	},
}

// maskTarget is what a masked unit's file is a link to.
const maskTarget = "/dev/null"

func isMask(entry rooted.Entry) bool {
	return entry.Kind == rooted.Symlink && entry.Target == maskTarget
}

func linkPath(link string) string { return schema.UnitDirectory + "/" + link }

func paths(m *schema.Manifest, add func(string, kind.Content)) {
	for _, u := range m.Units {
		add(u.Name.File(), kind.Content{Payload: u.Payload})
		for _, link := range u.Links {
			add(linkPath(link), kind.Content{Symlink: u.Name.File()})
		}
	}
	for _, name := range m.Masks {
		add(name.File(), kind.Content{Symlink: maskTarget})
	}
}

func object(name schema.UnitName) kind.Object {
	return kind.Object{Kind: schema.KindUnit, Name: string(name)}
}

type comparison struct {
	*kind.Comparison
	// linked are units with a link that will be new.
	linked map[schema.UnitName]bool
	// unmasked are the units whose masks go, by the mask's path.
	unmasked map[string]schema.UnitName
	// reload says that systemd must read its units again.
	reload bool
}

func compare(c *kind.Comparison) kind.Hooks {
	units := &comparison{Comparison: c, linked: map[schema.UnitName]bool{}, unmasked: map[string]schema.UnitName{}}
	return kind.Hooks{Release: units.release, Compare: units.compare, Finish: units.decide}
}

// release finds the files, links and masks that the goal does not have any more.
func (c *comparison) release() error {
	for _, name := range slices.Sorted(maps.Keys(c.State.Owned[schema.KindFile])) {
		rest, inside := strings.CutPrefix(name, schema.UnitDirectory+"/")
		if !inside || c.Wants(name) || schema.CheckFilePath(name) == nil {
			continue
		}
		if err := file.Release(c.Comparison, object(schema.UnitName(rest)), name, func(item *kind.Item, found rooted.Entry) {
			c.reportRelease(item, rest, found)
		}); err != nil {
			return err
		}
	}
	return nil
}

// reportRelease says what a file that goes means for the unit. A unit's links go with it.
func (c *comparison) reportRelease(item *kind.Item, rest string, found rooted.Entry) {
	switch linked := schema.LinkedUnit(rest); {
	case isMask(found) && isUnitName(rest):
		item.Action = schema.Unmask
		c.unmasked[item.Path] = schema.UnitName(rest)
	case linked != "":
		item.Action, item.Object, item.Detail = schema.Disable, object(linked), rest
		item.Silent = !c.Wants(schema.UnitName(path.Base(rest)).Template().File())
	}
}

func isUnitName(s string) bool {
	var name schema.UnitName
	return name.UnmarshalText([]byte(s)) == nil
}

// compare compares the units' files, the links that enable them, and the masks.
func (c *comparison) compare() error {
	for _, u := range c.Manifest.Units {
		if err := c.compareUnit(u); err != nil {
			return err
		}
	}
	for _, name := range c.Manifest.Masks {
		if slices.ContainsFunc(c.Manifest.Units, func(u schema.Unit) bool { return u.Name == name }) {
			c.Refuse(object(name), "leave one of them out", "the unit %s is declared and masked", name)
			continue
		}
		if err := c.compareMask(name); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) compareUnit(u schema.Unit) error {
	if strings.Contains(string(u.Name), "/") {
		c.Refuse(object(u.Name), "", "the unit %q has a slash in its name", u.Name)
		return nil
	}
	hides, ok := c.checkVendor(u)
	if !ok {
		return nil
	}
	isNew, adopts := false, false
	_, err := file.Compare(c.Comparison, file.Wish{
		Object: object(u.Name), Path: u.Name.File(), Content: kind.Content{Payload: u.Payload},
		Owner: account.Ownership{Mode: 0o644, Owner: "root", Group: "root"}, Adopt: u.Adopt, Option: option(u.Name),
	}, func(item *kind.Item, found rooted.Entry) {
		isNew = item.Action != schema.Update
		adopts = item.Action == schema.Adopt
		details := kind.Details(item.Differences)
		if hides && item.Action == schema.Create {
			item.Action, details = schema.Adopt, "hides the operating system's"
		}
		if u.Enabled && item.Action != schema.Update {
			details = strings.Trim(details+", enabled", ", ")
		}
		item.Detail = details
		if isMask(found) {
			item.Differences = []schema.Difference{{Property: schema.PropertyMasked, Was: "no", Is: "yes, by hand"}}
		}
	})
	if err != nil {
		return err
	}
	if original, _ := c.WillOwn(file.Owned(u.Name.File())); hides && !adopts {
		original.Adopted = true
		c.Own(file.Owned(u.Name.File()), original)
	}
	for _, link := range u.Links {
		if err := c.compareLink(u, link, isNew); err != nil {
			return err
		}
	}
	return nil
}

func option(name schema.UnitName) string {
	return fmt.Sprintf("nixfleet.systemd.units.%q", string(name))
}

// vendorDirectories are where units come from that a file in /etc would hide.
var vendorDirectories = []string{"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/system", "/run/systemd/generator"}

// checkVendor reports whether the unit hides one of the operating system's, and
// refuses that where it is not allowed.
func (c *comparison) checkVendor(u schema.Unit) (hides, ok bool) {
	if original, owned := c.Owns(file.Owned(u.Name.File())); owned {
		// What only masked the operating system's did not take its place.
		if entry, err := c.Files.Lookup(u.Name.File()); err != nil || !isMask(entry) || original.Adopted {
			return false, true
		}
	}
	for _, dir := range vendorDirectories {
		entry, err := c.Files.Lookup(path.Join(dir, string(u.Name)))
		if err != nil || entry.Kind == rooted.Absent {
			continue
		}
		if !u.Adopt {
			c.Refuse(object(u.Name), "set "+option(u.Name)+".adopt = true to put yours in its place, or choose another name",
				"the unit %s exists and NixFleet did not create it: expected none, found %s/%s", u.Name, dir, u.Name)
		}
		return true, u.Adopt
	}
	return false, true
}

// compareLink compares a link that enables a unit.
func (c *comparison) compareLink(u schema.Unit, link string, isNew bool) error {
	name := linkPath(link)
	if path.Clean(name) != name || strings.Count(link, "/") > 1 {
		c.Refuse(object(u.Name), "", "the link %q of unit %s is not below %s", link, u.Name, schema.UnitDirectory)
		return nil
	}
	action, err := file.Compare(c.Comparison, file.Wish{
		Object: object(u.Name), Path: name, Content: kind.Content{Symlink: u.Name.File()}, Adopt: u.Adopt, Option: option(u.Name),
	}, func(item *kind.Item, found rooted.Entry) {
		is := "no, " + link + " is another link"
		if found.Kind == rooted.Absent {
			is = "no, " + link + " is missing"
		}
		item.Action, item.Detail, item.Silent = schema.Enable, link, isNew
		item.Differences = []schema.Difference{{Property: schema.PropertyEnabled, Was: "yes", Is: is}}
	})
	if started := schema.LinkedUnit(link); started != "" && action == schema.Create {
		c.linked[started] = true
	}
	return err
}

// compareMask compares the link that keeps a unit from starting.
func (c *comparison) compareMask(name schema.UnitName) error {
	entry, ok, err := c.Lookup(object(name), name.File())
	if err != nil || !ok {
		return err
	}
	_, owned := c.Owns(file.Owned(name.File()))
	switch {
	case !owned && isMask(entry):
		return nil // as the goal has it, and not ours: it stays so
	case !owned && entry.Kind != rooted.Absent:
		c.Refuse(object(name), "move it away; or declare the unit with adopt = true instead of masking it, and enabled = false",
			"cannot mask %s: expected nothing at %s, found %s", name, name.File(), kind.Describe(entry, c.Accounts))
		return nil
	}
	_, err = file.Compare(c.Comparison, file.Wish{Object: object(name), Path: name.File(), Content: kind.Content{Symlink: maskTarget}}, func(item *kind.Item, _ rooted.Entry) {
		item.Action = schema.Mask
		item.Differences = []schema.Difference{{Property: schema.PropertyMasked, Was: "yes", Is: "no"}}
	})
	return err
}
