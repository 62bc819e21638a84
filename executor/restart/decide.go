package restart

import (
	"cmp"
	"maps"
	"slices"

	"github.com/nixfleet/nixfleet/schema"
)

// Decide returns what stops, starts, restarts and reloads because of a change.
func Decide(host Host, change Change) Decisions {
	d := &decider{
		Change: change, host: host,
		stops: map[schema.UnitName]Decision{}, jobs: map[schema.UnitName]Decision{}, ended: map[schema.UnitName]bool{},
	}
	d.stopMasked()
	d.stopDropped()
	d.changedFiles()
	d.startEnabled()
	d.restartRules()
	d.sockets()
	return d.decisions()
}

type decider struct {
	Change
	host        Host
	stops, jobs map[schema.UnitName]Decision
	// ended are units that must not run any more, even if something asks for them.
	ended   map[schema.UnitName]bool
	skipped []Skipped
}

// do gives a unit a job. The strongest verb wins, but never over a certain job by a
// conditional one.
func (d *decider) do(to Target, verb Verb, reason Reason) {
	have, decided := d.jobs[to.Unit]
	certain := have.Condition == Always && to.Condition != Always
	if !decided || !certain && (strength[verb] > strength[have.Verb] || have.Condition != Always && to.Condition == Always) {
		d.jobs[to.Unit] = Decision{Target: to, Verb: verb, Reason: reason}
	}
}

func (d *decider) stop(to Target, reason Reason) {
	if have, stops := d.stops[to.Unit]; !stops || have.Condition != Always && to.Condition == Always {
		d.stops[to.Unit] = Decision{Target: to, Reason: reason}
	}
}

// stopMasked stops whatever is masked, by a new mask or an old one.
func (d *decider) stopMasked() {
	for _, name := range d.Goal.Masks {
		d.ended[name] = true
		for _, to := range d.host.Running(name) {
			d.stop(to, Reason{Cause: Masked})
			d.ended[to.Unit] = true
		}
	}
}

// stopDropped stops what the goal no longer has or enables. A unit of the operating
// system that ours hid restarts if it ran before.
func (d *decider) stopDropped() {
	for _, name := range d.dropped() {
		if d.ended[name] {
			continue // masked
		}
		returns := d.Returns[name]
		d.ended[name] = !returns && !d.starts(name)
		reason := Reason{Cause: Undeclared}
		if d.declared(name.Template()) {
			reason.Cause = Disabled
		}
		for _, to := range d.host.Running(name) {
			if d.starts(to.Unit) {
				continue
			}
			d.stop(to, reason)
			d.ended[to.Unit] = !returns
			if returns {
				d.do(to, Restart, Reason{Cause: OriginalReturns})
			}
		}
	}
}

// changedFiles carries out what the change of a unit's file does to it.
func (d *decider) changedFiles() {
	for _, u := range d.Goal.Units {
		reason := Reason{Cause: FileChanged}
		switch {
		case d.Unread[u.Name]:
			reason.Cause = FileUnread
		case !d.Changed[u.Name.File()]:
			continue
		}
		for _, to := range d.host.Running(u.Name) {
			switch u.OnChange {
			case schema.StopStart:
				if _, stops := d.stops[to.Unit]; !stops {
					d.stop(to, reason)
					d.do(to, Restart, reason)
				}
			case schema.Restart:
				d.do(to, Restart, reason)
			case schema.Reload:
				d.do(to, Reload, reason)
			case schema.Keep:
			}
		}
	}
}

// wanted reports whether a unit that wants u is up, or will be.
func (d *decider) wanted(u schema.Unit) bool {
	return slices.ContainsFunc(u.StartWith, func(name schema.UnitName) bool {
		job, decided := d.jobs[name]
		return decided && job.Verb != Reload && job.Condition == Always || d.host.Up(name) && !d.ended[name]
	})
}

// startEnabled starts what is enabled and does not run. What starts may want other
// units, so it looks again until it finds no more.
func (d *decider) startEnabled() {
	seen := map[schema.UnitName]bool{}
	for found := true; found; {
		found = false
		for _, u := range d.Goal.Units {
			if seen[u.Name] || !u.Enabled || !d.wanted(u) {
				continue
			}
			seen[u.Name], found = true, true
			for _, name := range u.Starts {
				d.startOne(name)
			}
		}
	}
}

