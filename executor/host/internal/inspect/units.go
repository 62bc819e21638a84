package inspect

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/restart"
	"github.com/nixfleet/nixfleet/schema"
)

// compareUnits decides what stops, starts, restarts and reloads.
func (c *comparison) compareUnits() error {
	change := c.change()
	live := &liveUnits{Manager: c.Units, ctx: c.ctx, status: map[schema.UnitName]unit.Status{}}
	if c.changesUnitDirectory() {
		c.work.DaemonReload = true
	}
	live.list(change.Units())
	c.noteActive(live)
	change.Unread = c.findUnread(live)
	decisions := restart.Decide(live, change)
	c.work.Keep, c.work.Forget = decisions.Keep, c.forget(live)
	if live.err != nil {
		return live.err
	}
	for _, stop := range decisions.Stops {
		c.stopping[stop.Unit] = true
		c.work.Stops = append(c.work.Stops, Step[schema.UnitName]{stop.Unit, unitChange(stop)})
	}
	for _, job := range decisions.Jobs {
		c.work.Jobs = append(c.work.Jobs, Step[unit.Job]{unit.Job{Unit: job.Unit, Verb: unit.Verb(job.Verb)}, unitChange(job)})
	}
	for _, skipped := range decisions.Skipped {
		c.note("%s is not restarted: it is %s", skipped.Unit, skipped.State)
	}
	return nil
}

func unitChange(d restart.Decision) *schema.Change {
	return &schema.Change{Action: d.Action(), Kind: "unit", Object: string(d.Unit), Detail: d.Reason.String()}
}

// change is what the rest of the work does to units and to what they depend on.
func (c *comparison) change() restart.Change {
	change := restart.Change{
		Goal: c.Manifest, Previous: c.Previous, Changed: c.changed, Removed: map[string]bool{}, Linked: c.enabled,
		Returns: map[schema.UnitName]bool{},
	}
	for _, step := range c.work.Removals {
		if step.Do.Unmasks == "" { // what runs in spite of a mask is not ours
			change.Removed[step.Do.Path] = true
		}
		if original := step.Do.Original; original.Adopted && original.Active {
			change.Returns[schema.UnitName(strings.TrimPrefix(step.Do.Path, schema.UnitDirectory+"/"))] = true
		}
	}
	return change
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

// findUnread returns the units with the right file of which systemd has read another.
func (c *comparison) findUnread(live *liveUnits) map[schema.UnitName]bool {
	var names []schema.UnitName
	for _, u := range c.Manifest.Units {
		if live.status[u.Name].Load == "loaded" && !c.changed[u.Name.File()] && !c.work.DaemonReload {
			names = append(names, u.Name)
		}
	}
	unread := map[schema.UnitName]bool{}
	for _, name := range live.unread(names) {
		unread[name], c.work.DaemonReload = true, true
	}
	return unread
}

// noteActive records which units ran before they are adopted or masked.
func (c *comparison) noteActive(live *liveUnits) {
	names := slices.Clone(c.Manifest.Masks)
	for _, u := range c.Manifest.Units {
		if c.work.Owned.Files[u.Name.File()].Adopted {
			names = append(names, u.Name)
		}
	}
	for _, name := range names {
		original, ours := c.work.Owned.Files[name.File()]
		if _, owned := c.State.Owned.Files[name.File()]; owned || !ours {
			continue
		}
		original.Active = live.Up(name)
		if name.IsTemplate() {
			original.Active = len(live.Running(name)) > 0
		}
		c.work.Owned.Files[name.File()] = original
	}
}

// forget returns the units whose files are gone afterwards or masked now; of
// templates, their instances.
func (c *comparison) forget(live *liveUnits) []schema.UnitName {
	var gone, names []schema.UnitName
	for _, file := range sortedKeys(c.gone) {
		if name, ok := strings.CutPrefix(file, schema.UnitDirectory+"/"); ok && unitName(name) {
			gone = append(gone, schema.UnitName(name))
		}
	}
	for _, name := range c.Manifest.Masks {
		if c.changed[name.File()] {
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

func unitName(s string) bool {
	var name schema.UnitName
	return name.UnmarshalText([]byte(s)) == nil
}

// liveUnits is the host as systemd describes it. After an error it asks no more, and
// what it returns has no meaning.
type liveUnits struct {
	unit.Manager
	ctx    context.Context
	status map[schema.UnitName]unit.Status
	err    error
}

func (l *liveUnits) list(names []schema.UnitName) {
	if len(names) == 0 || l.err != nil {
		return
	}
	var found map[schema.UnitName]unit.Status
	found, l.err = l.List(l.ctx, names)
	maps.Copy(l.status, found)
}

func (l *liveUnits) unread(names []schema.UnitName) (unread []schema.UnitName) {
	if l.err == nil {
		unread, l.err = l.Unread(l.ctx, names)
	}
	return unread
}

func (l *liveUnits) details(name schema.UnitName) (details unit.Details) {
	if l.err == nil {
		details, l.err = l.Details(l.ctx, name)
	}
	return details
}

func (l *liveUnits) instances(template schema.UnitName) (names []schema.UnitName) {
	if l.err == nil {
		names, l.err = l.Instances(l.ctx, template)
	}
	return names
}

// Running implements [restart.Host], as do the methods below.
func (l *liveUnits) Running(name schema.UnitName) []restart.Target {
	names := []schema.UnitName{name}
	if name.IsTemplate() {
		names = l.instances(name)
	} else if s := l.status[name]; !s.Runs() && !s.Restarting() {
		return nil
	}
	targets := make([]restart.Target, len(names))
	for i, name := range names {
		targets[i].Unit = name
	}
	return targets
}

func (l *liveUnits) Up(name schema.UnitName) bool { return l.status[name].Runs() }

func (l *liveUnits) Failing(name schema.UnitName) string {
	status := l.status[name]
	if status.Load != "loaded" {
		return status.Load
	}
	if details := l.details(name); !details.LongRunning() || details.Skipped {
		return ""
	}
	return fmt.Sprintf("%s (%s)", status.Active, status.Sub)
}

func (l *liveUnits) Foreign(name schema.UnitName) (enabled bool, state string) {
	if load := l.status[name].Load; load != "loaded" {
		return false, load
	}
	return l.details(name).Enablement == "enabled", ""
}

// Triggered returns the running services of a socket. One that systemd does not know
// yet has the service of its name.
func (l *liveUnits) Triggered(socket schema.UnitName) (targets []restart.Target) {
	services := []schema.UnitName{schema.UnitName(strings.TrimSuffix(string(socket), "socket") + "service")}
	if l.status[socket].Load == "loaded" {
		services = l.details(socket).Triggers
	}
	services = slices.DeleteFunc(slices.Clone(services), schema.UnitName.IsTemplate)
	l.list(services)
	for _, service := range services {
		targets = append(targets, l.Running(service)...)
	}
	return targets
}
