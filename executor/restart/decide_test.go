package restart

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

// fakeHost is a host with values for answers. Targets with a condition may run.
type fakeHost struct {
	running   map[schema.UnitName]Condition
	failing   map[schema.UnitName]string
	foreign   map[schema.UnitName]string // "enabled", or why it cannot run
	triggered map[schema.UnitName]schema.UnitName
}

func (h fakeHost) Running(name schema.UnitName) (targets []Target) {
	for _, unit := range slices.Sorted(maps.Keys(h.running)) {
		if unit == name || name.IsTemplate() && unit.Template() == name {
			targets = append(targets, Target{unit, h.running[unit]})
		}
	}
	return targets
}

func (h fakeHost) Up(name schema.UnitName) bool {
	condition, runs := h.running[name]
	return runs && condition == Always || name.Type() == "target"
}

func (h fakeHost) Failing(name schema.UnitName) string { return h.failing[name] }

func (h fakeHost) Foreign(name schema.UnitName) (bool, string) {
	if h.foreign[name] == "enabled" {
		return true, ""
	}
	return false, h.foreign[name]
}

func (h fakeHost) Triggered(socket schema.UnitName) []Target { return h.Running(h.triggered[socket]) }

// enabled is a unit that starts at boot; each change of its file restarts it.
func enabled(name schema.UnitName, onChange schema.OnChange) schema.Unit {
	link := "multi-user.target.wants/" + string(name)
	return schema.Unit{Name: name, Enabled: true, OnChange: onChange, Links: []string{link}, Starts: []schema.UnitName{name}, StartWith: []schema.UnitName{"multi-user.target"}}
}

func set[T comparable](items ...T) map[T]bool {
	found := map[T]bool{}
	for _, item := range items {
		found[item] = true
	}
	return found
}

func runs(names ...schema.UnitName) fakeHost {
	h := fakeHost{running: map[schema.UnitName]Condition{}}
	for _, name := range names {
		h.running[name] = Always
	}
	return h
}

const webFile, webLink = "/etc/systemd/system/web.service", "/etc/systemd/system/multi-user.target.wants/web.service"

