package host

import (
	"strings"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// failure returns the text with which an apply fails.
func (w *world) failure(i intent) string {
	w.t.Helper()
	_, err := w.execute(i.plan(w.t))
	failed, ok := err.(*changeError)
	if !ok {
		w.t.Fatalf("expected a failure, found %v", err)
	}
	return failed.Message
}

func TestUnitsThatFail(t *testing.T) {
	needRoot(t)
	for _, c := range []struct {
		name, text string
		want       autogold.Value
	}{
		{"at once", "ExecStart=fail", autogold.Expect(`unit b.service failed: its restart ended with "failed"; result exit-code; its main process exited with status 1
  the last lines of its journal:
    cannot open the port`)},
		{"by ending", "ExecStart=exit", autogold.Expect(`unit b.service failed: it does not run: it is inactive (dead)
  the last lines of its journal:
    cannot open the port`)},
		{"again and again", "ExecStart=loop", autogold.Expect(`unit b.service failed: it ended and systemd started it again, 3 times in 1s
  the last lines of its journal:
    cannot open the port`)},
		{"by hanging", "ExecStart=hang", autogold.Expect(`unit b.service failed: its restart has not ended after 1s
  the last lines of its journal:
    cannot open the port`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			good := intent{units: []schema.Unit{service("a.service", "ExecStart=run"), service("b.service", "ExecStart=run")}}
			bad := intent{units: []schema.Unit{service("a.service", "ExecStart=run"), service("b.service", c.text)}}
			bad.files = []schema.File{file("/etc/x", "1")}
			w.mustExecute(good)
			c.want.Equal(t, w.failure(bad))
			known, err := state.New(w.root, nil).Load()
			if err != nil || mustUnfinished(t, w) != nil || known.Applied.Manifest != good.plan(t).manifest() {
				t.Errorf("the state says %+v, %v", known, err)
			}
			w.mustBeUnchanged(good)
			w.mustBeClean()
			w.mustExecute(good)
			w.mustBeUnchanged(good)
			w.mustBeClean()
		})
	}
}

func TestWhatWasStoppedStartsAgainAfterAFailure(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(webHost())
	next := webHost()
	next.units[0].Payload = "# 2\nExecStart=run\n"
	next.groups = append(next.groups, schema.Group{Name: "more"})
	w.tools.fail = "groupadd"
	w.systemd.log = nil
	autogold.Expect(`cannot change the group "more": cannot run groupadd: exit status 10: cannot lock /etc/passwd`).Equal(t, w.failure(next))
	autogold.Expect([]string{
		`stop web.service "# 1"`, "daemon-reload", "reset-failed web.service",
		`start web.service "# 1"`,
	}).Equal(t, w.systemd.log)
	w.tools.fail = ""
	w.mustExecute(next)
	w.mustBeUnchanged(next)
	if ran := w.systemd.ran["web.service"]; !strings.Contains(ran, "# 2") {
		t.Errorf("the unit runs as %s", ran)
	}
}

func TestUnitsThatNeedNotRun(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	i := intent{units: []schema.Unit{
		service("conditional.service", "ConditionPathExists=/none\nExecStart=run"),
		service("idle.service", "ExecStart=run"),
		service("job.service", "Type=oneshot\nExecStart=exit"),
		service("later.service", "ExecStart=run"),
	}}
	i.units[1].Enabled, i.units[1].Links, i.units[1].Starts = false, nil, nil
	i.units[3].StartWith = []schema.UnitName{"graphical.target"}
	autogold.Expect(`create directory /etc/systemd/system/multi-user.target.wants (on the way to /etc/systemd/system/multi-user.target.wants/conditional.service)
create unit conditional.service (enabled)
create unit idle.service
create unit job.service (enabled)
create unit later.service (enabled)
start unit conditional.service (enabled)
start unit job.service (enabled)`).Equal(t, summary(w.mustExecute(i)))
	autogold.Expect([]string{"conditional.service was not started: one of its conditions is not met"}).Equal(t, w.client.notes)
	w.mustBeUnchanged(i)
}

func TestTemplates(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	template := schema.Unit{Name: "worker@.service", Payload: "# 1\nExecStart=run", Enabled: true, OnChange: schema.StopStart,
		Links:  []string{"multi-user.target.wants/worker@a.service"},
		Starts: []schema.UnitName{"worker@a.service"}, StartWith: []schema.UnitName{"multi-user.target"}}
	i := intent{units: []schema.Unit{template}, files: []schema.File{file("/etc/worker", "1")},
		restarts: []schema.RestartRule{{Unit: "worker@.service", Restart: []string{"/etc/worker"}}}}
	autogold.Expect(`create directory /etc/systemd/system/multi-user.target.wants (on the way to /etc/systemd/system/multi-user.target.wants/worker@a.service)
create file /etc/worker
create unit worker@.service (enabled)
start unit worker@a.service (enabled)`).Equal(t, summary(w.mustExecute(i)))
	w.systemd.state["worker@b.service"] = unit.Status{Active: "active", Sub: "running"} // started by hand
	i.files[0].Payload = "2"
	autogold.Expect(`update file /etc/worker (content)
restart unit worker@a.service (/etc/worker changed)
restart unit worker@b.service (/etc/worker changed)`).Equal(t, summary(w.mustExecute(i)))
	i.units[0].Payload = "# 2\nExecStart=run"
	autogold.Expect(`stop unit worker@a.service (its unit changed)
stop unit worker@b.service (its unit changed)
update unit worker@.service (content)
start unit worker@a.service (its unit changed)
start unit worker@b.service (its unit changed)`).Equal(t, summary(w.mustExecute(i)))
	w.mustBeUnchanged(i)
	autogold.Expect(`stop unit worker@a.service (no longer declared)
stop unit worker@b.service (no longer declared)
remove unit worker@.service
remove file /etc/worker
remove directory /etc/systemd/system/multi-user.target.wants`).Equal(t, summary(w.mustExecute(intent{})))
}

func TestAUnitsFileThatGoesRestartsIt(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	i := webHost()
	i.files = append(i.files, file("/etc/web/extra.conf", "x"))
	i.restarts[0].Restart = append(i.restarts[0].Restart, "/etc/web/extra.conf")
	w.mustExecute(i)
	autogold.Expect(`remove file /etc/web/extra.conf
restart unit web.service (/etc/web/extra.conf was removed)`).Equal(t, summary(w.mustExecute(webHost())))
}

func TestAfterAReboot(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(webHost())
	w.systemd.boot()
	w.mustBeUnchanged(webHost())
	known, err := state.New(w.root, nil).Load()
	if err != nil || known.Units["web.service"].Active != "active" || known.Reboot.Needed {
		t.Errorf("the state says %+v, %v", known, err)
	}
	w.write("/run/reboot-required", "", 0o644)
	w.write("/run/reboot-required.pkgs", "linux-base\nlibc6\nlibc6\n", 0o644)
	next := webHost()
	next.files[0].Payload = "port 1\n"
	w.mustExecute(next)
	known, err = state.New(w.root, nil).Load()
	if err != nil || !known.Reboot.Needed || strings.Join(known.Reboot.Because, " ") != "libc6 linux-base" {
		t.Errorf("the state says %+v, %v", known, err)
	}
}
