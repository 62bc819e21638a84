package transition

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// Conditions of what happens to units that may run or not.
const (
	ifRunning   = "if it runs"
	ifInstances = "those of its instances that run"
	ifOwn       = "if it runs or is enabled"
)

// verb is what a unit does; a stronger one does what a weaker one would as well.
type verb int

const (
	start verb = iota + 1
	reload
	restart
)

var actions = map[verb]schema.Action{start: schema.Start, reload: schema.Reloads, restart: schema.Restarts}

// target is a unit that may run, with the condition under which it does.
type target struct {
	name      schema.UnitName
	condition string
}

// job is what a unit does in the end, and why.
type job struct {
	verb    verb
	because string
	target
}

// decisions are what stops, starts, restarts and reloads.
type decisions struct {
	*transition
	// before is how units were, as far as the manifest before tells.
	before *predicted
	jobs   map[schema.UnitName]job
	stops  map[schema.UnitName]job
	// ended are units that surely do not run any more, whatever else asks for them.
	ended map[schema.UnitName]bool
}

// units decides in the order in which a host does.
func (t *transition) units() (stops, jobs []Step) {
	d := &decisions{transition: t, before: t.predict(), jobs: map[schema.UnitName]job{}, stops: map[schema.UnitName]job{}, ended: map[schema.UnitName]bool{}}
	d.stopMasked()
	d.stopDropped()
	d.changedTexts()
	d.enabledUnits()
	d.restartRules()
	d.sockets()
	return d.write()
}

func (d *decisions) decide(to target, v verb, because string) {
	have, ok := d.jobs[to.name]
	sure := have.condition == "" && to.condition != ""
	if !ok || !sure && (v > have.verb || have.condition != "" && to.condition == "") {
		d.jobs[to.name] = job{v, because, to}
	}
}

func (d *decisions) stop(to target, because string) {
	if have, ok := d.stops[to.name]; !ok || have.condition != "" && to.condition == "" {
		d.stops[to.name] = job{because: because, target: to}
	}
}

func (d *decisions) stopMasked() {
	for _, name := range d.new.Masks {
		d.ended[name] = true
		if slices.Contains(d.old.Masks, name) {
			continue
		}
		for _, running := range d.before.running(name) {
			d.stop(running, "it is masked")
			d.ended[running.name] = true
		}
	}
}

