package executor

import (
	"context"
	"sync"
	"testing"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/schema"
)

// A way back that the operator stops, or cuts while a host is on it, is not at its end:
// the record says of every host that it stays, and who resumes the run goes on with it.
func TestResumeOfAWayBackThatWasInterrupted(t *testing.T) {
	for name, onFailure := range map[string]schema.OnFailure{"wave": schema.RollbackWave, "all": schema.RollbackAll, "host": schema.RollbackHost} {
		for _, cuts := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f, old := upgraded(t, onFailure)
				none := 0
				f.waves([]schema.HostName{"web-1", "web-2", "web-3", "web-4"})
				f.plan.Index.Rollout.Waves[0] = schema.Wave{Name: "1", Hosts: f.plan.Index.Rollout.Waves[0].Hosts, Soak: "1ms", FailureBudget: &none, OnFailure: onFailure}
				f.seal()
				f.options.Parallel = 1
				for _, host := range f.hosts {
					host.Set(unwell)
				}
				ctx, cut := context.WithCancel(context.Background())
				defer cut()
				stop := make(chan struct{})
				interrupt := sync.OnceFunc(func() {
					close(stop)
					if cuts {
						cut()
					}
				})
				for _, host := range f.hosts {
					host.Set(func(s *simhost.State) {
						s.OnBack = func(*simhost.Session) error { interrupt(); return nil }
					})
				}
				options := f.options
				options.Stop = stop
				first, err := Execute(ctx, f.plan, options, f.deps)
				if err != nil {
					t.Fatal(err)
				}
				back := 0
				for host, record := range first.Hosts {
					switch {
					case record.Outcome == schema.HostRolledBack:
						back++
					case record.Outcome != schema.HostUnknown:
						wantHost(t, first, host, record.Outcome, "is to go back to generation 1, and the run was stopped before that")
					}
				}
				if want := map[bool]int{false: 1, true: 0}[cuts]; back != want {
					t.Errorf("%d hosts went back, expected %d", back, want)
				}
				story, err := Resumable(f.plan, f.deps.StateDir)
				if err != nil || story.Left != 4-back {
					t.Fatalf("%+v, %v", story, err)
				}
				record := f.resume(first.Run)
				for host := range f.hosts {
					wantHost(t, record, host, schema.HostRolledBack, "it went back to what it was before, generation 1")
					if applied := f.hosts[host].Look().Applied; applied != old {
						t.Errorf("%s has %s applied", host, applied)
					}
				}
				if story, err := ReadRun(f.deps.StateDir, first.Run); err != nil || story.Left != 0 {
					t.Errorf("%+v, %v", story, err)
				}
			})
		}
	}
}

// Wherever the controller dies between a soak that finds a host unwell and its return,
// it is taken back in the end.
func TestResumeOfAWayBackAfterASoak(t *testing.T) {
	t.Parallel()
	for entry := 0; ; entry++ {
		died := false
		for _, late := range []bool{false, true} {
			f, old := upgraded(t, schema.RollbackHost)
			f.hosts["web-3"].Set(unwell)
			f.options.Parallel = 1
			var run string
			if run, died = f.dieAt(entry, late, ""); !died {
				break
			}
			record := f.resumed(run)
			if applied := f.hosts["web-3"].Look().Applied; applied != old || record.Hosts["web-3"].Outcome != schema.HostRolledBack {
				t.Fatalf("died at entry %d, late %v: %+v\n%s", entry, late, record.Hosts["web-3"], f.journal(run))
			}
		}
		if !died {
			return
		}
	}
}

// What another run applied meanwhile is not this run's to take away.
func TestAWayBackSparesWhatOthersApplied(t *testing.T) {
	t.Parallel()
	f, _ := upgraded(t, schema.RollbackAll)
	others := schema.DigestOf([]byte("another plan"))
	f.hosts["web-4"].Set(func(s *simhost.State) {
		unwell(s)
		s.OnBack = func(*simhost.Session) error { return nil }
	})
	apply := sync.OnceFunc(func() {
		f.hosts["web-1"].Set(func(s *simhost.State) {
			s.Generation++
			s.Applied, s.Generations[s.Generation] = others, others
		})
	})
	observe := f.deps.Observe
	f.deps.Observe = func(e schema.Event) {
		observe(e)
		if e.Kind == schema.WaveStarted && e.Wave == "3" {
			apply()
		}
	}
	record := f.execute()
	wantHost(t, record, "web-2", schema.HostRolledBack, "generation 1")
	wantHost(t, record, "web-1", schema.HostChanged, "it stays as it is: something else was applied to it since, as generation 3")
	if applied := f.hosts["web-1"].Look().Applied; applied != others {
		t.Errorf("web-1 has %s applied", applied)
	}
}
