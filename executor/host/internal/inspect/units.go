package inspect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// compareUnits decides what stops, starts, restarts and reloads.
func (c *comparison) compareUnits() error {
	names, dropped := c.unitsToAsk()
	if c.changesUnitDirectory() {
		c.work.DaemonReload = true
	}
	status := map[schema.UnitName]unit.Status{}
	if len(names) > 0 {
		var err error
		if status, err = c.Units.List(c.ctx, names); err != nil {
			return err
		}
	}
	if err := c.noteActive(status); err != nil {
		return err
	}
	if err := c.compareRead(status); err != nil {
		return err
	}
	d := &decisions{comparison: c, status: status, jobs: map[schema.UnitName]decision{}, ended: map[schema.UnitName]bool{}}
	for _, step := range []func() error{
		d.stopMasked, func() error { return d.stopDropped(dropped) }, d.changedTexts, d.enabledUnits, d.restartRules, d.sockets, d.keep, d.forget,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	d.write()
	return nil
}

// compareRead looks for units whose files are as they shall be, of which systemd
// knows another text.
func (c *comparison) compareRead(status map[schema.UnitName]unit.Status) error {
	var names []schema.UnitName
	for _, u := range c.Manifest.Units {
		if status[u.Name].Load == "loaded" && !c.textChanged[u.Name] && !c.work.DaemonReload {
			names = append(names, u.Name)
		}
	}
	unread, err := c.Units.Unread(c.ctx, names)
	for _, name := range unread {
		c.unread[name], c.textChanged[name], c.work.DaemonReload = true, true, true
	}
	return err
}

// noteActive remembers which of the units that are adopted or masked now ran before.
func (c *comparison) noteActive(status map[schema.UnitName]unit.Status) error {
	names := slices.Clone(c.Manifest.Masks)
	for _, u := range c.Manifest.Units {
		if c.work.Owned.Files[unitPath(string(u.Name))].Adopted {
			names = append(names, u.Name)
		}
	}
	for _, name := range names {
		file := unitPath(string(name))
		original, ours := c.work.Owned.Files[file]
		if _, owned := c.State.Owned.Files[file]; owned || !ours {
			continue
		}
		original.Active = status[name].Runs()
		if name.IsTemplate() {
			instances, err := c.Units.Instances(c.ctx, name)
			if err != nil {
				return err
			}
			original.Active = len(instances) > 0
		}
		c.work.Owned.Files[file] = original
	}
	return nil
}

// unitsToAsk returns all units whose state matters, without templates, and those
// among them that the goal has dropped or disabled.
func (c *comparison) unitsToAsk() (names, dropped []schema.UnitName) {
	for _, u := range c.Manifest.Units {
		names = append(append(append(names, u.Name), u.Starts...), u.StartWith...)
	}
	for _, rule := range c.rules() {
		names = append(names, rule.Unit)
	}
	names = append(names, c.Manifest.Masks...)
	for _, step := range c.work.Removals {
		rest, ok := strings.CutPrefix(step.Do.Path, schema.UnitDirectory+"/")
		if !ok || step.Do.Unmasks != "" { // what runs in spite of a mask has nothing to do with us
			continue
		}
		if name := schema.LinkedUnit(rest); name != "" {
			dropped = append(dropped, name)
		} else if unitName(rest) {
			dropped = append(dropped, schema.UnitName(rest))
		}
	}
	names = append(names, dropped...)
	names = slices.DeleteFunc(names, schema.UnitName.IsTemplate)
	slices.Sort(names)
	slices.Sort(dropped)
	return slices.Compact(names), slices.Compact(dropped)
}

func unitName(s string) bool {
	var name schema.UnitName
	return name.UnmarshalText([]byte(s)) == nil
}

// changesUnitDirectory reports whether files change that systemd reads as units.
func (c *comparison) changesUnitDirectory() bool {
	for name := range c.changed {
		if strings.HasPrefix(name, schema.UnitDirectory+"/") || strings.HasPrefix(name, "/usr/local/lib/systemd/system/") {
			return true
		}
	}
	return false
}

// decisions collects one verb for each unit.
type decisions struct {
	*comparison
	status map[schema.UnitName]unit.Status
	jobs   map[schema.UnitName]decision
	stops  []Step[schema.UnitName]
	// ended are units that must not run any more, whatever else asks for them.
	ended map[schema.UnitName]bool
}

type decision struct {
	verb    unit.Verb
	because string
}

// force orders verbs: a stronger one does what a weaker one would as well.
var force = map[unit.Verb]int{unit.Start: 1, unit.Reload: 2, unit.Restart: 3}

func (d *decisions) decide(name schema.UnitName, verb unit.Verb, because string) {
	if have, ok := d.jobs[name]; !ok || force[verb] > force[have.verb] {
		d.jobs[name] = decision{verb, because}
	}
}

func (d *decisions) stop(name schema.UnitName, because string) {
	if d.stopping[name] {
		return
	}
	d.stopping[name] = true
	d.stops = append(d.stops, Step[schema.UnitName]{name,
		&schema.Change{Action: schema.Stop, Kind: "unit", Object: string(name), Detail: because}})
}

// changedTexts carries out what a change of a unit's text does to it.
func (d *decisions) changedTexts() error {
	for _, u := range d.Manifest.Units {
		if !d.textChanged[u.Name] {
			continue
		}
		running, err := d.running(u.Name)
		if err != nil {
			return err
		}
		because := "its unit changed"
		if d.unread[u.Name] {
			because = "systemd has not read its unit"
		}
		for _, name := range running {
			switch u.OnChange {
			case schema.StopStart:
				if !d.stopping[name] {
					d.stop(name, because)
					d.decide(name, unit.Restart, because)
				}
			case schema.Restart:
				d.decide(name, unit.Restart, because)
			case schema.Reload:
				d.decide(name, unit.Reload, because)
			case schema.Keep:
			}
		}
	}
	return nil
}

// wantedNow reports whether something that the unit is enabled for is up, or will be.
func (d *decisions) wantedNow(u schema.Unit) bool {
	return slices.ContainsFunc(u.StartWith, func(name schema.UnitName) bool {
		job, starts := d.jobs[name]
		return starts && job.verb != unit.Reload || d.status[name].Runs() && !d.ended[name]
	})
}

// enabledUnits starts what is enabled and does not run: what is newly enabled,
// and what should have gone on running. What starts may want others in turn.
func (d *decisions) enabledUnits() error {
	seen := map[schema.UnitName]bool{}
	for found := true; found; {
		found = false
		for _, u := range d.Manifest.Units {
			if seen[u.Name] || !u.Enabled || !d.wantedNow(u) {
				continue
			}
			seen[u.Name], found = true, true
			for _, name := range u.Starts {
				if err := d.enabledUnit(name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (d *decisions) enabledUnit(name schema.UnitName) error {
	status := d.status[name]
	switch {
	case status.Runs():
		return nil
	case d.enabled[name], d.textChanged[name] && status.Load != "loaded":
		d.decide(name, unit.Start, "enabled")
		return nil
	case status.Load != "loaded":
		d.decide(name, unit.Start, "found "+status.Load)
		return nil
	}
	details, err := d.Units.Details(d.ctx, name)
	if err != nil {
		return err
	}
	if details.LongRunning() && !details.Skipped {
		d.decide(name, unit.Start, fmt.Sprintf("found %s (%s)", status.Active, status.Sub))
	}
	return nil
}

// write turns the decisions into work, sorted by unit. What only stops has no job.
func (d *decisions) write() {
	slices.SortFunc(d.stops, func(a, b Step[schema.UnitName]) int { return strings.Compare(string(a.Do), string(b.Do)) })
	d.work.Stops = d.stops
	actions := map[unit.Verb]schema.Action{unit.Start: schema.Start, unit.Reload: schema.Reloads, unit.Restart: schema.Restarts}
	for _, name := range sortedKeys(d.jobs) {
		job := d.jobs[name]
		if d.ended[name] {
			continue
		}
		action := actions[job.verb]
		if d.stopping[name] {
			action = schema.Start // what was stopped starts, and is reported so
		}
		d.work.Jobs = append(d.work.Jobs, Step[unit.Job]{unit.Job{Unit: name, Verb: job.verb},
			&schema.Change{Action: action, Kind: "unit", Object: string(name), Detail: job.because}})
	}
}
