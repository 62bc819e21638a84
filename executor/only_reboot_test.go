package executor

import (
	"context"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/schema"
)

func (f *fleet) onlyReboot(options RebootOptions) *schema.Record {
	f.t.Helper()
	f.events = nil
	options.Operator = "alice@desk"
	record, err := Reboot(context.Background(), f.plan, options, f.deps)
	if err != nil {
		f.t.Fatal(err)
	}
	return record
}

// Reboots alone: of hosts that need one, with hooks and health checks, and nothing else.
func TestOnlyReboot(t *testing.T) {
	f := newFleet(t, 6)
	f.hooks(hookOf("leave", schema.BeforeActivation, schema.OnHost), hookOf("drain", schema.BeforeReboot, schema.OnHost), hookOf("join", schema.AfterReboot, schema.OnHost))
	ran := f.ran()
	f.checks(checkOf("app", schema.OnHost))
	digest, _ := f.manifest()
	f.mayReboot(1)
	waves := f.plan.Index.Rollout.Reboots.Waves
	waves[0].Hosts = []schema.HostName{"web-1", "web-2", "web-4", "web-5"}
	f.seal()
	for name, host := range f.hosts {
		host.Set(func(s *simhost.State) {
			s.Applied, s.Generation, s.Drifted = digest, 3, true
			switch name {
			case "web-2", "web-6":
				s.Needs = false
			case "web-4":
				s.Applied = schema.DigestOf([]byte("another"))
			case "web-5":
				s.Applied = ""
			}
		})
	}
	record := f.onlyReboot(RebootOptions{})
	wantReboot(t, record, "web-1", schema.RebootDone)
	wantReboot(t, record, "web-2", schema.RebootNotNeeded)
	wantReboot(t, record, "web-3", schema.RebootHeld, "the plan does not let it reboot (reboot.auto)")
	wantReboot(t, record, "web-6", schema.RebootNotNeeded)
	wantHost(t, record, "web-4", schema.HostRefused, "another manifest is applied to web-4 than this plan's: expected "+digest.Short(), "hint: hooks and health checks of a reboot are the plan's")
	wantHost(t, record, "web-5", schema.HostRefused, "nothing is applied to web-5")
	if record.Task != "reboot" || record.Digest != f.plan.Digest {
		t.Errorf("%+v", record)
	}
	if got := ran(); got != "drain join" {
		t.Errorf("ran %q", got)
	}
	if got, want := f.hosts["web-1"].Calls(), "health"; !strings.HasSuffix(got, want) || strings.Contains(got, "begin") || strings.Contains(got, "prepare") {
		t.Errorf("asked %q", got)
	}
	if got := f.hosts["web-2"].Calls(); got != "serve hello reboot" {
		t.Errorf("asked %q of a host that needs nothing", got)
	}
	for name, host := range f.hosts {
		if !host.Look().Drifted {
			t.Errorf("%s was changed", name)
		}
	}
}

// Also hosts that need none, where somebody says so; windows hold for them all the same.
func TestForcedReboot(t *testing.T) {
	f := newFleet(t, 1)
	f.mayReboot(1, "Sun 02:00-04:00")
	f.plan.Index.Rollout.Waves[0].Soak = "1h" // of a wave in which nothing happens there is none
	f.seal()
	digest, _ := f.manifest()
	f.only().Set(func(s *simhost.State) { s.Applied, s.Needs = digest, false })
	set := f.at("2026-11-23 12:00:00")
	wantReboot(t, f.onlyReboot(RebootOptions{}), "web-1", schema.RebootNotNeeded)
	record := f.onlyReboot(RebootOptions{Force: true})
	wantReboot(t, record, "web-1", schema.RebootHeld, "no window is open")
	wantVerdict(t, record, schema.Held)

	set("2026-11-29 03:00:00")
	f.plan.Index.Rollout.Waves[0].Soak = ""
	f.seal()
	record = f.onlyReboot(RebootOptions{Force: true})
	wantVerdict(t, record, schema.Done)
	if got := wantReboot(t, record, "web-1", schema.RebootDone); got.Because[0] != "asked for" {
		t.Errorf("%+v", got)
	}
}
