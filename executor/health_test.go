package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/schema"
)

// checks gives every host these health checks.
func (f *fleet) checks(checks ...schema.HealthCheck) {
	_, manifest := f.manifest()
	manifest.HealthChecks = checks
	f.setManifest(f.plan, manifest)
	f.seal()
}

func checkOf(name string, from schema.Place) schema.HealthCheck {
	return schema.HealthCheck{Name: name, Kind: schema.CheckCommand, From: from, Command: "is-well " + name, StartDelay: "0s", Interval: "1ms", Timeout: "5s", Retries: 1}
}

// What the controller asks is asked of a host after its change, with the host's name.
func TestHealthFromTheController(t *testing.T) {
	f := newFleet(t, 2)
	f.waves([]schema.HostName{"web-1"}, []schema.HostName{"web-2"})
	f.checks(checkOf("db", schema.OnController))
	var asked []string
	f.deps.Shell = func(_ context.Context, line string, environment []string) ([]byte, error) {
		asked = append(asked, line+" "+strings.Join(environment[1:], " "))
		if !slices.Contains(environment, "NIXFLEET_HOST=web-1") {
			return nil, nil
		}
		return []byte("no way\n"), errors.New("exit status 1")
	}
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostUnhealthy, `health check "db" failed, asked 2 times from the controller: "is-well db": exit status 1`, "no way")
	wantHost(t, record, "web-2", schema.HostHeld, "not every host of wave 1 is as the plan says")
	if want := "is-well db NIXFLEET_HOST=web-1 NIXFLEET_ADDRESS=127.0.0.1"; len(asked) != 2 || asked[0] != want {
		t.Errorf("asked %q", asked)
	}
	if record.Verdict != schema.Halted || record.Hosts["web-1"].Generation != 1 {
		t.Errorf("%+v", record)
	}
	if f.hosts["web-1"].Look().Applied == "" {
		t.Error("the host went back by itself")
	}
}

// A host that is as the plan says already must be well too.
func TestUnchangedHostIsAsked(t *testing.T) {
	f := newFleet(t, 1)
	f.checks(checkOf("app", schema.OnHost))
	wantHost(t, f.execute(), "web-1", schema.HostChanged)
	if strings.Contains(f.only().Calls(), "health") {
		t.Error("a host was asked twice for one change")
	}
	wantHost(t, f.execute(), "web-1", schema.HostUnchanged)
	if !strings.HasSuffix(f.only().Calls(), "attach serve hello health") {
		t.Errorf("asked %q", f.only().Calls())
	}
	f.only().Set(func(s *simhost.State) {
		s.OnHealth = func(*simhost.Session) (string, error) { return `health check "app" failed: it hums`, nil }
	})
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostUnhealthy, "it hums")
	if record.Verdict != schema.Failed {
		t.Errorf("verdict %s", record.Verdict)
	}
	f.options.DryRun = true
	wantHost(t, f.execute(), "web-1", schema.HostUnchanged)
}

// After the soak all hosts of the wave are asked again, and one that is not well any
// more, or cannot be asked, counts as failed.
func TestSoak(t *testing.T) {
	for name, c := range map[string]struct {
		budget  int
		trouble func(*simhost.Host)
		says    string
		next    schema.Outcome
	}{
		"all well":      {0, func(*simhost.Host) {}, "", schema.HostChanged},
		"unwell":        {0, func(h *simhost.Host) { h.Set(unwell) }, "it hums", schema.HostHeld},
		"in the budget": {1, func(h *simhost.Host) { h.Set(unwell) }, "it hums", schema.HostChanged},
		"gone": {0, func(h *simhost.Host) {
			h.Set(func(s *simhost.State) { s.Sudo = "sudo: a password is required" })
		}, "cannot be asked whether it is well: ", schema.HostHeld},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 3)
			f.waves([]schema.HostName{"web-1", "web-2"}, []schema.HostName{"web-3"})
			f.plan.Index.Rollout.Waves[0].Soak = "80ms"
			f.plan.Index.Rollout.Waves[0].FailureBudget = &c.budget
			f.checks(checkOf("app", schema.OnHost))
			var soaking time.Time
			f.deps.Observe = func(e schema.Event) {
				f.events = append(f.events, e)
				if e.Kind == schema.WaveStage && e.Stage == schema.StageSoak {
					soaking = time.Now()
					c.trouble(f.hosts["web-2"])
				}
				if e.Kind == schema.WaveStage && e.Stage == schema.StageHealth && time.Since(soaking) < 80*time.Millisecond {
					t.Error("the soak was cut short")
				}
			}
			record := f.execute()
			wantHost(t, record, "web-1", schema.HostChanged)
			if c.says == "" {
				wantHost(t, record, "web-2", schema.HostChanged)
			} else {
				wantHost(t, record, "web-2", schema.HostUnhealthy, c.says)
			}
			if got := record.Hosts["web-3"].Outcome; got != c.next {
				t.Errorf("web-3 is %s", got)
			}
			if n := strings.Count(f.hosts["web-1"].Calls(), "health"); n != 1 {
				t.Errorf("web-1 was asked %d times", n)
			}
		})
	}
}

func unwell(s *simhost.State) {
	s.OnHealth = func(*simhost.Session) (string, error) { return "it hums", nil }
}

// A soak ends with the operator's patience.
func TestStopDuringSoak(t *testing.T) {
	f := newFleet(t, 2)
	f.waves([]schema.HostName{"web-1"}, []schema.HostName{"web-2"})
	f.plan.Index.Rollout.Waves[0].Soak = "1h"
	f.seal()
	stop := make(chan struct{})
	f.options.Stop = stop
	f.deps.Observe = func(e schema.Event) {
		if e.Kind == schema.WaveStage {
			close(stop)
		}
	}
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostChanged)
	wantHost(t, record, "web-2", schema.HostHeld, "stopped before its turn")
}

// As many hosts are asked at once as may be at work, and no more.
func TestAskingObeysTheLimit(t *testing.T) {
	f := newFleet(t, 5)
	f.plan.Index.Rollout.MaxParallel = 2
	f.plan.Index.Rollout.Waves[0].Soak = "1ms"
	f.checks(checkOf("app", schema.OnHost))
	asking := &crowd{expected: 2}
	for _, host := range f.hosts {
		host.Set(func(s *simhost.State) {
			s.OnHealth = func(*simhost.Session) (string, error) {
				asking.visit()
				return "", nil
			}
		})
	}
	if record := f.execute(); record.Verdict != schema.Done {
		t.Errorf("%+v", record)
	}
	if n := asking.most.Load(); n != 2 {
		t.Error(fmt.Sprint(n, " hosts were asked at once"))
	}
}