// stopDropped stops what is not declared any more, or not enabled.
func (d *decisions) stopDropped() {
	dropped := map[schema.UnitName]string{}
	for _, path := range slices.Sorted(maps.Keys(d.removed)) {
		link, ok := strings.CutPrefix(path, schema.UnitDirectory+"/")
		name := schema.LinkedUnit(link)
		switch {
		case !ok:
		case name != "" && d.declares(name.Template()):
			dropped[name] = "it is no longer enabled"
		case name != "":
			dropped[name] = "it is no longer declared"
		case !strings.Contains(link, "/") && d.hadUnit(link):
			dropped[schema.UnitName(link)] = "it is no longer declared"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(dropped)) {
		if d.ended[name] {
			continue // masked
		}
		d.ended[name] = !d.startsAnyway(name)
		for _, running := range d.before.running(name) {
			if !d.startsAnyway(running.name) {
				d.stop(running, dropped[name])
				d.ended[running.name] = true
			}
		}
	}
}

func (d *decisions) hadUnit(name string) bool {
	return slices.ContainsFunc(d.old.Units, func(u schema.Unit) bool { return string(u.Name) == name })
}

func (d *decisions) declares(name schema.UnitName) bool {
	return slices.ContainsFunc(d.new.Units, func(u schema.Unit) bool { return u.Name == name })
}

// startsAnyway reports whether the goal has the unit running, by another link.
func (d *decisions) startsAnyway(name schema.UnitName) bool {
	return slices.ContainsFunc(d.new.Units, func(u schema.Unit) bool { return u.Enabled && slices.Contains(u.Starts, name) })
}

// changedTexts carries out what a change of a unit's text does to it.
func (d *decisions) changedTexts() {
	for _, u := range d.new.Units {
		if !d.changed[unitPath(string(u.Name))] {
			continue
		}
		for _, running := range d.before.running(u.Name) {
			switch u.OnChange {
			case schema.StopStart:
				if _, stops := d.stops[running.name]; !stops {
					d.stop(running, "its unit changes")
					d.decide(running, restart, "its unit changes")
				}
			case schema.Restart:
				d.decide(running, restart, "its unit changes")
			case schema.Reload:
				d.decide(running, reload, "its unit changes")
			case schema.Keep:
			}
		}
	}
}

// wantedNow reports whether something that the unit is enabled for is up, or will be.
func (d *decisions) wantedNow(u schema.Unit) bool {
	return slices.ContainsFunc(u.StartWith, func(name schema.UnitName) bool {
		have, decided := d.jobs[name]
		return decided && have.verb != reload && have.condition == "" || d.before.state(name) == up && !d.ended[name]
	})
}

// enabledUnits starts what is newly enabled. What starts may want others in turn.
func (d *decisions) enabledUnits() {
	seen := map[schema.UnitName]bool{}
	for found := true; found; {
		found = false
		for _, u := range d.new.Units {
			if seen[u.Name] || !u.Enabled || !d.wantedNow(u) {
				continue
			}
			seen[u.Name], found = true, true
			for _, name := range u.Starts {
				if d.before.state(name) != up && (d.linked[name] || !d.hadUnit(string(u.Name))) {
					d.decide(target{name: name}, start, "it is enabled")
				}
			}
		}
	}
}

// restartRules carries out the restart map for the files that change: that of the
// goal, and of what was before for files that go.
func (d *decisions) restartRules() {
	for _, rule := range d.new.Restarts {
		d.restartRule(rule, d.changed)
	}
	for _, rule := range d.old.Restarts {
		d.restartRule(rule, d.removed)
	}
}

func (d *decisions) restartRule(rule schema.RestartRule, changed map[string]bool) {
	verb, because := restart, first(rule.Restart, changed)
	if because == "" {
		verb, because = reload, first(rule.Reload, changed)
	}
	if because == "" {
		return
	}
	because += " changes"
	if d.removed[strings.TrimSuffix(because, " changes")] {
		because = strings.TrimSuffix(because, " changes") + " goes"
	}
	running := d.before.running(rule.Unit)
	for _, to := range running {
		if !d.declares(rule.Unit.Template()) && !d.hadUnit(string(rule.Unit.Template())) && to.condition == ifRunning {
			to.condition = ifOwn
		}
		d.decide(to, verb, because)
	}
	if len(running) > 0 || rule.Unit.IsTemplate() {
		return
	}
	for _, u := range d.new.Units {
		if u.Name == rule.Unit && u.Enabled && slices.Contains(u.Starts, u.Name) && d.wantedNow(u) {
			d.decide(target{name: u.Name}, start, because)
		}
	}
}

func first(paths []string, changed map[string]bool) string {
	for _, path := range paths {
		if changed[path] {
			return path
		}
	}
	return ""
}

// sockets stops the services of sockets that start: systemd starts no socket whose
// service runs.
func (d *decisions) sockets() {
	for _, name := range slices.Sorted(maps.Keys(d.jobs)) {
		socket := d.jobs[name]
		isUp := d.before.state(name) == up
		if name.Type() != "socket" || socket.verb == reload || d.ended[name] || socket.verb == start && isUp {
			continue
		}
		for _, service := range d.before.running(d.serviceOf(name)) {
			service.condition = cmp.Or(service.condition, socket.condition)
			d.stop(service, "its socket starts again")
			if d.jobs[service.name].verb == restart || d.startsAnyway(service.name) {
				d.decide(service, restart, "its socket starts again")
			}
			if isUp {
				d.stop(target{name, service.condition}, socket.because)
			}
		}
	}
}

// serviceOf returns the service that a socket of the goal starts.
func (d *decisions) serviceOf(socket schema.UnitName) schema.UnitName {
	for _, u := range d.new.Units {
		if service := setting(d.texts(u.Payload), "Socket", "Service"); u.Name == socket && service != "" {
			return schema.UnitName(service)
		}
	}
	return schema.UnitName(strings.TrimSuffix(string(socket), "socket") + "service")
}

// write turns the decisions into steps, by unit. What only stops has no job.
func (d *decisions) write() (stops, jobs []Step) {
	for _, name := range slices.Sorted(maps.Keys(d.stops)) {
		stops = append(stops, step(schema.Stop, d.stops[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(d.jobs)) {
		have := d.jobs[name]
		if d.ended[name] {
			continue
		}
		action := actions[have.verb]
		if stop, stops := d.stops[name]; stops && stop.condition == have.condition {
			action = schema.Start // what was stopped starts, and is told so
		}
		jobs = append(jobs, step(action, have))
	}
	return stops, jobs
}

func step(action schema.Action, j job) Step {
	return Step{Change: schema.Change{Action: action, Kind: KindUnit, Object: string(j.name), Detail: j.because}, Condition: j.condition}
}