func TestDecide(t *testing.T) {
	web := func(onChange schema.OnChange) *schema.Manifest {
		return &schema.Manifest{Units: []schema.Unit{enabled("web.service", onChange)}}
	}
	disabled := &schema.Manifest{Units: []schema.Unit{{Name: "web.service", OnChange: schema.Restart}}}
	rule := func(unit schema.UnitName, units ...schema.Unit) *schema.Manifest {
		return &schema.Manifest{Units: units, Restarts: []schema.RestartRule{{Unit: unit, Restart: []string{"/etc/a"}, Reload: []string{"/etc/b"}}}}
	}
	socket := &schema.Manifest{Units: []schema.Unit{enabled("in.socket", schema.Restart), {Name: "in.service", OnChange: schema.Keep}}}
	onDemand := runs("in.socket", "in.service")
	onDemand.triggered = map[schema.UnitName]schema.UnitName{"in.socket": "in.service"}
	graphical := enabled("web.service", schema.Restart)
	graphical.StartWith = []schema.UnitName{"other.service"}
	for _, test := range []struct {
		name   string
		host   fakeHost
		change Change
		want   string
	}{
		{"nothing changes", runs("web.service"), Change{Goal: web(schema.Restart)}, "keep web.service"},
		{"enabled and failed", fakeHost{failing: map[schema.UnitName]string{"web.service": "failed (failed)"}}, Change{Goal: web(schema.Restart)},
			"start web.service: found failed (failed)"},
		{"enabled and done", fakeHost{}, Change{Goal: web(schema.Restart)}, ""},
		{"newly enabled", fakeHost{}, Change{Goal: web(schema.Restart), Linked: set[schema.UnitName]("web.service")}, "start web.service: enabled"},
		{"newly enabled and runs", runs("web.service"), Change{Goal: web(schema.Restart), Linked: set[schema.UnitName]("web.service")}, "keep web.service"},
		{"newly enabled for what is down", fakeHost{}, Change{Goal: &schema.Manifest{Units: []schema.Unit{graphical}}, Linked: set[schema.UnitName]("web.service")}, ""},
		{"newly enabled for what starts", fakeHost{},
			Change{Goal: &schema.Manifest{Units: []schema.Unit{graphical, enabled("other.service", schema.Restart)}}, Linked: set[schema.UnitName]("web.service", "other.service")},
			"start other.service: enabled\nstart web.service: enabled"},
		{"file changes: stop-start", runs("web.service"), Change{Goal: web(schema.StopStart), Changed: set(webFile)},
			"stop web.service: its unit changed\nstart web.service: its unit changed"},
		{"file changes: restart", runs("web.service"), Change{Goal: web(schema.Restart), Changed: set(webFile)}, "restart web.service: its unit changed"},
		{"file changes: reload", runs("web.service"), Change{Goal: web(schema.Reload), Changed: set(webFile)}, "reload web.service: its unit changed"},
		{"file changes: keep", runs("web.service"), Change{Goal: web(schema.Keep), Changed: set(webFile)}, "keep web.service"},
		{"file changes, not running", fakeHost{}, Change{Goal: disabled, Changed: set(webFile)}, ""},
		{"file is unread", runs("web.service"), Change{Goal: web(schema.Restart), Unread: set[schema.UnitName]("web.service")},
			"restart web.service: systemd has not read its unit"},
		{"template's file changes", runs("w@a.service", "w@b.service"),
			Change{Goal: &schema.Manifest{Units: []schema.Unit{{Name: "w@.service", OnChange: schema.Restart}}}, Changed: set("/etc/systemd/system/w@.service")},
			"restart w@a.service: its unit changed\nrestart w@b.service: its unit changed"},
		{"no longer declared", runs("web.service"), Change{Goal: &schema.Manifest{}, Changed: set(webFile, webLink), Removed: set(webFile, webLink)},
			"stop web.service: no longer declared"},
		{"no longer enabled", runs("web.service"), Change{Goal: disabled, Changed: set(webLink), Removed: set(webLink)}, "stop web.service: no longer enabled"},
		{"no longer enabled and changed", runs("web.service"), Change{Goal: disabled, Changed: set(webFile, webLink), Removed: set(webLink)},
			"stop web.service: no longer enabled"},
		{"no longer upheld", runs("web.service"),
			Change{Goal: disabled, Changed: set("/etc/systemd/system/a.target.upholds/web.service"), Removed: set("/etc/systemd/system/a.target.upholds/web.service")},
			"stop web.service: no longer enabled"},
		{"enabled by another link", runs("web.service"), Change{Goal: web(schema.Restart), Changed: set(webLink), Removed: set(webLink)}, "keep web.service"},
		{"a drop-in goes", runs("web.service"), Change{Goal: disabled, Changed: set(webFile + ".d/a.conf"), Removed: set(webFile + ".d/a.conf")}, ""},
		{"the operating system's unit returns", runs("web.service"),
			Change{Goal: &schema.Manifest{}, Changed: set(webFile), Removed: set(webFile), Returns: set[schema.UnitName]("web.service")},
			"stop web.service: no longer declared\nstart web.service: its original is back"},
		{"masked", runs("cron.service"), Change{Goal: &schema.Manifest{Masks: []schema.UnitName{"cron.service"}}}, "stop cron.service: masked"},
		{"masked template", runs("w@a.service"), Change{Goal: &schema.Manifest{Masks: []schema.UnitName{"w@.service"}}}, "stop w@a.service: masked"},
		{"masked and in a rule", runs("cron.service"),
			Change{Goal: &schema.Manifest{Masks: []schema.UnitName{"cron.service"}, Restarts: rule("cron.service").Restarts}, Changed: set("/etc/a")},
			"stop cron.service: masked"},
		{"rule restarts", runs("web.service"), Change{Goal: rule("web.service"), Changed: set("/etc/a", "/etc/b")}, "restart web.service: /etc/a changed"},
		{"rule reloads", runs("web.service"), Change{Goal: rule("web.service"), Changed: set("/etc/b")}, "reload web.service: /etc/b changed"},
		{"rule of another path", runs("web.service"), Change{Goal: rule("web.service"), Changed: set("/etc/c")}, ""},
		{"rule of a template", runs("w@a.service"), Change{Goal: rule("w@.service"), Changed: set("/etc/a")}, "restart w@a.service: /etc/a changed"},
		{"restart beats reload", runs("web.service"), Change{Goal: rule("web.service", enabled("web.service", schema.Reload)), Changed: set(webFile, "/etc/a")},
			"restart web.service: /etc/a changed"},
		{"rule starts what is enabled and done", fakeHost{}, Change{Goal: rule("web.service", enabled("web.service", schema.Keep)), Changed: set("/etc/b")},
			"start web.service: /etc/b changed"},
		{"rule starts nothing that is disabled", fakeHost{}, Change{Goal: rule("web.service", disabled.Units...), Changed: set("/etc/a")}, ""},
		{"rule of the operating system's enabled unit", fakeHost{foreign: map[schema.UnitName]string{"ssh.service": "enabled"}},
			Change{Goal: rule("ssh.service"), Changed: set("/etc/a")}, "start ssh.service: /etc/a changed"},
		{"rule of an unknown unit", fakeHost{foreign: map[schema.UnitName]string{"no.service": "not-found"}},
			Change{Goal: rule("no.service"), Changed: set("/etc/a")}, "skip no.service: not-found"},
		{"rule goes with its file", runs("web.service"),
			Change{Goal: &schema.Manifest{}, Previous: rule("web.service"), Changed: set("/etc/a"), Removed: set("/etc/a")}, "restart web.service: /etc/a was removed"},
		{"rule goes, its file changes", runs("web.service"), Change{Goal: &schema.Manifest{}, Previous: rule("web.service"), Changed: set("/etc/a")}, ""},
		{"socket restarts", onDemand, Change{Goal: socket, Changed: set("/etc/systemd/system/in.socket")},
			"stop in.service: its socket starts again\nstop in.socket: its unit changed\nstart in.socket: its unit changed"},
		{"socket starts, its service runs and is enabled", func() fakeHost {
			h := runs("in.service")
			h.triggered = onDemand.triggered
			return h
		}(), Change{Goal: &schema.Manifest{Units: []schema.Unit{enabled("in.socket", schema.Restart), enabled("in.service", schema.Keep)}}, Linked: set[schema.UnitName]("in.socket")},
			"stop in.service: its socket starts again\nstart in.service: its socket starts again\nstart in.socket: enabled"},
		{"may run", fakeHost{running: map[schema.UnitName]Condition{"web.service": IfRunning}}, Change{Goal: disabled, Changed: set(webFile)},
			"restart web.service: its unit changed, if it runs"},
		{"may run and is nobody's", fakeHost{running: map[schema.UnitName]Condition{"ssh.service": IfRunning}}, Change{Goal: rule("ssh.service"), Changed: set("/etc/a")},
			"restart ssh.service: /etc/a changed, if it runs or is enabled"},
		{"certain start beats possible restart", fakeHost{running: map[schema.UnitName]Condition{"web.service": IfRunning}},
			Change{Goal: web(schema.Restart), Changed: set(webFile, webLink), Linked: set[schema.UnitName]("web.service")},
			"start web.service: enabled"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := list(Decide(test.host, test.change)); got != test.want {
				t.Errorf("expected:\n%s\nfound:\n%s", test.want, got)
			}
		})
	}
}

func list(found Decisions) string {
	var lines []string
	for _, d := range slices.Concat(found.Stops, found.Jobs) {
		line := fmt.Sprintf("%s %s: %s", d.Action(), d.Unit, d.Reason)
		if d.Condition != Always {
			line += ", " + string(d.Condition)
		}
		lines = append(lines, line)
	}
	for _, name := range found.Keep {
		lines = append(lines, "keep "+string(name))
	}
	for _, s := range found.Skipped {
		lines = append(lines, fmt.Sprintf("skip %s: %s", s.Unit, s.State))
	}
	return strings.Join(lines, "\n")
}
