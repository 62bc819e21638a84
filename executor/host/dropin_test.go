package host

import (
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// Drop-ins are files: what they are for restarts or reloads by the restart map,
// after systemd has read them, whether the unit is ours or the host's own.
func TestDropIns(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	for _, name := range []schema.UnitName{"ssh.service", "cron.service", "idle.service"} {
		w.write("/usr/lib/systemd/system/"+string(name), "ExecStart=run\n", 0o644)
	}
	w.systemd.start("ssh.service", unit.Start)
	w.systemd.start("cron.service", unit.Start)
	before := w.snapshot()
	dropIn := func(name, text string) schema.File { return file("/etc/systemd/system/"+name+".d/fleet.conf", text) }
	i := intent{
		files: []schema.File{dropIn("ssh.service", "1"), dropIn("cron.service", "1"), dropIn("idle.service", "1"), dropIn("web.service", "1")},
		units: []schema.Unit{service("web.service", "ExecStart=run")},
		restarts: []schema.RestartRule{
			{Unit: "cron.service", Reload: []string{"/etc/systemd/system/cron.service.d/fleet.conf"}},
			{Unit: "idle.service", Restart: []string{"/etc/systemd/system/idle.service.d/fleet.conf"}},
			{Unit: "ssh.service", Restart: []string{"/etc/systemd/system/ssh.service.d/fleet.conf"}},
			{Unit: "web.service", Restart: []string{"/etc/systemd/system/web.service.d/fleet.conf"}},
		},
	}
	w.mustExecute(i)
	autogold.Expect([]string{
		"daemon-reload", "reset-failed ssh.service",
		"reset-failed web.service",
		`reload cron.service "ExecStart=run"`,
		`restart ssh.service "ExecStart=run"`,
		`start web.service "ExecStart=run"`,
	}).Equal(t, w.systemd.log)
	w.mustBeUnchanged(i)

	w.systemd.log = nil
	for n := range i.files {
		i.files[n].Payload = "2"
	}
	w.mustExecute(i)
	autogold.Expect([]string{
		"daemon-reload", "reset-failed ssh.service",
		"reset-failed web.service",
		`reload cron.service "ExecStart=run"`,
		`restart ssh.service "ExecStart=run"`,
		`restart web.service "ExecStart=run"`,
	}).Equal(t, w.systemd.log)
	w.mustBeUnchanged(i)

	w.systemd.log = nil
	w.mustExecute(intent{})
	autogold.Expect([]string{
		`stop web.service "ExecStart=run"`, "daemon-reload",
		"reset-failed ssh.service",
		`reload cron.service "ExecStart=run"`,
		`restart ssh.service "ExecStart=run"`,
	}).Equal(t, w.systemd.log)
	if after := w.snapshot(); after != before {
		t.Errorf("let go, the host is not what it was:\n%s\nbut\n%s", before, after)
	}
}

// What systemd has not read is not in effect, even where the file is as it shall be.
func TestUnitsThatSystemdHasNotRead(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	i := intent{units: []schema.Unit{service("a.service", "# ours\nExecStart=run"), {Name: "b.service", Payload: "ExecStart=run", OnChange: schema.StopStart}}}
	w.mustExecute(i)
	w.mustBeUnchanged(i)
	w.systemd.loaded["a.service"], w.systemd.loaded["b.service"] = "# edited\nExecStart=run", "# edited\nExecStart=run"
	w.systemd.log = nil
	autogold.Expect(`stop unit a.service (systemd has not read its unit)
start unit a.service (systemd has not read its unit)`).Equal(t, summary(w.mustExecute(i)))
	autogold.Expect([]string{
		`stop a.service "# edited"`, "daemon-reload",
		"reset-failed a.service",
		`restart a.service "# ours"`,
	}).Equal(t, w.systemd.log)
	w.mustBeUnchanged(i)
}
