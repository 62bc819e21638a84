package executor

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/schema"
)

// Wherever the controller dies between a host's drain and its return, and whichever of
// the entry and what it tells of was the last: who resumes the run ends it with one
// reboot of each host, nobody drained, no slot taken.
func TestResumeOfReboots(t *testing.T) {
	t.Parallel()
	for entry := 0; ; entry++ {
		died := false
		for _, late := range []bool{false, true} {
			f := newFleet(t, 2)
			f.hooks(
				hookOf("leave", schema.BeforeActivation, schema.OnHost), always(hookOf("enter", schema.AfterActivation, schema.OnHost)),
				hookOf("drain", schema.BeforeReboot, schema.OnHost), always(hookOf("join", schema.AfterReboot, schema.OnHost)),
			)
			f.mayReboot(1)
			f.limit("web", 1, "web-1", "web-2")
			f.ran()
			f.options.Parallel = 1
			var run string
			if run, died = f.dieAt(entry, late, ""); !died {
				break
			}
			record := f.resumed(run)
			wantVerdict(t, record, schema.Done)
			for name, host := range f.hosts {
				state := host.Look()
				if state.Boot != "b2" || len(state.Slots) != 0 {
					t.Errorf("%s is in boot %s and keeps %v", name, state.Boot, state.Slots)
				}
				if at, other := record.Hosts[name].Reboot, schema.RebootNotNeeded; at == nil || at.State != schema.RebootDone && at.State != other {
					t.Errorf("%s: %+v", name, at)
				}
				if hooks := host.Hooks(); !strings.HasSuffix(hooks, "drain join") && !strings.HasSuffix(hooks, "drain join drain join") && !strings.HasSuffix(hooks, "drain join join") || !strings.Contains(hooks, "leave enter") {
					t.Errorf("%s: hooks %s", name, hooks)
				}
			}
			if t.Failed() {
				t.Fatalf("died at entry %d, late %v\n%s", entry, late, f.journal(run))
			}
		}
		if !died {
			if entry < 12 {
				t.Errorf("the journal has %d entries", entry)
			}
			return
		}
	}
}

// Who was cut while the host was away waits for it, and no longer than the plan says.
func TestResumeWhileTheHostIsAway(t *testing.T) {
	t.Parallel()
	for away, outcome := range map[int]schema.Outcome{1 << 30: schema.HostChanged, -1: schema.HostUnknown} {
		f := newFleet(t, 1)
		f.mayReboot(1)
		f.plan.Index.Rollout.Reboots.Waves[0].Deadline = "5m"
		if away < 0 {
			f.plan.Index.Rollout.Reboots.Waves[0].Deadline = "1s"
		}
		f.seal()
		f.only().Set(func(s *simhost.State) { s.Away = away })
		ctx, cut := context.WithCancelCause(context.Background())
		defer cut(nil)
		observe := f.deps.Observe
		returns := 0
		f.deps.Observe = func(e schema.Event) {
			observe(e)
			switch {
			case e.Stage != schema.StageReturn:
			case returns == 0:
				returns++
				cut(errDied)
			case away > 0: // somebody waits, so it may come
				f.only().Set(func(s *simhost.State) { s.Away = 0 })
			}
		}
		first := f.executeIn(ctx)
		wantHost(t, first, "web-1", schema.HostUnknown, "the run was cut while it rebooted")
		record := f.resume(first.Run)
		if outcome == schema.HostChanged {
			wantHost(t, record, "web-1", outcome)
			wantReboot(t, record, "web-1", schema.RebootDone)
		} else {
			wantHost(t, record, "web-1", outcome, "has not come back within 1s")
			wantVerdict(t, record, schema.Failed)
		}
		if n := f.only().Look().Boot; n != "b2" {
			t.Errorf("it is in boot %s", n)
		}
	}
}

// Dying again and again with several hosts down at a time, and resumed with fewer at
// once: nobody waits for somebody who waits, and each host reboots once.
func TestDyingWhileHostsReboot(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		f := newFleet(t, 5)
		f.waves([]schema.HostName{"web-1", "web-2"}, []schema.HostName{"web-3", "web-4", "web-5"})
		f.hooks(hookOf("drain", schema.BeforeReboot, schema.OnHost), always(hookOf("join", schema.AfterReboot, schema.OnHost)))
		f.mayReboot(2)
		f.limit("web", 2, "web-1", "web-2", "web-3", "web-4", "web-5")
		f.ran()
		random := rand.New(rand.NewPCG(seed, 3))
		run, died := f.dieAt(4, true, "")
		for n := 0; died && f.unfinished(run) && n < 100; n++ {
			f.options.Parallel = random.IntN(4)
			run, died = f.dieAt(3+random.IntN(9), random.IntN(2) == 0, run)
		}
		record := f.resumed(run)
		wantVerdict(t, record, schema.Done)
		for name, host := range f.hosts {
			// Slots of who died while their keepers were down run out by themselves.
			if state := host.Look(); state.Boot != "b2" || !strings.HasSuffix(host.Hooks(), "join") {
				t.Errorf("%s is in boot %s, hooks %s", name, state.Boot, host.Hooks())
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d\n%s", seed, f.journal(run))
		}
	}
}

// A host that must not go down, says a program on it, was not sent away: resumed, it is
// not waited for.
func TestResumeOfAHeldRebootWaitsForNobody(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.mayReboot(1)
	f.only().Set(func(s *simhost.State) {
		s.OnReboot = func(*simhost.Session) error { return errors.New("the host must not go down now, says apt") }
	})
	first := f.execute()
	wantReboot(t, first, "web-1", schema.RebootHeld, "says apt")
	f.deps.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route to host") }
	record := f.resume(first.Run)
	wantHost(t, record, "web-1", schema.HostUnreachable, "no route to host")
}
