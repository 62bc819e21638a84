package executor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/schema"
)

// resumeStopped resumes a run that is stopped before anything begins.
func (f *fleet) resumeStopped(run string) *schema.Record {
	f.t.Helper()
	stop := make(chan struct{})
	close(stop)
	options := f.options
	options.Resume, options.Stop = run, stop
	record, err := Execute(context.Background(), f.plan, options, f.deps)
	if err != nil {
		f.t.Fatal(err)
	}
	return record
}

// Who resumes a run and stops it at once knows no less of its hosts than before: one
// whose turn had begun is in doubt, not held.
func TestResumeStoppedAtOnceForgetsNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.options.Parallel = 1
	run, died := f.dieAt(3, true, "") // when its change is about to begin
	if !died {
		t.Fatal("it lives")
	}
	record := f.resumeStopped(run)
	wantHost(t, record, "web-1", schema.HostUnknown, "its turn had begun when the run was interrupted before", "it may have been changed")
	wantHost(t, record, "web-2", schema.HostHeld, "stopped before its turn")
	if record = f.resume(run); record.Verdict != schema.Done {
		t.Errorf("%+v", record)
	}
}

// The same of a host that was changed, and whose reboot is held.
func TestResumeStoppedAtOnceForgetsNoHeldReboot(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.mayReboot(1)
	now := time.Now().UTC()
	f.plan.Index.Rollout.Reboots.Waves[0].Windows = []string{now.Add(5*time.Hour).Format("15:04") + "-" + now.Add(6*time.Hour).Format("15:04")}
	f.seal()
	first := f.execute()
	wantHost(t, first, "web-1", schema.HostChanged)
	wantReboot(t, first, "web-1", schema.RebootHeld, "no window is open")
	record := f.resumeStopped(first.Run)
	wantHost(t, record, "web-1", schema.HostChanged)
	wantReboot(t, record, "web-1", schema.RebootHeld, "no window is open")
}

// A budget that is overspent after a resumption takes back also those whose held reboot
// did not come to its turn again.
func TestResumedRollbackTakesAllThatTheRunChanged(t *testing.T) {
	t.Parallel()
	f, old := upgraded(t, schema.RollbackAll)
	f.waves([]schema.HostName{"web-1", "web-2", "web-3", "web-4"})
	none := 0
	f.plan.Index.Rollout.Waves[0].OnFailure, f.plan.Index.Rollout.Waves[0].FailureBudget = schema.RollbackAll, &none
	f.mayReboot(1)
	now := time.Now().UTC()
	f.plan.Index.Rollout.Reboots.Waves[0].Windows = []string{now.Add(5*time.Hour).Format("15:04") + "-" + now.Add(6*time.Hour).Format("15:04")}
	f.seal()
	f.options.Parallel = 1
	stop := make(chan struct{})
	f.hosts["web-2"].Set(func(s *simhost.State) {
		s.OnApply = func(*simhost.Transaction) error { close(stop); return nil }
	})
	options := f.options
	options.Stop = stop
	first, err := Execute(context.Background(), f.plan, options, f.deps)
	if err != nil {
		t.Fatal(err)
	}
	wantHost(t, first, "web-2", schema.HostChanged)
	f.hosts["web-1"].Set(func(s *simhost.State) {
		s.OnHealth = func(*simhost.Session) (string, error) { return "it hums", nil }
	})
	record := f.resume(first.Run)
	for host := range f.hosts {
		if applied := f.hosts[host].Look().Applied; applied != old {
			t.Errorf("%s has %s applied: %+v", host, applied, record.Hosts[host])
		}
	}
	wantHost(t, record, "web-2", schema.HostRolledBack, "generation 1")
}

// What another run applied between a controller's death and its resumption is refused,
// and said; whoever did that may not know of this run.
func TestResumeOverwritesNobodyElse(t *testing.T) {
	t.Parallel()
	f, _ := upgraded(t, schema.Halt)
	f.options.Parallel = 1
	run, died := f.dieAt(4, false, "") // when it is changed, before that is noted
	if !died || !strings.Contains(f.journal(run), "host-changing") {
		t.Fatal(f.journal(run))
	}
	for f.hosts["web-1"].Look().Generation != 2 {
		time.Sleep(time.Millisecond)
	}
	others := schema.DigestOf([]byte("another plan"))
	f.hosts["web-1"].Set(func(s *simhost.State) {
		s.Generation++
		s.Applied, s.Generations[s.Generation] = others, others
	})
	record := f.resume(run)
	wantHost(t, record, "web-1", schema.HostRefused, "something else was applied to web-1 since this run began to change it, from generation 1: found generation 3", "nixfleet history")
	if applied := f.hosts["web-1"].Look().Applied; applied != others {
		t.Errorf("it has %s applied", applied)
	}
}

// A change of which nobody knew how it ended, and which then proves done, can be taken
// back as any other.
func TestDoubtfulChangeCanBeTakenBackAfterItIsResumed(t *testing.T) {
	t.Parallel()
	f, old := upgraded(t, schema.RollbackAll)
	ctx, cut := context.WithCancelCause(context.Background())
	defer cut(nil)
	ended := make(chan struct{}) // else the change may be done before the run sees that it is cut
	f.hosts["web-1"].Set(func(s *simhost.State) {
		s.OnAttach = func(*simhost.Session) error { cut(errors.New("the operator has no time")); return nil }
		s.OnApply = func(*simhost.Transaction) error { <-ended; return nil }
	})
	first := f.executeIn(ctx)
	close(ended)
	wantHost(t, first, "web-1", schema.HostUnknown, "the run was cut")
	f.hosts["web-1"].Set(func(s *simhost.State) { s.OnAttach, s.OnApply = nil, nil })
	f.hosts["web-2"].Set(func(s *simhost.State) {
		s.OnApply = func(*simhost.Transaction) error { return errors.New("web.service failed") }
	})
	for f.hosts["web-1"].Look().Generation != 2 {
		time.Sleep(time.Millisecond)
	}
	record := f.resume(first.Run)
	wantHost(t, record, "web-1", schema.HostRolledBack, "it went back to what it was before, generation 1")
	if applied := f.hosts["web-1"].Look().Applied; applied != old {
		t.Errorf("it has %s applied", applied)
	}
}

// A wave without a budget whose host is not well any more after its soak is the last.
func TestSoakWithoutABudget(t *testing.T) {
	t.Parallel()
	f, _ := upgraded(t, schema.Halt)
	f.hosts["web-1"].Set(unwell)
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostUnhealthy, "it hums")
	wantHost(t, record, "web-2", schema.HostHeld, "not every host of wave 1 is as the plan says")
	if slices.ContainsFunc(f.events, func(e schema.Event) bool { return e.Kind == schema.WaveStarted && e.Wave == "2" }) || record.Verdict != schema.Halted {
		t.Errorf("%s", record.Verdict)
	}
}
