// Package restart decides which units stop, start, restart and reload when a host
// changes from one manifest to another. It changes nothing and asks only its Host:
// a live one, or one that is as its manifest says.
//
//	what changes                          a unit that runs            one that does not
//	it is masked                          stops
//	it is no longer declared or enabled   stops
//	  and hid one that ran before         restarts, as what it was
//	its file: onChange stop-start         stops before the change,
//	                                      starts after it
//	          restart, reload             restarts, reloads
//	          keep                        keeps running
//	it becomes enabled                                                starts
//	nothing, but it is enabled                                        starts, unless it ends by itself
//	a path of its restart rule            restarts, reloads           starts if it is enabled
//	its socket starts again               stops with the socket;      may start
//	                                      starts again if enabled
//
// Two rules hold everywhere. What is enabled starts only if a unit that wants it is
// up or starts. And the strongest of several reasons wins: restart, reload, start.
package restart

import (
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// Change is what changes on a host's disk.
type Change struct {
	// Goal is the manifest to apply, and Previous the one applied last; Previous
	// may be nil.
	Goal, Previous *schema.Manifest
	// Changed are the paths of all files and links that are created, changed or
	// removed, and Removed those that are removed. A mask that goes is only changed:
	// the unit it masked is not ours.
	Changed, Removed map[string]bool
	// Linked are the units that a new link enables.
	Linked map[schema.UnitName]bool
	// Unread are units with the right file, of which systemd has read another.
	Unread map[schema.UnitName]bool
	// Returns are removed units that hid a unit of the operating system that ran.
	Returns map[schema.UnitName]bool
}

// Host says how the units are before the change.
type Host interface {
	// Running returns the unit if it runs or systemd is about to restart it; of a
	// template, such instances.
	Running(name schema.UnitName) []Target
	// Up reports whether the unit certainly runs.
	Up(name schema.UnitName) bool
	// Failing returns the state of an enabled unit that should run and does not, and
	// nothing for one that may be down: a job that is done.
	Failing(name schema.UnitName) string
	// Foreign reports whether the operating system enables a unit that does not run
	// and that the goal does not declare. If it cannot run at all, state says why.
	Foreign(name schema.UnitName) (enabled bool, state string)
	// Triggered returns the services of a socket that run.
	Triggered(socket schema.UnitName) []Target
}

// Target is a unit that runs.
type Target struct {
	Unit      schema.UnitName
	Condition Condition
}

// Condition says when a decision holds. A live host knows; it has none.
type Condition string

// The conditions.
const (
	Always             Condition = ""
	IfRunning          Condition = "if it runs"
	IfInstancesRun     Condition = "those of its instances that run"
	IfRunningOrEnabled Condition = "if it runs or is enabled"
)

// Verb is what happens to a unit once the files have changed.
type Verb string

// The verbs. A stronger one does what a weaker one does as well.
const (
	Start   Verb = "start"
	Reload  Verb = "reload"
	Restart Verb = "restart"
)

var strength = map[Verb]int{Start: 1, Reload: 2, Restart: 3}

// Decision is what one unit does, and why.
type Decision struct {
	Target
	Verb   Verb // empty for a stop
	Reason Reason
	// Stopped says that the unit stops first, so that it starts for people.
	Stopped bool
}

// Action is what is reported of a decision.
func (d Decision) Action() schema.Action {
	if d.Stopped {
		return schema.Start
	}
	return map[Verb]schema.Action{"": schema.Stop, Start: schema.Start, Reload: schema.Reloads, Restart: schema.Restarts}[d.Verb]
}

// Decisions are sorted by unit.
type Decisions struct {
	// Stops happen before anything changes, and Jobs after it.
	Stops, Jobs []Decision
	// Keep are enabled units that run and have no job: they must still run at the end.
	Keep []schema.UnitName
	// Skipped are units that restart rules name and that cannot run.
	Skipped []Skipped
}

// Skipped is a unit that is not restarted because of its state.
type Skipped struct {
	Unit  schema.UnitName
	State string
}

// Units returns the units that Decide asks the host about, sorted, without templates.
// It may ask for the services of sockets as well.
func (c *Change) Units() []schema.UnitName {
	names := slices.Clone(c.Goal.Masks)
	for _, u := range c.Goal.Units {
		names = append(append(append(names, u.Name), u.Starts...), u.StartWith...)
	}
	for _, rule := range c.rules() {
		names = append(names, rule.Unit)
	}
	names = append(names, c.dropped()...)
	names = slices.DeleteFunc(names, schema.UnitName.IsTemplate)
	slices.Sort(names)
	return slices.Compact(names)
}

// dropped returns the units that the goal no longer has, or no longer enables.
func (c *Change) dropped() []schema.UnitName {
	var names []schema.UnitName
	for path := range c.Removed {
		rest, inside := strings.CutPrefix(path, schema.UnitDirectory+"/")
		if name := schema.LinkedUnit(rest); inside && name != "" {
			names = append(names, name)
		} else if inside && isUnit(rest) {
			names = append(names, schema.UnitName(rest))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// rules returns the goal's restart rules, and those of the previous manifest for the
// paths that are removed.
func (c *Change) rules() []schema.RestartRule {
	rules := slices.Clone(c.Goal.Restarts)
	if c.Previous == nil {
		return rules
	}
	stay := func(path string) bool { return !c.Removed[path] }
	for _, rule := range c.Previous.Restarts {
		rule.Restart = slices.DeleteFunc(slices.Clone(rule.Restart), stay)
		rule.Reload = slices.DeleteFunc(slices.Clone(rule.Reload), stay)
		if len(rule.Restart)+len(rule.Reload) > 0 {
			rules = append(rules, rule)
		}
	}
	return rules
}

func (c *Change) declared(name schema.UnitName) bool {
	return slices.ContainsFunc(c.Goal.Units, func(u schema.Unit) bool { return u.Name == name })
}

// starts reports whether the goal enables the unit by some link.
func (c *Change) starts(name schema.UnitName) bool {
	return slices.ContainsFunc(c.Goal.Units, func(u schema.Unit) bool { return u.Enabled && slices.Contains(u.Starts, name) })
}

func isUnit(s string) bool { return new(schema.UnitName).UnmarshalText([]byte(s)) == nil }
