package manifestdiff

import (
	"cmp"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/restart"
	"github.com/nixfleet/nixfleet/schema"
)

// unitFiles are the units' files and the links that enable them.
func (d *difference) unitFiles() {
	for _, p := range pairs(d.old.Units, d.new.Units, func(u *schema.Unit) schema.UnitName { return u.Name }) {
		name := schema.UnitName(p.name)
		masked, wasMasked := slices.Contains(d.new.Masks, name), slices.Contains(d.old.Masks, name)
		switch {
		case p.old == nil:
			change := does(schema.Create, schema.KindUnit, p.name, "")
			if p.new.Enabled {
				change.Detail = "enabled"
			}
			if p.new.Adopt {
				change.Note = "takes the place of the operating system's, where there is one"
			}
			if wasMasked {
				change.Action, change.Detail = schema.Update, "was masked, and is declared"
			}
			d.change.Changed[name.File()] = true
			d.addContent(file, change, Content{}, Content{Payload: p.new.Payload})
		case p.new == nil && !masked: // otherwise the mask replaces it
			d.change.Changed[name.File()], d.change.Removed[name.File()] = true, true
			d.addContent(removal, does(schema.Remove, schema.KindUnit, p.name, "", givesBack(p.old.Adopt)), Content{Payload: p.old.Payload}, Content{})
		case p.new != nil && p.old.Payload != p.new.Payload:
			d.change.Changed[name.File()] = true
			change, old, now := does(schema.Update, schema.KindUnit, p.name, "content", d.effect(p.new)), Content{Payload: p.old.Payload}, Content{Payload: p.new.Payload}
			change.Fields = []schema.Difference{content(old, now)}
			d.addContent(file, change, old, now)
		}
		linksChange := d.links(p, p.old != nil || wasMasked, p.new != nil || masked)
		if p.old != nil && p.new != nil {
			d.sameUnit(p.old, p.new, linksChange)
		}
	}
}

// sameUnit adds what is declared differently for a unit and changes nothing now.
func (d *difference) sameUnit(before, after *schema.Unit, linksChange bool) {
	fields := []schema.Difference{field("what a change of its text does", before.OnChange, after.OnChange), flag("adopt", before.Adopt, after.Adopt)}
	if !linksChange {
		fields = append(fields, flag("enabled", before.Enabled, after.Enabled), field("starts", join(before.Starts), join(after.Starts)),
			field("starts with", join(before.StartWith), join(after.StartWith)))
	}
	d.declare(file, schema.KindUnit, string(after.Name), fields...)
}

// effect says what a unit's new text does not do by itself.
func (d *difference) effect(u *schema.Unit) string {
	switch {
	case u.OnChange == schema.Keep:
		return "it keeps running as it is until something restarts it"
	case d.ends(u) && u.Name.Type() == "service":
		return "it ends when its work is done: the next start uses the new text"
	}
	return ""
}

func linkPaths(u *schema.Unit) []string {
	var paths []string
	for _, link := range u.Links {
		paths = append(paths, schema.UnitDirectory+"/"+link)
	}
	return paths
}

// links adds the links of a unit that change. Those of a unit that comes or goes as a
// whole are no steps of their own.
func (d *difference) links(p pair[schema.Unit], was, stays bool) (change bool) {
	before, after := valueOf(p.old).Links, valueOf(p.new).Links
	for _, link := range before {
		if slices.Contains(after, link) {
			continue
		}
		path := schema.UnitDirectory + "/" + link
		d.change.Changed[path], d.change.Removed[path], change = true, true, true
		if stays {
			d.add(removal, does(schema.Disable, schema.KindUnit, cmp.Or(string(schema.LinkedUnit(link)), p.name), link))
		}
	}
	for _, link := range after {
		if slices.Contains(before, link) {
			continue
		}
		d.change.Changed[schema.UnitDirectory+"/"+link], d.change.Linked[schema.LinkedUnit(link)], change = true, true, true
		if was {
			d.add(file, does(schema.Enable, schema.KindUnit, p.name, link))
		}
	}
	return change
}

func (d *difference) masks() {
	for _, name := range d.old.Masks {
		if !slices.Contains(d.new.Masks, name) && !declares(d.new, name) {
			d.change.Changed[name.File()] = true
			d.add(removal, does(schema.Unmask, schema.KindUnit, string(name), "", "it may start again, and is not started now"))
		}
	}
	for _, name := range d.new.Masks {
		if !slices.Contains(d.old.Masks, name) {
			d.change.Changed[name.File()] = true
			d.add(file, does(schema.Mask, schema.KindUnit, string(name), ""))
		}
	}
}

func declares(m *schema.Manifest, name schema.UnitName) bool {
	return slices.ContainsFunc(m.Units, func(u schema.Unit) bool { return u.Name == name })
}

// units are the units that stop, start, restart and reload.
func (d *difference) units() {
	decided := restart.Decide(d.foresee(), d.change)
	for at, decisions := range map[stage][]restart.Decision{stop: decided.Stops, job: decided.Jobs} {
		for _, decision := range decisions {
			change := does(decision.Action(), schema.KindUnit, string(decision.Unit), decision.Reason.Clause())
			change.Condition = string(decision.Condition)
			d.steps = append(d.steps, Step{PlannedChange: change, Stopped: decision.Stopped, stage: at})
		}
	}
}

// ends reports whether a unit does its work and ends.
func (d *difference) ends(u *schema.Unit) bool {
	text := d.texts(u.Payload)
	return setting(text, "Service", "Type") == "oneshot" && !slices.Contains([]string{"yes", "true", "on", "1"}, setting(text, "Service", "RemainAfterExit"))
}

// setting returns the last value of a setting in a section of a unit's text.
func setting(text, section, name string) (value string) {
	in := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			in = line == "["+section+"]"
			continue
		}
		if key, found, ok := strings.Cut(line, "="); ok && in && strings.TrimSpace(key) == name {
			value = strings.TrimSpace(found)
		}
	}
	return value
}
