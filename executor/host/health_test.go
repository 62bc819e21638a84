package host

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// member is a unit that another managed unit pulls in.
func member(name, of schema.UnitName, text string) schema.Unit {
	u := service(name, text)
	u.Links, u.StartWith = []string{string(of) + ".wants/" + string(name)}, []schema.UnitName{of}
	return u
}

func TestUnitsThatOthersOfThePlanPullInAreJudged(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	i := intent{units: []schema.Unit{
		service("app.target", "# target\n"),
		member("app-1.service", "app.target", "ExecStart=fail"),
		member("app-2.service", "app-1.service", "ExecStart=run"),
	}}
	if text := w.failure(i); !strings.Contains(text, "app-1.service failed") {
		t.Errorf("found %s", text)
	}
	i.units[1] = member("app-1.service", "app.target", "ExecStart=run")
	w.mustExecute(i)
	autogold.Expect([]schema.UnitName{
		"app-1.service", "app-2.service", "app.target", "multi-user.target",
	}).Equal(t, sortedUnits(w.systemd))
	w.mustBeUnchanged(i)
}

// Stopping a unit takes down what requires it; starting it does not bring that back.
func TestUnitsThatGoDownWithOthersComeBack(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	i := intent{units: []schema.Unit{service("base.service", "# 1\nExecStart=run"), service("top.service", "Requires=base.service\nExecStart=run")}}
	w.mustExecute(i)
	i.units[0].Payload = "# 2\nExecStart=run"
	w.mustExecute(i)
	autogold.Expect([]string{"top.service went down with another unit and is started again"}).Equal(t, w.client.notes)
	autogold.Expect([]schema.UnitName{"base.service", "multi-user.target", "top.service"}).Equal(t, sortedUnits(w.systemd))
	w.mustBeUnchanged(i)
}

func TestUnitsThatFailBesidesAreSeen(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	i := intent{units: []schema.Unit{service("base.service", "# 1\nExecStart=run"), service("beside.service", "ExecStart=run")}}
	w.mustExecute(i)
	i.units[0].Payload = "# 2\nExecStart=run"
	wait := w.deps.Wait
	w.deps.Wait = func(ctx context.Context, d time.Duration) { // during the settle time
		w.systemd.state["beside.service"] = unitFailed
		wait(ctx, d)
	}
	autogold.Expect(`unit beside.service failed: it failed; result exit-code; its main process exited with status 1
  the last lines of its journal:
    cannot open the port`).Equal(t, w.failure(i))
	w.deps.Wait = wait
	w.mustExecute(i)
	w.mustBeUnchanged(i)
}

func TestFixingAFlappingUnitIsNoFailure(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	i := intent{units: []schema.Unit{service("a.service", "Restart=always\nExecStart=run # 1")}}
	w.mustExecute(i)
	w.systemd.state["a.service"], w.systemd.restarts["a.service"] = unit.Status{Active: "activating", Sub: "auto-restart"}, 3
	i.units[0].Payload = "Restart=always\nExecStart=run"
	w.mustExecute(i)
	w.mustBeUnchanged(i)
}

func TestUnitsThatAreGoneAreNotLeftFailed(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	worker := schema.Unit{Name: "worker@.service", Payload: "ExecStart=run", OnChange: schema.StopStart}
	w.mustExecute(intent{units: []schema.Unit{service("a.service", "ExecStart=run"), service("ends-badly.service", "ExecStart=run\nBadEnd"), worker}})
	w.systemd.state["a.service"], w.systemd.state["worker@1.service"] = unitFailed, unitFailed
	w.mustExecute(intent{})
	autogold.Expect([]schema.UnitName{"multi-user.target"}).Equal(t, sortedUnits(w.systemd))
}

// The settle time is not measured with a clock that is cut to seconds, or that
// somebody may set.
func TestTheClockIsFineAndMonotonic(t *testing.T) {
	now := System().Now()
	if now == now.Round(0) {
		t.Error("the clock is not monotonic")
	}
	needRoot(t)
	w := newWorld(t)
	clock := time.Date(2026, 1, 1, 14, 0, 0, 999_000_000, time.FixedZone("far", 7200))
	var waited time.Duration
	w.deps.Now = func() time.Time { return clock.Add(waited) }
	w.deps.Wait = func(_ context.Context, d time.Duration) { waited += d }
	w.mustExecute(webHost())
	if waited != time.Second {
		t.Errorf("expected a second's watching, found %s", waited)
	}
	known, err := state.New(w.root, nil).Load()
	if err != nil || known.Applied.At != time.Date(2026, 1, 1, 12, 0, 1, 0, time.UTC) {
		t.Errorf("the state says %+v, %v", known.Applied, err)
	}
}

// A socket cannot start while its service runs, so that steps aside.
func TestChangedSocketsWhoseServicesRun(t *testing.T) {
	needRoot(t)
	pair := func(socket string) intent {
		i := intent{units: []schema.Unit{service("pair.socket", socket), {Name: "pair.service", Payload: "ExecStart=run", OnChange: schema.StopStart}}}
		i.units[0].Links, i.units[0].StartWith = []string{"sockets.target.wants/pair.socket"}, []schema.UnitName{"sockets.target"}
		return i
	}
	start := func() *world {
		w := newWorld(t)
		w.systemd.state["sockets.target"] = unit.Status{Active: "active", Sub: "active"}
		w.mustExecute(pair("ListenStream=1"))
		w.systemd.state["pair.service"] = unit.Status{Active: "active", Sub: "running"} // somebody connected
		return w
	}
	w := start()
	autogold.Expect(`stop unit pair.service (its socket starts again)
stop unit pair.socket (its unit changed)
update unit pair.socket (content)
start unit pair.socket (its unit changed)`).Equal(t, summary(w.mustExecute(pair("ListenStream=2"))))
	w.mustBeUnchanged(pair("ListenStream=2"))

	w = start()
	both := pair("ListenStream=2")
	both.units[1] = service("pair.service", "ExecStart=run")
	both.restarts = []schema.RestartRule{{Unit: "pair.socket", Restart: []string{"/etc/pair"}}}
	both.files = []schema.File{file("/etc/pair", "1")}
	w.mustExecute(both)
	w.mustBeUnchanged(both)
	both.files[0].Payload = "2"
	autogold.Expect(`stop unit pair.service (its socket starts again)
stop unit pair.socket (/etc/pair changed)
update file /etc/pair (content)
start unit pair.service (its socket starts again)
start unit pair.socket (/etc/pair changed)`).Equal(t, summary(w.mustExecute(both)))
	w.mustBeUnchanged(both)
	if !slices.Contains(sortedUnits(w.systemd), "pair.service") {
		t.Error("an enabled service is left stopped")
	}
}
