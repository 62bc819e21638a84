package observe

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// units looks at the managed units: how those that are enabled are, which of
// them stopped, which run in spite of a mask, and what systemd has not read.
func (d *differ) units() {
	enabled, others := d.unitNames()
	names := slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(enabled), others...))))
	if len(names) == 0 {
		return
	}
	status, err := d.Live.Units.List(d.ctx, names)
	if err != nil {
		d.problem("cannot see how the units are: " + err.Error())
		return
	}
	toStart := map[schema.UnitName]bool{}
	for _, item := range d.work.Items {
		if item.Object.Kind == schema.KindUnit && item.Action == schema.Start {
			toStart[schema.UnitName(item.Object.Name)] = true
		}
	}
	for _, name := range enabled {
		s := status[name]
		stopped := toStart[name] && !s.Runs()
		d.observation.Units = append(d.observation.Units, schema.ObservedUnit{
			Name: name, Active: s.Active, Sub: s.Sub, Unwell: unwell(s, stopped),
		})
		if stopped && d.found[unitObject(name)] == nil {
			d.add(unitObject(name), schema.Difference{Property: schema.PropertyActive, Was: "active", Is: activeText(s)})
		}
	}
	for _, item := range d.work.Items {
		if item.Action == schema.Stop && d.masked(schema.UnitName(item.Object.Name)) {
			d.add(item.Object, schema.Difference{Property: schema.PropertyActive, Was: "masked", Is: "active"})
		}
	}
	d.unread(status)
}

func unitObject(name schema.UnitName) kind.Object {
	return kind.Object{Kind: schema.KindUnit, Name: string(name)}
}

// unitNames returns the units that are enabled, as they run, and all others of
// the manifest, templates left out.
func (d *differ) unitNames() (enabled, others []schema.UnitName) {
	for _, u := range d.Applied.Units {
		others = append(others, u.Name)
		if u.Enabled {
			enabled = append(enabled, u.Starts...)
		}
	}
	slices.Sort(enabled)
	others = slices.DeleteFunc(others, schema.UnitName.IsTemplate)
	return slices.Compact(enabled), others
}

// unwell says what is wrong with an enabled unit.
func unwell(s unit.Status, stopped bool) string {
	switch {
	case s.Active == "failed":
		return "failed"
	case s.Restarting():
		return "ends again and again"
	case s.Load != "loaded" && s.Load != "":
		return s.Load
	case stopped:
		return "does not run"
	}
	return ""
}

func activeText(s unit.Status) string {
	if s.Load != "loaded" && s.Load != "" {
		return s.Load
	}
	return fmt.Sprintf("%s (%s)", s.Active, s.Sub)
}

func (d *differ) masked(name schema.UnitName) bool {
	return slices.Contains(d.Applied.Masks, name) || slices.ContainsFunc(d.Applied.Masks, func(mask schema.UnitName) bool {
		before, after, _ := strings.Cut(string(mask), "@")
		return mask.IsTemplate() && strings.HasPrefix(string(name), before+"@") && strings.HasSuffix(string(name), after)
	})
}

// unread looks for units whose files are as applied, of which systemd knows
// another text.
func (d *differ) unread(status map[schema.UnitName]unit.Status) {
	var names []schema.UnitName
	for _, u := range d.Applied.Units {
		if status[u.Name].Load == "loaded" && d.found[unitObject(u.Name)] == nil {
			names = append(names, u.Name)
		}
	}
	unread, err := d.Live.Units.Unread(d.ctx, names)
	if err != nil {
		d.problem(err.Error())
	}
	for _, name := range unread {
		d.add(unitObject(name), schema.Difference{Property: "read by systemd", Was: "yes", Is: "no, a daemon-reload is due"})
	}
}

// dropInDirectories are where people put texts that change a unit's own.
var dropInDirectories = []string{schema.UnitDirectory, "/etc/systemd/system.control", "/run/systemd/system", "/run/systemd/system.control"}

// addedByHand looks for what people added to managed units: drop-ins and links that
// enable them. An execution leaves that alone.
func (d *differ) addedByHand() {
	for _, u := range d.Applied.Units {
		for _, dir := range dropInDirectories {
			for _, file := range d.namesIn(path.Join(dir, string(u.Name)+".d")) {
				if _, ours := d.State.Owned[schema.KindFile][file]; !ours && strings.HasSuffix(file, ".conf") {
					d.addOther(u.Name, schema.Difference{Property: schema.PropertyDropIn, Was: "none", Is: file})
				}
			}
		}
	}
	for _, dir := range d.namesIn(schema.UnitDirectory) {
		if !strings.HasSuffix(dir, ".wants") && !strings.HasSuffix(dir, ".requires") {
			continue
		}
		for _, link := range d.namesIn(dir) {
			name := path.Base(link)
			_, ours := d.State.Owned[schema.KindFile][link]
			managed := slices.ContainsFunc(d.Applied.Units, func(u schema.Unit) bool { return string(u.Name) == name })
			if managed && !ours {
				d.addOther(schema.UnitName(name), schema.Difference{Property: schema.PropertyEnabled, Was: "no", Is: "yes, by hand, by " + link})
			}
		}
	}
}

func (d *differ) addOther(name schema.UnitName, difference schema.Difference) {
	d.others = append(d.others, schema.Drift{Kind: schema.KindUnit, Object: string(name), Differences: []schema.Difference{difference}, Stays: true})
}

// namesIn returns the paths of a directory's entries; none where it is none.
func (d *differ) namesIn(dir string) []string {
	if entry, err := d.Live.Files.Lookup(dir); err != nil || entry.Kind != rooted.Directory {
		return nil
	}
	names, err := d.Live.Files.Names(dir)
	if err != nil {
		d.problem(err.Error())
	}
	for i, name := range names {
		names[i] = path.Join(dir, name)
	}
	return names
}