func (d *decider) startOne(name schema.UnitName) {
	if d.host.Up(name) {
		return
	}
	if d.Linked[name] {
		d.do(Target{Unit: name}, Start, Reason{Cause: Enabled})
	} else if state := d.host.Failing(name); state != "" {
		d.do(Target{Unit: name}, Start, Reason{Found, state})
	}
}

// restartRules carries out the rules whose paths change.
func (d *decider) restartRules() {
	for _, rule := range d.rules() {
		verb, path := Restart, d.firstChanged(rule.Restart)
		if path == "" {
			verb, path = Reload, d.firstChanged(rule.Reload)
		}
		if path == "" {
			continue
		}
		reason := Reason{PathChanged, path}
		if d.Removed[path] {
			reason.Cause = PathRemoved
		}
		running := d.host.Running(rule.Unit)
		for _, to := range running {
			if to.Condition == IfRunning && d.foreign(rule.Unit) {
				to.Condition = IfRunningOrEnabled
			}
			d.do(to, verb, reason)
		}
		if len(running) == 0 && d.startsIdle(rule.Unit) {
			d.do(Target{Unit: rule.Unit}, Start, reason)
		}
	}
}

func (d *decider) firstChanged(paths []string) string {
	if i := slices.IndexFunc(paths, func(path string) bool { return d.Changed[path] }); i >= 0 {
		return paths[i]
	}
	return ""
}

// foreign reports whether no manifest declares the unit.
func (d *decider) foreign(name schema.UnitName) bool {
	is := func(u schema.Unit) bool { return u.Name == name.Template() }
	return !slices.ContainsFunc(d.Goal.Units, is) && (d.Previous == nil || !slices.ContainsFunc(d.Previous.Units, is))
}

// startsIdle reports whether a unit of a restart rule starts although it does not
// run: it is enabled, by the goal or by the operating system.
func (d *decider) startsIdle(name schema.UnitName) bool {
	if name.IsTemplate() {
		return false
	}
	for _, u := range d.Goal.Units {
		if u.Name == name {
			return u.Enabled && slices.Contains(u.Starts, name) && d.wanted(u)
		}
	}
	enabled, state := d.host.Foreign(name)
	if state != "" {
		d.skipped = append(d.skipped, Skipped{name, state})
	}
	return enabled
}

// sockets stops the services of sockets that start, because systemd starts no socket
// whose service runs. A service that is enabled starts again with its socket, others
// with the next connection. The socket stops too: a connection must not come between.
func (d *decider) sockets() {
	for _, name := range slices.Sorted(maps.Keys(d.jobs)) {
		socket, up := d.jobs[name], d.host.Up(name)
		if name.Type() != "socket" || socket.Verb == Reload || d.ended[name] || socket.Verb == Start && up {
			continue
		}
		for _, service := range d.host.Triggered(name) {
			service.Condition = cmp.Or(service.Condition, socket.Condition)
			d.stop(service, Reason{Cause: SocketStarts})
			if d.jobs[service.Unit].Verb == Restart || d.startsNow(service.Unit) {
				d.do(service, Restart, Reason{Cause: SocketStarts})
			}
			if up {
				d.stop(Target{name, service.Condition}, socket.Reason)
			}
		}
	}
}

func (d *decider) startsNow(name schema.UnitName) bool {
	return slices.ContainsFunc(d.Goal.Units, func(u schema.Unit) bool {
		return u.Enabled && slices.Contains(u.Starts, name) && d.wanted(u)
	})
}

func (d *decider) decisions() Decisions {
	found := Decisions{Keep: d.keep(), Skipped: d.skipped}
	for _, name := range slices.Sorted(maps.Keys(d.stops)) {
		found.Stops = append(found.Stops, d.stops[name])
	}
	for _, name := range slices.Sorted(maps.Keys(d.jobs)) {
		if d.ended[name] {
			continue
		}
		job := d.jobs[name]
		stop, stops := d.stops[name]
		job.Stopped = stops && stop.Condition == job.Condition
		found.Jobs = append(found.Jobs, job)
	}
	return found
}

// keep returns the enabled units that run and have no job: they may go down with what
// stops, or fail with what changes.
func (d *decider) keep() (names []schema.UnitName) {
	for _, u := range d.Goal.Units {
		if !u.Enabled {
			continue
		}
		for _, name := range u.Starts {
			if _, decided := d.jobs[name]; !decided && !d.ended[name] && d.host.Up(name) {
				names = append(names, name)
			}
		}
	}
	return names
}
