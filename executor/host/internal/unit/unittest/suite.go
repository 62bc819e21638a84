// Package unittest holds what every implementation of unit.Manager must do, the
// real systemd and the tests' fake alike.
package unittest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// World is what the suite needs to know of an implementation.
type World struct {
	Manager unit.Manager
	// Write writes a unit file, and Remove removes it; neither reloads.
	Write  func(t *testing.T, name, text string)
	Remove func(t *testing.T, name string)
	// Mask puts a link to /dev/null in the place of a unit file.
	Mask func(t *testing.T, name string)
	// Run, Fail and Hang are commands that go on, fail at once and never end.
	Run, Fail, Hang string
}

// Test runs the suite.
func Test(t *testing.T, w World) {
	s := suite{w, t}
	t.Run("unknown", func(t *testing.T) { s.with(t).unknown() })
	t.Run("service", func(t *testing.T) { s.with(t).service() })
	t.Run("failure", func(t *testing.T) { s.with(t).failure() })
	t.Run("old text", func(t *testing.T) { s.with(t).oldText() })
	t.Run("condition", func(t *testing.T) { s.with(t).condition() })
	t.Run("deadline", func(t *testing.T) { s.with(t).deadline() })
	t.Run("template", func(t *testing.T) { s.with(t).template() })
	t.Run("masked", func(t *testing.T) { s.with(t).masked() })
	t.Run("flapping", func(t *testing.T) { s.with(t).flapping() })
	t.Run("together", func(t *testing.T) { s.with(t).together() })
}

type suite struct {
	World
	t *testing.T
}

func (s suite) with(t *testing.T) suite { s.t = t; return s }

// install writes a unit for the time of the test.
func (s suite) install(name, text string) {
	s.t.Helper()
	s.Write(s.t, name, text)
	s.reload()
	s.t.Cleanup(func() { s.Remove(s.t, name) })
}

