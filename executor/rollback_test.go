package executor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// upgraded is a fleet that was applied, and now has a plan that changes it again, in
// waves of web-1, of web-2 and web-3, and of web-4.
func upgraded(t *testing.T, onFailure schema.OnFailure) (f *fleet, old schema.Digest) {
	f = newFleet(t, 4)
	f.execute()
	old, manifest := f.manifest()
	manifest.Settle = "2s"
	manifest.HealthChecks = []schema.HealthCheck{checkOf("app", schema.OnHost)}
	f.setManifest(f.plan, manifest)
	f.waves([]schema.HostName{"web-1"}, []schema.HostName{"web-2", "web-3"}, []schema.HostName{"web-4"})
	for i := range f.plan.Index.Rollout.Waves {
		f.plan.Index.Rollout.Waves[i].Soak = "1ms"
		f.plan.Index.Rollout.Waves[i].OnFailure = onFailure
	}
	f.seal()
	return f, old
}

// What a wave that fails after its soak means for hosts that have changed.
func TestOnFailure(t *testing.T) {
	for onFailure, wants := range map[schema.OnFailure][4]schema.Outcome{
		"":                  {schema.HostChanged, schema.HostChanged, schema.HostUnhealthy, schema.HostHeld},
		schema.Halt:         {schema.HostChanged, schema.HostChanged, schema.HostUnhealthy, schema.HostHeld},
		schema.RollbackHost: {schema.HostChanged, schema.HostChanged, schema.HostRolledBack, schema.HostHeld},
		schema.RollbackWave: {schema.HostChanged, schema.HostRolledBack, schema.HostRolledBack, schema.HostHeld},
		schema.RollbackAll:  {schema.HostRolledBack, schema.HostRolledBack, schema.HostRolledBack, schema.HostHeld},
	} {
		t.Run(string(onFailure), func(t *testing.T) {
			t.Parallel()
			f, old := upgraded(t, onFailure)
			none := 0
			f.plan.Index.Rollout.Waves[1].FailureBudget = &none
			f.seal()
			f.hosts["web-3"].Set(unwell)
			record := f.execute()
			for i, name := range []schema.HostName{"web-1", "web-2", "web-3", "web-4"} {
				got := record.Hosts[name]
				if got.Outcome != wants[i] {
					t.Errorf("%s is %s instead of %s: %s", name, got.Outcome, wants[i], got.Error)
				}
				back := got.Outcome == schema.HostRolledBack
				if applied := f.hosts[name].Look().Applied; (applied == old) != (back || got.Outcome == schema.HostHeld) {
					t.Errorf("%s is %s and has %s applied", name, got.Outcome, applied)
				}
				if back && !strings.Contains(got.Error, "it went back to what it was before, generation 1") {
					t.Errorf("%s: %s", name, got.Error)
				}
				if own := strings.HasPrefix(got.Error, "it hums"); back && own != (name == "web-3") {
					t.Errorf("%s went back because %s", name, got.Error)
				}
			}
			if record.Verdict != schema.Halted || !strings.Contains(record.Halted, "1 host of wave 2 failed, and its budget is 0") {
				t.Errorf("%s: %q", record.Verdict, record.Halted)
			}
			returned := f.returned()
			if onFailure == schema.RollbackAll && (len(returned) != 3 || returned[2] != "web-1") {
				t.Errorf("went back in the order %q: expected the last wave first", returned)
			}
			if slices.ContainsFunc(f.events, func(e schema.Event) bool { return e.Run != record.Run }) {
				t.Error("an event is of another run")
			}
		})
	}
}

func (f *fleet) returned() (hosts []schema.HostName) {
	for _, e := range f.events {
		if e.Kind == schema.HostReturned {
			hosts = append(hosts, e.Host)
		}
	}
	return hosts
}

// A host whose controller says that it is not well goes back within its turn, whether
// the rollout halts or not.
func TestRollbackHostWithinItsTurn(t *testing.T) {
	f, old := upgraded(t, schema.RollbackHost)
	_, manifest := f.manifest()
	manifest.HealthChecks = []schema.HealthCheck{checkOf("app", schema.OnController)}
	f.setManifest(f.plan, manifest)
	one := 1
	for i := range f.plan.Index.Rollout.Waves {
		f.plan.Index.Rollout.Waves[i].FailureBudget = &one
	}
	f.seal()
	f.deps.Shell = func(_ context.Context, _ string, environment []string) ([]byte, error) {
		if slices.Contains(environment, "NIXFLEET_HOST=web-2") {
			return nil, errors.New("exit status 1")
		}
		return nil, nil
	}
	record := f.execute()
	wantHost(t, record, "web-2", schema.HostRolledBack, `health check "app" failed`, "it went back to what it was before, generation 1")
	wantHost(t, record, "web-4", schema.HostChanged)
	if f.hosts["web-2"].Look().Applied != old || record.Verdict != schema.Failed {
		t.Errorf("%s", record.Verdict)
	}
}

// The gate closes after a wave: that wave goes back.
func TestClosedGateRollsBack(t *testing.T) {
	f, _ := upgraded(t, schema.RollbackWave)
	f.plan.Index.Rollout.Gate = &schema.Gate{Command: "is-calm", Interval: "1ms", Timeout: "1s"}
	f.seal()
	f.deps.Shell = func(_ context.Context, _ string, environment []string) ([]byte, error) {
		if slices.Contains(environment, "NIXFLEET_WAVE=2") {
			return nil, errors.New("exit status 1")
		}
		return nil, nil
	}
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostChanged)
	wantHost(t, record, "web-2", schema.HostRolledBack, "the rollout halted: the gate is closed")
	wantHost(t, record, "web-3", schema.HostRolledBack, "generation 1")
	wantHost(t, record, "web-4", schema.HostHeld, "the gate is closed")
}

// What cannot go back is said, and the others go back all the same.
func TestWhatCannotGoBack(t *testing.T) {
	f, old := upgraded(t, schema.RollbackAll)
	f.hosts["web-1"].Set(func(s *simhost.State) {
		s.OnBack = func(*simhost.Session) error { return errors.New("generation 1 was collected") }
	})
	f.hosts["web-2"].Set(func(s *simhost.State) { s.Applied, s.Generation = "", 0 })
	f.hosts["web-4"].Set(func(s *simhost.State) {
		s.OnApply = func(*simhost.Transaction) error {
			return &protocol.Error{Kind: protocol.KindRefused, Message: "app.service failed"}
		}
	})
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostFailed, "the rollout halted: not every host of wave 3 is as the plan says", "it could not be taken back to generation 1: generation 1 was collected")
	wantHost(t, record, "web-2", schema.HostChanged, "before this run it was not managed")
	wantHost(t, record, "web-3", schema.HostRolledBack, "generation 1")
	wantHost(t, record, "web-4", schema.HostRolledBack, "app.service failed")
	if f.hosts["web-3"].Look().Applied != old || record.Verdict != schema.Failed {
		t.Errorf("%s", record.Verdict)
	}
}
