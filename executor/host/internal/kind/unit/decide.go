package unit

import (
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind/file"
	systemd "github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/restart"
	"github.com/nixfleet/nixfleet/schema"
)

// decide decides what stops, starts, restarts and reloads.
func (c *comparison) decide() error {
	change := c.change()
	live := &liveUnits{Manager: c.Units, ctx: c.Context, status: map[schema.UnitName]systemd.Status{}}
	c.reload = c.changesUnitDirectory()
	live.list(change.Units())
	c.noteActive(live)
	change.Unread = c.findUnread(live)
	decisions := restart.Decide(live, change)
	work := &work{keep: decisions.Keep, forget: c.forget(live), unmasked: c.unmaskedUnits(), reload: c.reload, settle: c.Manifest.Settle}
	if live.err != nil {
		return live.err
	}
	for _, stop := range decisions.Stops {
		c.Stopping[stop.Unit] = true
		work.stops = append(work.stops, job{stop.Unit, systemd.Stop, c.report(stop, schema.StageStop)})
	}
	for _, start := range decisions.Jobs {
		work.jobs = append(work.jobs, job{start.Unit, systemd.Verb(start.Verb), c.report(start, schema.StageUnits)})
	}
	for _, skipped := range decisions.Skipped {
		c.Note("%s is not restarted: it is %s", skipped.Unit, skipped.State)
	}
	c.addWork(work)
	return nil
}

// report adds what people see of a decision.
func (c *comparison) report(d restart.Decision, stage schema.Stage) *schema.Change {
	item := &kind.Item{Object: object(d.Unit), Action: d.Action(), Detail: d.Reason.String(), Stage: stage, Batched: true}
	c.Add(item)
	return item.Change()
}

// addWork adds the two items that do all of the work together: what stops, stops at
// once, and so does what starts.
func (c *comparison) addWork(w *work) {
	does := w.reload || len(w.stops)+len(w.jobs) > 0
	if !does && len(w.keep)+len(w.forget) == 0 {
		return
	}
	c.Add(&kind.Item{Stage: schema.StageStop, Silent: true, Passive: !does, Work: stopWork{w}})
	c.Add(&kind.Item{Stage: schema.StageUnits, Silent: true, Passive: !does, Work: startWork{w}})
}

// change is what the rest of the work does to units and to what they depend on.
func (c *comparison) change() restart.Change {
	change := restart.Change{
		Goal: c.Manifest, Previous: c.Previous, Changed: c.Changed, Removed: map[string]bool{}, Linked: c.linked,
		Returns: map[schema.UnitName]bool{},
	}
	for _, item := range c.Items() {
		if !item.Goes || item.Path == "" || item.Object.Kind == schema.KindDirectory {
			continue
		}
		if c.unmasked[item.Path] == "" { // what runs in spite of a mask is not ours
			change.Removed[item.Path] = true
		}
		if original, _ := c.Owns(file.Owned(item.Path)); original.Adopted && original.Active {
			change.Returns[schema.UnitName(strings.TrimPrefix(item.Path, schema.UnitDirectory+"/"))] = true
		}
	}
	return change
}

// changesUnitDirectory reports whether files change that systemd reads as units.
func (c *comparison) changesUnitDirectory() bool {
	for name := range c.Changed {
		if strings.HasPrefix(name, schema.UnitDirectory+"/") || strings.HasPrefix(name, "/usr/local/lib/systemd/system/") {
			return true
		}
	}
	return false
}

// findUnread returns the units with the right file of which systemd has read another.
func (c *comparison) findUnread(live *liveUnits) map[schema.UnitName]bool {
	var names []schema.UnitName
	for _, u := range c.Manifest.Units {
		if live.status[u.Name].Load == "loaded" && !c.Changed[u.Name.File()] && !c.reload {
			names = append(names, u.Name)
		}
	}
	unread := map[schema.UnitName]bool{}
	for _, name := range live.unread(names) {
		unread[name], c.reload = true, true
	}
	return unread
}

// noteActive records which units ran before they are adopted or masked.
func (c *comparison) noteActive(live *liveUnits) {
	names := slices.Clone(c.Manifest.Masks)
	for _, u := range c.Manifest.Units {
		if original, _ := c.WillOwn(file.Owned(u.Name.File())); original.Adopted {
			names = append(names, u.Name)
		}
	}
	for _, name := range names {
		of := file.Owned(name.File())
		original, ours := c.WillOwn(of)
		if _, owned := c.Owns(of); owned || !ours {
			continue
		}
		original.Active = live.Up(name)
		if name.IsTemplate() {
			original.Active = len(live.Running(name)) > 0
		}
		c.Own(of, original)
	}
}

// forget returns the units whose files are gone afterwards or masked now; of
// templates, their instances. systemd may know that they failed.
func (c *comparison) forget(live *liveUnits) []schema.UnitName {
	var gone, names []schema.UnitName
	for _, name := range slices.Sorted(maps.Keys(c.Gone)) {
		if name, ok := strings.CutPrefix(name, schema.UnitDirectory+"/"); ok && isUnitName(name) {
			gone = append(gone, schema.UnitName(name))
		}
	}
	for _, name := range c.Manifest.Masks {
		if c.Changed[name.File()] {
			gone = append(gone, name)
		}
	}
	for _, name := range gone {
		if !name.IsTemplate() {
			names = append(names, name)
			continue
		}
		for _, instance := range live.Running(name) {
			names = append(names, instance.Unit)
		}
	}
	return names
}

func (c *comparison) unmaskedUnits() (units []unmasked) {
	for _, name := range slices.Sorted(maps.Values(c.unmasked)) {
		if original, _ := c.Owns(file.Owned(name.File())); !name.IsTemplate() {
			units = append(units, unmasked{name, original.Active})
		}
	}
	return units
}
