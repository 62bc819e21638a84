package manifestdiff

import (
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/restart"
	"github.com/nixfleet/nixfleet/schema"
)

// state is how a unit is expected to be.
type state int

const (
	unknown state = iota
	up
	down
)

// neverUp are targets that no running host has reached, or only on its way down.
var neverUp = []schema.UnitName{
	"emergency.target", "rescue.target", "shutdown.target", "reboot.target", "poweroff.target", "halt.target", "kexec.target",
	"sleep.target", "suspend.target", "hibernate.target", "final.target",
}

// expected is a [restart.Host] that is as its manifest says.
type expected struct {
	*difference
	states map[schema.UnitName]state
}

// foresee finds the units that run: those enabled for something that is up.
func (d *difference) foresee() *expected {
	e := &expected{d, map[schema.UnitName]state{}}
	for _, u := range d.old.Units {
		for _, name := range append([]schema.UnitName{u.Name}, u.Starts...) {
			e.states[name] = down
			if !u.Enabled && !d.ends(&u) {
				e.states[name] = unknown
			}
		}
	}
	for found := true; found; {
		found = false
		for _, u := range d.old.Units {
			if !u.Enabled || d.ends(&u) || !slices.ContainsFunc(u.StartWith, e.Up) {
				continue
			}
			for _, name := range u.Starts {
				found = found || e.states[name] != up
				e.states[name] = up
			}
		}
	}
	for _, name := range d.old.Masks {
		e.states[name] = down
	}
	return e
}

// state returns how a unit is expected to be. Targets of the operating system are up;
// its other units may run or not.
func (e *expected) state(name schema.UnitName) state {
	if s, ok := e.states[name]; ok {
		return s
	}
	for _, u := range e.new.Units {
		if u.Name == name.Template() && !u.Adopt {
			return down // it is new, and a host refuses it if it has one of that name
		}
	}
	switch {
	case name.Type() != "target":
		return unknown
	case slices.Contains(neverUp, name):
		return down
	}
	return up
}

// Running implements [restart.Host], as do the methods below.
func (e *expected) Running(name schema.UnitName) []restart.Target {
	if !name.IsTemplate() {
		switch e.state(name) {
		case up:
			return []restart.Target{{Unit: name}}
		case unknown:
			return []restart.Target{{Unit: name, Condition: restart.IfRunning}}
		}
		return nil
	}
	var all []restart.Target
	for _, u := range e.old.Units {
		for _, started := range u.Starts {
			if u.Name == name && e.Up(started) {
				all = append(all, restart.Target{Unit: started})
			}
		}
	}
	if e.state(name) == down && len(all) == 0 && !declares(e.old, name) {
		return nil
	}
	return append(all, restart.Target{Unit: name, Condition: restart.IfInstancesRun})
}

func (e *expected) Up(name schema.UnitName) bool { return e.state(name) == up }

func (e *expected) Failing(schema.UnitName) string { return "" }

func (e *expected) Foreign(schema.UnitName) (enabled bool, state string) { return false, "" }

// Triggered returns the service of a socket, if it may run. systemd knows the socket
// by its old text; one that is new has the service of its name.
func (e *expected) Triggered(socket schema.UnitName) []restart.Target {
	service := strings.TrimSuffix(string(socket), "socket") + "service"
	for _, u := range e.old.Units {
		if named := setting(e.texts(u.Payload), "Socket", "Service"); u.Name == socket && named != "" {
			service = named
		}
	}
	return e.Running(schema.UnitName(service))
}
