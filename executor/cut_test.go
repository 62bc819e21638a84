package executor

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

// Whatever the operator cuts by a second interrupt, a hook, a health check or that after
// a soak, is no failure of the host: who resumes the run goes on with it, and comes to
// what it would have come to.
func TestCutIsNoFailureOfTheHost(t *testing.T) {
	for _, moment := range []string{"leave", "enter", "drain", "join", "well", "well again"} {
		for _, onFailure := range []schema.OnFailure{schema.Halt, schema.RollbackHost, schema.RollbackAll} {
			t.Run(moment+" "+string(onFailure), func(t *testing.T) {
				t.Parallel()
				f, old := upgraded(t, onFailure)
				_, manifest := f.manifest()
				manifest.HealthChecks = []schema.HealthCheck{checkOf("well", schema.OnController)}
				manifest.Hooks = []schema.Hook{
					hookOf("leave", schema.BeforeActivation, schema.OnController), always(hookOf("enter", schema.AfterActivation, schema.OnController)),
					hookOf("drain", schema.BeforeReboot, schema.OnController), always(hookOf("join", schema.AfterReboot, schema.OnController)),
				}
				f.setManifest(f.plan, manifest)
				f.seal()
				f.mayReboot(1)
				f.options.Parallel = 1
				ctx, cut := context.WithCancel(context.Background())
				defer cut()
				var mu sync.Mutex
				ran, asked := "", 0
				f.deps.Shell = func(at context.Context, line string, _ []string) ([]byte, error) {
					mu.Lock()
					defer mu.Unlock()
					name := strings.TrimPrefix(line, "do ")
					if line == manifest.HealthChecks[0].Command {
						if name = "well"; asked > 0 {
							name = "well again"
						}
						asked++
					} else {
						ran += name + " "
					}
					if name == moment {
						cut()
					}
					if at.Err() != nil {
						return nil, at.Err()
					}
					return nil, nil
				}
				first := f.executeIn(ctx)
				for host, record := range first.Hosts {
					if record.Outcome == schema.HostUnhealthy || record.Outcome == schema.HostFailed {
						t.Errorf("%s is %s: %s", host, record.Outcome, record.Error)
					}
				}
				record := f.resume(first.Run)
				wantVerdict(t, record, schema.Done)
				for host := range f.hosts {
					wantHost(t, record, host, schema.HostChanged)
					if state := f.hosts[host].Look(); state.Applied == old || state.Boot != "b2" {
						t.Errorf("%s has %s applied, in boot %s", host, state.Applied, state.Boot)
					}
				}
				for _, pair := range [][2]string{{"leave ", "enter "}, {"drain ", "join "}} {
					if strings.Count(ran, pair[1]) < 4 || strings.LastIndex(ran, pair[0]) > strings.LastIndex(ran, pair[1]) {
						t.Errorf("hooks %s", ran)
					}
				}
				if t.Failed() {
					t.Log(f.journal(first.Run))
				}
			})
		}
	}
}

// Interrupted again and again, once or twice, or killed, with many hosts at work that
// have hooks, checks and reboots: every host ends as the plan says, changed and rebooted
// once, and nobody is left drained.
func TestInterruptedAgainAndAgain(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		f := newFleet(t, 8)
		_, manifest := f.manifest()
		manifest.HealthChecks = []schema.HealthCheck{checkOf("app", schema.OnHost), checkOf("app", schema.OnController)}
		manifest.HealthChecks[1].Name = "from-here"
		manifest.Hooks = []schema.Hook{
			hookOf("leave", schema.BeforeActivation, schema.OnHost), always(hookOf("enter", schema.AfterActivation, schema.OnHost)),
			hookOf("drain", schema.BeforeReboot, schema.OnHost), always(hookOf("join", schema.AfterReboot, schema.OnHost)),
		}
		f.setManifest(f.plan, manifest)
		names := sortedHosts(f.hosts)
		f.waves(names[:1], names[1:4], names[4:])
		for i := range f.plan.Index.Rollout.Waves {
			f.plan.Index.Rollout.Waves[i].Soak, f.plan.Index.Rollout.Waves[i].OnFailure = "1ms", schema.RollbackAll
		}
		f.mayReboot(3)
		f.deps.Shell = func(ctx context.Context, _ string, _ []string) ([]byte, error) { return nil, ctx.Err() }
		f.options.Parallel = 6
		random := rand.New(rand.NewPCG(seed, 13))
		run := ""
		for n := 0; n < 200 && (run == "" || f.left(run) > 0); n++ {
			if random.IntN(3) == 0 {
				run, _ = f.dieAt(4+random.IntN(20), random.IntN(2) == 0, run)
				continue
			}
			run = f.interruptAt(run, 10+random.IntN(80), random.IntN(2) == 0)
		}
		record := f.resumed(run)
		wantVerdict(t, record, schema.Done)
		for name, host := range f.hosts {
			if n, state := strings.Count(host.Calls(), "begin"), host.Look(); n != 1 || state.Boot != "b2" || !strings.HasSuffix(host.Hooks(), "join") {
				t.Errorf("seed %d: %s was changed %d times, is in boot %s, hooks %s: %+v", seed, name, n, state.Boot, host.Hooks(), record.Hosts[name])
			}
		}
		if t.Failed() {
			t.Fatal(f.journal(run))
		}
	}
}

// left is how many hosts are left of a run that has not come to its end, or was stopped.
func (f *fleet) left(run string) int {
	f.t.Helper()
	story, err := ReadRun(f.deps.StateDir, run)
	if err != nil {
		f.t.Fatal(err)
	}
	if story.Verdict == "" {
		return max(story.Left, 1)
	}
	return story.Left
}

// interruptAt begins a run or goes on with it, and interrupts it at an event of it.
func (f *fleet) interruptAt(run string, event int, twice bool) string {
	f.t.Helper()
	ctx, cut := context.WithCancel(context.Background())
	defer cut()
	stop := make(chan struct{})
	options, deps := f.options, f.deps
	options.Resume, options.Stop = run, stop
	deps.Observe = func(schema.Event) {
		if event--; event == 0 {
			close(stop)
			if twice {
				cut()
			}
		}
	}
	record, err := Execute(ctx, f.plan, options, deps)
	if err != nil {
		f.t.Fatal(err)
	}
	return record.Run
}
