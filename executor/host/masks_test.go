package host

import (
	"os"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// vendored is a host with units of the operating system's that run.
func vendored(t *testing.T) *world {
	w := newWorld(t)
	for _, name := range []schema.UnitName{"apt.timer", "worker@.service"} {
		w.write("/usr/lib/systemd/system/"+string(name), "ExecStart=run\nWantedBy=x\n", 0o644)
	}
	w.systemd.start("apt.timer", unit.Start)
	w.systemd.start("worker@1.service", unit.Start)
	return w
}

func TestMasks(t *testing.T) {
	needRoot(t)
	w := vendored(t)
	before := w.snapshot()
	i := intent{masks: []schema.UnitName{"absent.service", "apt.timer", "worker@.service"}}
	autogold.Expect(`stop unit apt.timer (masked)
stop unit worker@1.service (masked)
mask unit absent.service
mask unit apt.timer
mask unit worker@.service`).Equal(t, summary(w.mustExecute(i)))
	autogold.Expect([]string{
		`stop apt.timer "ExecStart=run"`, `stop worker@1.service "ExecStart=run"`, "daemon-reload",
	}).Equal(t, w.systemd.log)
	w.mustBeUnchanged(i)
	for _, name := range []schema.UnitName{"apt.timer", "worker@1.service"} {
		if result := w.systemd.start(name, unit.Start); result != "Unit "+string(name)+" is masked." {
			t.Errorf("a masked unit can start: %s", result)
		}
	}

	// Unmasked and started by hand, it is stopped and masked again.
	if err := os.Remove(w.at("/etc/systemd/system/apt.timer")); err != nil {
		t.Fatal(err)
	}
	clear(w.systemd.loaded)
	w.systemd.start("apt.timer", unit.Start)
	autogold.Expect(`stop unit apt.timer (masked)
mask unit apt.timer`).Equal(t, summary(w.mustExecute(i)))
	w.mustBeUnchanged(i)
	// Started by hand before it was masked again by hand, it is stopped.
	w.systemd.state["apt.timer"] = unit.Status{Active: "active", Sub: "running"}
	autogold.Expect("stop unit apt.timer (masked)").Equal(t, summary(w.mustExecute(i)))

	w.systemd.log = nil
	autogold.Expect(`unmask unit absent.service
unmask unit apt.timer
unmask unit worker@.service`).Equal(t, summary(w.mustExecute(intent{})))
	autogold.Expect([]string{"apt.timer is unmasked and not started; it is enabled, so it starts at the next boot"}).Equal(t, w.client.notes)
	autogold.Expect([]string{"daemon-reload"}).Equal(t, w.systemd.log)
	w.mustBeUnchanged(intent{})
	w.mustBeClean()
	w.systemd.start("apt.timer", unit.Start)
	w.systemd.start("worker@1.service", unit.Start)
	if after := w.snapshot(); after != before {
		t.Errorf("let go, the host is not what it was:\n%s\nbut\n%s", before, after)
	}
}

func TestAMaskOfSomebodyElseStaysTheirs(t *testing.T) {
	needRoot(t)
	w := vendored(t)
	w.systemd.run([]unit.Job{{Unit: "apt.timer", Verb: unit.Stop}})
	link(w, "/dev/null", "/etc/systemd/system/apt.timer")
	clear(w.systemd.loaded)
	i := intent{masks: []schema.UnitName{"apt.timer"}}
	if changes := w.mustExecute(i); len(changes) > 0 {
		t.Errorf("found %s", summary(changes))
	}
	w.mustExecute(intent{})
	if !w.exists("/etc/systemd/system/apt.timer") {
		t.Error("somebody else's mask is gone")
	}
}

func TestMasksThatAreRefused(t *testing.T) {
	needRoot(t)
	w := vendored(t)
	w.write("/etc/systemd/system/admin.service", "ExecStart=run", 0o644)
	i := intent{masks: []schema.UnitName{"admin.service", "web.service"}, units: []schema.Unit{service("web.service", "ExecStart=run")}}
	autogold.Expect(`2 things are in the way:
  cannot mask admin.service: expected nothing at /etc/systemd/system/admin.service, found a file with mode 0644, owner root and group root
  the unit web.service is declared and masked
hint: move it away; or declare the unit with adopt = true instead of masking it, and enabled = false
hint: leave one of them out`).Equal(t, w.refusal(i.plan(t)))
}

// Units and masks take each other's place.
func TestMasksBecomeUnitsAndUnitsMasks(t *testing.T) {
	needRoot(t)
	w := vendored(t)
	before := w.snapshot()
	masked := intent{masks: []schema.UnitName{"apt.timer", "own.service"}}
	own := intent{units: []schema.Unit{service("apt.timer", "# ours\nExecStart=run"), service("own.service", "ExecStart=run")}}
	w.mustExecute(masked)
	autogold.Expect(`the unit apt.timer exists and NixFleet did not create it: expected none, found /usr/lib/systemd/system/apt.timer
hint: set nixfleet.systemd.units."apt.timer".adopt = true to put yours in its place, or choose another name`).Equal(t, w.refusal(own.plan(t)))
	own.units[0].Adopt = true
	autogold.Expect(`create directory /etc/systemd/system/multi-user.target.wants (on the way to /etc/systemd/system/multi-user.target.wants/apt.timer)
update unit apt.timer (was a symbolic link to /dev/null)
enable unit apt.timer (multi-user.target.wants/apt.timer)
update unit own.service (was a symbolic link to /dev/null)
enable unit own.service (multi-user.target.wants/own.service)
start unit apt.timer (enabled)
start unit own.service (enabled)`).Equal(t, summary(w.mustExecute(own)))
	w.mustBeUnchanged(own)
	autogold.Expect(`stop unit apt.timer (masked)
stop unit own.service (masked)
disable unit apt.timer (multi-user.target.wants/apt.timer)
disable unit own.service (multi-user.target.wants/own.service)
remove directory /etc/systemd/system/multi-user.target.wants
mask unit apt.timer
mask unit own.service`).Equal(t, summary(w.mustExecute(masked)))
	w.mustBeUnchanged(masked)
	w.mustExecute(own)
	w.mustExecute(intent{}) // and the timer that ran before NixFleet came runs again
	if found := w.systemd.state["apt.timer"]; !found.Runs() {
		t.Errorf("the timer is %+v", found)
	}
	w.systemd.start("worker@1.service", unit.Start)
	if after := w.snapshot(); after != before {
		t.Errorf("let go, the host is not what it was:\n%s\nbut\n%s", before, after)
	}
	known, err := state.New(w.root, nil).Load()
	if err != nil || len(known.Owned[schema.KindFile]) > 0 {
		t.Errorf("the state says %+v, %v", known.Owned, err)
	}
}

// What a masked unit's files change does not start it, and its failure is forgotten.
func TestMasksWinOverRestartRules(t *testing.T) {
	needRoot(t)
	w := vendored(t)
	w.systemd.state["apt.timer"] = unitFailed
	i := intent{masks: []schema.UnitName{"apt.timer"}, files: []schema.File{file("/etc/apt.conf", "1")},
		restarts: []schema.RestartRule{{Unit: "apt.timer", Restart: []string{"/etc/apt.conf"}}}}
	w.mustExecute(i)
	i.files[0].Payload = "2"
	w.mustExecute(i)
	w.mustBeUnchanged(i)
	if s := w.systemd.state["apt.timer"]; s.Active != "inactive" {
		t.Errorf("the masked unit is %+v", s)
	}
}
