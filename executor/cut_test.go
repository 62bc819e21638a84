package executor

import (
	"context"
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
