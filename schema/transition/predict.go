package transition

import (
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// state is how a unit is taken to be found.
type state int

const (
	unknown state = iota
	up
	down
)

// neverUp are targets that no running host has reached, or none for long.
var neverUp = []schema.UnitName{
	"emergency.target", "rescue.target", "shutdown.target", "reboot.target", "poweroff.target", "halt.target", "kexec.target",
	"sleep.target", "suspend.target", "hibernate.target", "final.target",
}

// predicted is how the units of a host are that is as its manifest says.
type predicted struct {
	*transition
	states map[schema.UnitName]state
}

// predict finds the units that run: those that are enabled for something that is up.
func (t *transition) predict() *predicted {
	p := &predicted{t, map[schema.UnitName]state{}}
	for _, u := range t.old.Units {
		for _, name := range append([]schema.UnitName{u.Name}, u.Starts...) {
			p.states[name] = down
			if !u.Enabled && !t.idles(&u) {
				p.states[name] = unknown
			}
		}
	}
	for found := true; found; {
		found = false
		for _, u := range t.old.Units {
			if !u.Enabled || t.idles(&u) || !slices.ContainsFunc(u.StartWith, func(name schema.UnitName) bool { return p.state(name) == up }) {
				continue
			}
			for _, name := range u.Starts {
				found = found || p.states[name] != up
				p.states[name] = up
			}
		}
	}
	for _, name := range t.old.Masks {
		p.states[name] = down
	}
	return p
}

// state returns how a unit is taken to be found. Targets of the operating system's
// are up; what it has else, nobody knows.
func (p *predicted) state(name schema.UnitName) state {
	if s, ok := p.states[name]; ok {
		return s
	}
	for _, u := range p.new.Units {
		if u.Name == name.Template() && !u.Adopt {
			return down // it is new, and nobody else may have one of that name
		}
	}
	if name.Type() == "target" {
		if slices.Contains(neverUp, name) {
			return down
		}
		return up
	}
	return unknown
}

// running returns a unit where it is or may be up, of a template its instances.
func (p *predicted) running(name schema.UnitName) []target {
	if !name.IsTemplate() {
		switch p.state(name) {
		case up:
			return []target{{name: name}}
		case unknown:
			return []target{{name, ifRunning}}
		}
		return nil
	}
	var all []target
	for _, u := range p.old.Units {
		for _, started := range u.Starts {
			if u.Name == name && p.states[started] == up {
				all = append(all, target{name: started})
			}
		}
	}
	if p.state(name) == down && len(all) == 0 && !p.hadTemplate(name) {
		return nil
	}
	return append(all, target{name, ifInstances})
}

func (p *predicted) hadTemplate(name schema.UnitName) bool {
	return slices.ContainsFunc(p.old.Units, func(u schema.Unit) bool { return u.Name == name })
}

// idles reports whether a unit does its work and ends.
func (t *transition) idles(u *schema.Unit) bool {
	text := t.texts(u.Payload)
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