func (s suite) reload() {
	s.t.Helper()
	if err := s.Manager.DaemonReload(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

func (s suite) run(ctx context.Context, verb unit.Verb, names ...schema.UnitName) map[schema.UnitName]string {
	s.t.Helper()
	var jobs []unit.Job
	for _, name := range names {
		jobs = append(jobs, unit.Job{Unit: name, Verb: verb})
	}
	results, err := s.Manager.Run(ctx, jobs)
	if err != nil {
		s.t.Fatal(err)
	}
	return results
}

func (s suite) expectRun(verb unit.Verb, name schema.UnitName, want string) {
	s.t.Helper()
	if found := s.run(context.Background(), verb, name)[name]; found != want {
		s.t.Errorf("%s %s: expected %q, found %q", verb, name, want, found)
	}
}

func (s suite) expectStatus(name schema.UnitName, load, active string) unit.Status {
	s.t.Helper()
	status, err := s.Manager.List(context.Background(), []schema.UnitName{name})
	if err != nil {
		s.t.Fatal(err)
	}
	if found := status[name]; found.Load != load || found.Active != active {
		s.t.Errorf("%s: expected %s and %s, found %+v", name, load, active, found)
	}
	return status[name]
}

func (s suite) expectUnread(want []schema.UnitName, asked ...schema.UnitName) {
	s.t.Helper()
	found, err := s.Manager.Unread(context.Background(), asked)
	if err != nil || !slices.Equal(found, want) {
		s.t.Errorf("expected %v not to have been read, found %v, %v", want, found, err)
	}
}

func (s suite) details(name schema.UnitName) unit.Details {
	s.t.Helper()
	details, err := s.Manager.Details(context.Background(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return details
}

func (s suite) unknown() {
	const name = "nixfleet-none.service"
	if s.expectStatus(name, "not-found", "inactive").Runs() {
		s.t.Error("a unit runs that does not exist")
	}
	s.expectRun(unit.Start, name, "Unit nixfleet-none.service not found.")
	s.expectRun(unit.Stop, name, "Unit nixfleet-none.service not loaded.")
	if unit.Ended("Unit nixfleet-none.service not found.") || !unit.Ended("failed") {
		s.t.Error("a reason is taken for a job's result")
	}
	if status, err := s.Manager.List(context.Background(), nil); err != nil || len(status) > 0 {
		s.t.Errorf("no names: found %v, %v", status, err)
	}
	if _, err := s.Manager.List(context.Background(), []schema.UnitName{"nixfleet-none@.service"}); err == nil {
		s.t.Error("a template was listed")
	}
}

func (s suite) service() {
	const name = "nixfleet-run.service"
	s.install(name, "[Service]\nExecStart="+s.Run+"\n")
	s.expectStatus(name, "loaded", "inactive")
	s.expectRun(unit.Reload, name, "done") // which leaves what does not run alone
	s.expectStatus(name, "loaded", "inactive")
	s.expectRun(unit.Start, name, "done")
	if !s.expectStatus(name, "loaded", "active").Runs() {
		s.t.Error("an active unit does not run")
	}
	s.expectRun(unit.Start, name, "done")
	first := s.details(name)
	if !first.LongRunning() || first.Type != "simple" || first.Result != "success" || first.Restarts != 0 || first.Skipped {
		s.t.Errorf("found %+v", first)
	}
	s.expectRun(unit.Restart, name, "done")
	s.expectStatus(name, "loaded", "active")
	s.expectRun(unit.Stop, name, "done")
	s.expectStatus(name, "loaded", "inactive")
	s.expectRun(unit.Stop, name, "done")
}

func (s suite) failure() {
	const name = "nixfleet-fail.service"
	s.install(name, "[Service]\nType=oneshot\nExecStart="+s.Fail+"\n")
	s.expectRun(unit.Start, name, "failed")
	if status := s.expectStatus(name, "loaded", "failed"); status.Runs() || status.Restarting() {
		s.t.Errorf("a failed unit runs: %+v", status)
	}
	s.expectFailed(name, true)
	details := s.details(name)
	if details.Result != "exit-code" || details.ExitCode != 1 || details.ExitStatus != 1 || details.LongRunning() {
		s.t.Errorf("found %+v", details)
	}
	lines, err := s.Manager.Journal(context.Background(), name, details.Invocation, 10)
	if err != nil || len(lines) == 0 || len(lines) > 10 {
		s.t.Errorf("found %q, %v", lines, err)
	}
	if err := s.Manager.ResetFailed(context.Background(), name); err != nil {
		s.t.Error(err)
	}
	s.expectStatus(name, "loaded", "inactive")
	s.expectFailed(name, false)
}

// expectFailed asks whether a unit is among all that have failed.
func (s suite) expectFailed(name schema.UnitName, want bool) {
	s.t.Helper()
	found, err := s.Manager.Failed(context.Background())
	if err != nil || slices.Contains(found, name) != want || !slices.IsSorted(found) {
		s.t.Errorf("expected %s among the failed units: %v; found %v, %v", name, want, found, err)
	}
}

// oldText is why things stop before their files change.
func (s suite) oldText() {
	const name = "nixfleet-text_1.b.service"
	s.install(name, "[Service]\nExecStart="+s.Run+"\n")
	s.expectRun(unit.Start, name, "done")
	s.Write(s.t, name, "[Service]\nType=oneshot\nExecStart="+s.Fail+"\n")
	if details := s.details(name); details.Type != "simple" {
		s.t.Errorf("a text was read without a daemon-reload: %+v", details)
	}
	s.expectUnread([]schema.UnitName{name}, name)
	s.reload()
	s.expectUnread(nil, name)
	s.expectUnread(nil)
	s.expectStatus(name, "loaded", "active")
	if details := s.details(name); details.Type != "oneshot" {
		s.t.Errorf("a text was not read by daemon-reload: %+v", details)
	}
	s.expectRun(unit.Restart, name, "failed")
	s.expectRun(unit.Stop, name, "done")
}

func (s suite) condition() {
	const name, holder = "nixfleet-condition.service", "nixfleet-holder.service"
	// A unit that nothing refers to is forgotten when it ends, and with it what
	// became of its start. An enabled unit is referred to by its target.
	s.install(holder, "[Unit]\nWants="+name+"\n[Service]\nExecStart="+s.Run+"\n")
	s.install(name, "[Unit]\nConditionPathExists=/nixfleet-none\n[Service]\nExecStart="+s.Run+"\n")
	if s.details(name).Skipped {
		s.t.Error("skipped before it was started")
	}
	s.expectRun(unit.Start, holder, "done")
	s.expectRun(unit.Start, name, "done")
	s.expectStatus(name, "loaded", "inactive")
	if !s.details(name).Skipped {
		s.t.Error("a condition that is not met is not seen")
	}
	s.expectRun(unit.Stop, holder, "done")
}

func (s suite) deadline() {
	const name = "nixfleet-hang.service"
	s.install(name, "[Service]\nType=oneshot\nExecStart="+s.Hang+"\n")
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if found := s.run(ctx, unit.Start, name)[name]; found != "waiting" {
		s.t.Errorf("expected %q, found %q", "waiting", found)
	}
	if !s.expectStatus(name, "loaded", "activating").Runs() {
		s.t.Error("a unit that is coming up does not count as running")
	}
	s.expectRun(unit.Stop, name, "done")
}

func (s suite) template() {
	s.install("nixfleet-t@.service", "[Service]\nExecStart="+s.Run+"\n")
	if names, err := s.Manager.Instances(context.Background(), "nixfleet-t@.service"); err != nil || len(names) > 0 {
		s.t.Errorf("found %v, %v", names, err)
	}
	s.expectRun(unit.Start, "nixfleet-t@b.service", "done")
	names, err := s.Manager.Instances(context.Background(), "nixfleet-t@.service")
	if err != nil || len(names) != 1 || names[0] != "nixfleet-t@b.service" {
		s.t.Errorf("found %v, %v", names, err)
	}
	s.expectRun(unit.Stop, "nixfleet-t@b.service", "done")
}

// masked units that run go on until they are stopped, which the mask allows.
func (s suite) masked() {
	const name = "nixfleet-masked.service"
	s.install(name, "[Service]\nExecStart="+s.Run+"\n")
	s.expectRun(unit.Start, name, "done")
	s.Remove(s.t, name)
	s.Mask(s.t, name)
	s.reload()
	s.expectStatus(name, "masked", "active")
	s.expectRun(unit.Stop, name, "done")
	s.expectStatus(name, "masked", "inactive")
	s.expectRun(unit.Start, name, "Unit nixfleet-masked.service is masked.")
	if err := s.Manager.ResetFailed(context.Background(), name); err != nil {
		s.t.Error(err)
	}
}

// flapping is why the count of restarts is forgotten before a start.
func (s suite) flapping() {
	const name, keeper = "nixfleet-flapping.service", "nixfleet-keeper.service"
	s.install(keeper, "[Unit]\nWants="+name+"\n[Service]\nExecStart="+s.Run+"\n") // so that it is not forgotten as a whole
	s.install(name, "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=200ms\nExecStart="+s.Fail+"\n")
	s.expectRun(unit.Start, keeper, "done")
	s.run(context.Background(), unit.Start, name)
	for range 200 { // until it waits for its next start and was started again before
		status, err := s.Manager.List(context.Background(), []schema.UnitName{name})
		if err != nil {
			s.t.Fatal(err)
		}
		if status[name].Restarting() && s.details(name).Restarts > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.expectRun(unit.Stop, name, "done")
	if s.details(name).Restarts == 0 {
		s.t.Error("the stop made the unit forget its restarts")
	}
	if err := s.Manager.ResetFailed(context.Background(), name); err != nil {
		s.t.Error(err)
	}
	if n := s.details(name).Restarts; n != 0 {
		s.t.Errorf("the unit still counts %d restarts", n)
	}
	s.expectRun(unit.Stop, keeper, "done")
	if err := s.Manager.ResetFailed(context.Background(), "nixfleet-none.service"); err != nil {
		s.t.Errorf("a unit that systemd does not know: %v", err)
	}
}

func (s suite) together() {
	s.install("nixfleet-a.service", "[Service]\nExecStart="+s.Run+"\n")
	s.install("nixfleet-b.service", "[Service]\nType=oneshot\nExecStart="+s.Fail+"\n")
	results := s.run(context.Background(), unit.Start, "nixfleet-a.service", "nixfleet-b.service", "nixfleet-none.service")
	for name, want := range map[schema.UnitName]string{
		"nixfleet-a.service": "done", "nixfleet-b.service": "failed", "nixfleet-none.service": "Unit nixfleet-none.service not found.",
	} {
		if results[name] != want {
			s.t.Errorf("%s: expected %q, found %q", name, want, results[name])
		}
	}
	s.expectRun(unit.Stop, "nixfleet-a.service", "done")
}
