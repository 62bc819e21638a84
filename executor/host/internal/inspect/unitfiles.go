package inspect

import (
	"path"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// vendorDirectories are where units come from that a file in /etc would hide.
var vendorDirectories = []string{"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/system", "/run/systemd/generator"}

// compareUnitFiles compares the units' files and the links that enable them.
func (c *comparison) compareUnitFiles() error {
	for _, u := range c.Manifest.Units {
		if err := c.compareUnitFile(u); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) compareUnitFile(u schema.Unit) error {
	if strings.Contains(string(u.Name), "/") {
		c.refuse("", "the unit %q has a slash in its name", u.Name)
		return nil
	}
	name := unitPath(string(u.Name))
	hides, ok := c.checkVendor(u)
	if !ok {
		return nil
	}
	found, err := c.compareFile(wish{
		FileWork: FileWork{Path: name, Payload: u.Payload, Owner: Ownership{Mode: 0o644, Owner: "root", Group: "root"}},
		adopt:    u.Adopt, option: unitOption(u.Name),
	}, func(found finding) *schema.Change {
		if hides && found.action == schema.Create {
			found.action, found.detail = schema.Adopt, "hides the operating system's"
		}
		if u.Enabled && found.action != schema.Update {
			found.detail = strings.Trim(found.detail+", enabled", ", ")
		}
		return &schema.Change{Action: found.action, Kind: "unit", Object: string(u.Name), Detail: found.detail}
	})
	if err != nil {
		return err
	}
	if original := c.work.Owned.Files[name]; hides && found.action != schema.Adopt {
		original.Adopted = true
		c.work.Owned.Files[name] = original
	}
	if found.action != "" {
		c.changed[name], c.work.DaemonReload = true, true
	}
	isNew := found.action == schema.Create || found.action == schema.Adopt
	for _, link := range u.Links {
		if err := c.compareLink(u, link, isNew); err != nil {
			return err
		}
	}
	return nil
}

func unitOption(name schema.UnitName) string { return "nixfleet.systemd.units." + quote(string(name)) }

// checkVendor reports whether the unit hides one of the operating system's, and
// refuses that where it is not allowed.
func (c *comparison) checkVendor(u schema.Unit) (hides, ok bool) {
	file := unitPath(string(u.Name))
	if _, owned := c.State.Owned.Files[file]; owned {
		// What only masked the operating system's did not take its place.
		if entry, err := c.Files.Lookup(file); err != nil || !isMask(entry) || c.State.Owned.Files[file].Adopted {
			return false, true
		}
	}
	for _, dir := range vendorDirectories {
		entry, err := c.Files.Lookup(path.Join(dir, string(u.Name)))
		if err != nil || entry.Kind == rooted.Absent {
			continue
		}
		if !u.Adopt {
			c.refuse("set "+unitOption(u.Name)+".adopt = true to put yours in its place, or choose another name",
				"the unit %s exists and NixFleet did not create it: expected none, found %s/%s", u.Name, dir, u.Name)
		}
		return true, u.Adopt
	}
	return false, true
}

// compareLink compares a link that enables a unit.
func (c *comparison) compareLink(u schema.Unit, link string, isNew bool) error {
	name := unitPath(link)
	if path.Clean(name) != name || strings.Count(link, "/") > 1 {
		c.refuse("", "the link %q of unit %s is not below %s", link, u.Name, schema.UnitDirectory)
		return nil
	}
	found, err := c.compareFile(wish{
		FileWork: FileWork{Path: name, Symlink: unitPath(string(u.Name))},
		adopt:    u.Adopt, option: unitOption(u.Name),
	}, func(finding) *schema.Change {
		if isNew {
			return nil
		}
		return &schema.Change{Action: schema.Enable, Kind: "unit", Object: string(u.Name), Detail: link}
	})
	if err != nil || found.action == "" {
		return err
	}
	c.changed[name], c.work.DaemonReload = true, true
	if started := schema.LinkedUnit(link); started != "" && found.action == schema.Create {
		c.enabled[started] = true
	}
	return nil
}
