package executor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/executor/internal/sshtest"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// mayReboot lets all hosts reboot, of which all need it.
func (f *fleet) mayReboot(most int, windows ...string) {
	reboots := &schema.Reboots{MaxConcurrent: most}
	for _, wave := range f.plan.Index.Rollout.Waves {
		reboots.Waves = append(reboots.Waves, schema.RebootWave{Wave: wave.Name, Hosts: wave.Hosts, Windows: windows, Deadline: "1m", Stability: "1ms"})
	}
	f.plan.Index.Rollout.Reboots = reboots
	for _, host := range f.hosts {
		host.Set(func(s *simhost.State) { s.Needs = true })
	}
	f.deps.Dial = f.dial
	f.deps.patience.Retry, f.deps.patience.Slot = time.Millisecond, time.Millisecond
	f.seal()
}

// dial connects to hosts that are not down.
func (f *fleet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	for _, host := range f.hosts {
		if strings.HasSuffix(address, fmt.Sprint(":", host.Server.Port)) {
			if host.Refuses() {
				return nil, errors.New("connection refused")
			}
			host.Answers()
		}
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// limit bounds how many of some hosts may be down.
func (f *fleet) limit(group string, most int, hosts ...schema.HostName) {
	r := f.plan.Index.Rollout.Reboots
	r.Limits = append(r.Limits, schema.RebootLimit{Group: group, Hosts: hosts, MaxConcurrent: most})
	f.seal()
}

// at sets the clock that windows are read by.
func (f *fleet) at(clock string) func(string) {
	var mu sync.Mutex
	var now time.Time
	set := func(clock string) {
		t, err := time.Parse(time.DateTime, clock)
		if err != nil {
			f.t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		now = t
	}
	set(clock)
	f.deps.Clock = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	return set
}

// stages are those of the host's reboot, with its hooks.
func (f *fleet) stages(name schema.HostName) string {
	shown := []schema.Stage{
		schema.StageApply, schema.StageSlot, schema.StageWindow, schema.StageDrain, schema.StageReboot,
		schema.StageReturn, schema.StageSettle, schema.StageHealth,
	}
	var told []string
	for _, e := range f.events {
		switch {
		case e.Host != name:
		case e.Kind == schema.HostStage && e.Stage == schema.StageHook:
			told = append(told, e.Note)
		case e.Kind == schema.HostStage && slices.Contains(shown, e.Stage):
			told = append(told, string(e.Stage))
		case e.Kind == schema.HostNote && e.Reboot != nil:
			told = append(told, string(e.Reboot.State))
		}
	}
	return strings.Join(told, " ")
}

func wantReboot(t *testing.T, record *schema.Record, name schema.HostName, state schema.RebootOutcome, parts ...string) *schema.RebootRecord {
	t.Helper()
	got := record.Hosts[name].Reboot
	if got == nil {
		t.Fatalf("%s: no word of its reboot: %+v", name, record.Hosts[name])
	}
	if got.State != state {
		t.Errorf("%s: its reboot is %s instead of %s: %s", name, got.State, state, got.Error)
	}
	if len(parts) == 0 && got.Error != "" {
		t.Errorf("%s: %s", name, got.Error)
	}
	for _, part := range parts {
		if text := schema.InFull(schema.WithHint(errors.New(got.Error), "%s", got.Hint)); !strings.Contains(text, part) {
			t.Errorf("expected %q in: %s", part, text)
		}
	}
	return got
}

func wantVerdict(t *testing.T, record *schema.Record, verdict schema.Verdict) {
	t.Helper()
	if record.Verdict != verdict {
		t.Errorf("verdict %s instead of %s", record.Verdict, verdict)
	}
}

// A host that needs it reboots after its change and before its health checks, which
// are all asked then; one that needs none does not.
func TestRebootAfterTheChange(t *testing.T) {
	f := newFleet(t, 2)
	f.mayReboot(1)
	f.checks(checkOf("app", schema.OnHost), checkOf("web", schema.OnController))
	f.deps.Shell = func(context.Context, string, []string) ([]byte, error) { return nil, nil }
	f.hosts["web-1"].Set(func(s *simhost.State) { s.Away, s.Starting = 3, 2 })
	f.hosts["web-2"].Set(func(s *simhost.State) { s.Needs = false })
	record := f.execute()
	wantVerdict(t, record, schema.Done)
	wantHost(t, record, "web-1", schema.HostChanged)
	got := wantReboot(t, record, "web-1", schema.RebootDone)
	if got.Before != "b1" || got.After != "b2" || got.Because[0] != "kernel 2 is installed, 1 runs" || got.Seconds <= 0 {
		t.Errorf("%+v", got)
	}
	if got, want := f.stages("web-1"), "apply drain reboot return settle done health health"; got != want {
		t.Errorf("stages\n%s\ninstead of\n%s", got, want)
	}
	wantReboot(t, record, "web-2", schema.RebootNotNeeded)
	if got, want := f.stages("web-2"), "apply health"; got != want {
		t.Errorf("stages\n%s\ninstead of\n%s", got, want)
	}
	// Now there is nothing to do, and of that one session is enough.
	f.hosts["web-1"].Set(func(s *simhost.State) { s.Drifted = false })
	before := f.hosts["web-1"].Calls()
	wantReboot(t, f.execute(), "web-1", schema.RebootNotNeeded)
	if got := strings.TrimPrefix(f.hosts["web-1"].Calls(), before); got != " serve hello health reboot" {
		t.Errorf("asked %q", got)
	}
}

// Outside of its window a host keeps its change, and its reboot is held until then.
func TestRebootIsHeldForItsWindow(t *testing.T) {
	f := newFleet(t, 2)
	f.plan.Index.TimeZone = "Europe/Berlin"
	f.mayReboot(1, "Sun 02:00-04:00")
	f.hosts["web-2"].Set(func(s *simhost.State) { s.Needs = false })
	set := f.at("2026-11-23 12:00:00") // a Monday
	record := f.execute()
	wantVerdict(t, record, schema.Held)
	wantHost(t, record, "web-1", schema.HostChanged)
	got := wantReboot(t, record, "web-1", schema.RebootHeld, "no window is open; the next one opens on Sun 2026-11-29 02:00 CET")
	if got.Until == nil || !got.Until.Equal(time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC)) {
		t.Errorf("held until %v", got.Until)
	}
	if n := f.hosts["web-1"].Look().Boot; n != "b1" {
		t.Errorf("in boot %s", n)
	}
	wantReboot(t, record, "web-2", schema.RebootNotNeeded)

	set("2026-11-29 01:00:00")
	record = f.execute()
	wantVerdict(t, record, schema.Done)
	wantHost(t, record, "web-1", schema.HostUnchanged)
	wantReboot(t, record, "web-1", schema.RebootDone)
}

// A host that waits for its window holds up nobody, and reboots when it opens.
func TestRebootWaitsForItsWindow(t *testing.T) {
	f := newFleet(t, 3)
	f.mayReboot(3, "Sun 02:00-04:00")
	f.hosts["web-3"].Set(func(s *simhost.State) { s.Needs = false })
	f.options.Wait, f.options.Parallel = true, 1
	set := f.at("2026-11-23 12:00:00")
	observe := f.deps.Observe
	waiting := 0
	f.deps.Observe = func(e schema.Event) {
		observe(e)
		switch {
		case e.Kind == schema.HostStage && e.Stage == schema.StageWindow:
			waiting++
		case e.Kind == schema.HostFinished && e.Host == "web-3":
			if waiting != 2 {
				t.Errorf("%d hosts wait for their window", waiting)
			}
			set("2026-11-29 03:00:00")
		}
	}
	record := f.execute()
	wantVerdict(t, record, schema.Done)
	for _, name := range []schema.HostName{"web-1", "web-2"} {
		wantReboot(t, record, name, schema.RebootDone)
		if got, want := f.stages(name), "apply held window drain reboot return settle done"; got != want {
			t.Errorf("stages\n%s\ninstead of\n%s", got, want)
		}
	}
	for name := range f.hosts {
		n := 0
		for _, e := range f.events {
			if e.Host == name && (e.Kind == schema.HostStarted || e.Kind == schema.HostFinished) {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%s began and finished %d times", name, n)
		}
	}
}

// Who waits for a window is let go by whoever stops the run, or by a halt.
func TestStopWhileWaitingForAWindow(t *testing.T) {
	f := newFleet(t, 1)
	f.mayReboot(1, "Sun 02:00-04:00")
	f.options.Wait = true
	stop := make(chan struct{})
	f.options.Stop = stop
	f.at("2026-11-23 12:00:00")
	waits := f.upon(func(e schema.Event) bool { return e.Stage == schema.StageWindow })
	go func() { <-waits; close(stop) }()
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostChanged)
	wantReboot(t, record, "web-1", schema.RebootHeld, "no window is open", "the run was stopped")
}

// The window is asked again after the hooks before the reboot, and those after it put
// right what they did.
func TestWindowClosesDuringTheDrain(t *testing.T) {
	f := newFleet(t, 1)
	f.hooks(hookOf("drain", schema.BeforeReboot, schema.OnController), hookOf("join", schema.AfterReboot, schema.OnController))
	f.mayReboot(1, "Sun 02:00-04:00")
	set := f.at("2026-11-29 03:59:00")
	f.deps.Shell = func(_ context.Context, line string, _ []string) ([]byte, error) {
		if line == "do drain" {
			set("2026-11-29 04:00:00")
		}
		return nil, nil
	}
	record := f.execute()
	wantVerdict(t, record, schema.Held)
	wantReboot(t, record, "web-1", schema.RebootHeld, "no window is open; the next one opens on Sun 2026-12-06 02:00 UTC")
	if got, want := f.stages("web-1"), "apply drain drain join held"; got != want {
		t.Errorf("stages\n%s\ninstead of\n%s", got, want)
	}
}

// A host that is not back in time is in doubt, and the rollout halts at once.
func TestHostNeverReturns(t *testing.T) {
	for name, c := range map[string]struct {
		trouble func(*simhost.Host)
		says    string
	}{
		"gone": {func(h *simhost.Host) { h.Set(func(s *simhost.State) { s.Away = -1 }) }, "connection refused"},
		"another key": {func(h *simhost.Host) {
			other := sshtest.NewKey(t)
			h.Set(func(s *simhost.State) {
				s.OnReturn = func(h *simhost.Host) {
					h.Server.Set(func(s *sshtest.Settings) { s.HostKeys = []ssh.Signer{other} })
				}
			})
		}, "the host key of web-1 (127.0.0.1:"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, 3)
			f.waves([]schema.HostName{"web-1", "web-2"}, []schema.HostName{"web-3"})
			f.mayReboot(1)
			f.plan.Index.Rollout.Reboots.Waves[0].Deadline = "300ms"
			budget := 2
			f.plan.Index.Rollout.Waves[0].FailureBudget = &budget
			f.seal()
			c.trouble(f.hosts["web-1"])
			goes := f.upon(func(e schema.Event) bool { return e.Host == "web-1" && e.Stage == schema.StageDrain })
			f.hosts["web-2"].Set(func(s *simhost.State) { s.OnApply = func(*simhost.Transaction) error { <-goes; return nil } })
			record := f.execute()
			wantVerdict(t, record, schema.Halted)
			wantHost(t, record, "web-1", schema.HostUnknown, "web-1 has not come back within 300ms after its reboot; last seen ", " in boot b1; since then: ", c.says, "hint: look at its console")
			wantReboot(t, record, "web-1", schema.RebootFailed, c.says)
			wantHost(t, record, "web-2", schema.HostChanged)
			wantReboot(t, record, "web-2", schema.RebootHeld, "web-1 has not come back from its reboot")
			wantHost(t, record, "web-3", schema.HostHeld, "web-1 has not come back from its reboot")
		})
	}
}

// One that never goes down is in doubt as well, and nobody is sent to its console.
func TestHostNeverGoesDown(t *testing.T) {
	f := newFleet(t, 2)
	f.waves([]schema.HostName{"web-1"}, []schema.HostName{"web-2"})
	f.mayReboot(1)
	f.plan.Index.Rollout.Reboots.Waves[0].Deadline = "1s"
	f.seal()
	f.hosts["web-1"].Set(func(s *simhost.State) {
		s.OnReboot = func(s *simhost.Session) error { return simhost.ErrDie }
	})
	record := f.execute()
	wantVerdict(t, record, schema.Halted)
	wantHost(t, record, "web-1", schema.HostUnknown, "web-1 has not gone down within 1s after it was asked to reboot; it answered at ", "still in boot b1", "systemctl list-jobs")
	wantHost(t, record, "web-2", schema.HostHeld, "web-1 has not gone down for its reboot")
}

// What goes wrong otherwise leaves the host unhealthy, and it is told what.
func TestRebootGoesWrong(t *testing.T) {
	for name, c := range map[string]struct {
		trouble func(*simhost.State)
		state   schema.RebootOutcome
		says    string
	}{
		"failed unit": {func(s *simhost.State) {
			s.Failed = []schema.UnitName{"old.service"}
			s.OnReturn = func(h *simhost.Host) {
				h.Set(func(s *simhost.State) { s.Failed = []schema.UnitName{"new.service", "old.service"} })
			}
		}, schema.RebootFailed, "these failed that had not before: new.service\nhint: on the host: systemctl status new.service"},
		"old failed unit": {func(s *simhost.State) { s.Failed = []schema.UnitName{"old.service"} }, schema.RebootDone, ""},
		"boots twice": {func(s *simhost.State) {
			s.OnReturn = func(h *simhost.Host) {
				h.Set(func(s *simhost.State) { s.OnReturn, s.Starting = nil, 1<<30 })
				go bootAgain(h)
			}
		}, schema.RebootFailed, "it has rebooted once more by itself, from boot b2 to b9"},
		"refuses": {func(s *simhost.State) {
			s.OnReboot = func(*simhost.Session) error {
				return &protocol.Error{Kind: protocol.KindRefused, Message: "the host must not go down now, says apt"}
			}
		}, schema.RebootHeld, "must not go down now, says apt"},
		"reply is lost": {func(s *simhost.State) { s.OnReboot = func(*simhost.Session) error { return simhost.ErrCut } }, schema.RebootDone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, 1)
			f.mayReboot(1)
			f.only().Set(c.trouble)
			record := f.execute()
			var says []string
			if c.says != "" {
				says = []string{c.says}
			}
			wantReboot(t, record, "web-1", c.state, says...)
			switch c.state {
			case schema.RebootFailed:
				wantHost(t, record, "web-1", schema.HostUnhealthy, "its reboot failed: ", c.says)
				wantVerdict(t, record, schema.Failed)
			case schema.RebootHeld:
				wantHost(t, record, "web-1", schema.HostChanged)
				wantVerdict(t, record, schema.Held)
			default:
				wantHost(t, record, "web-1", schema.HostChanged)
				wantVerdict(t, record, schema.Done)
			}
		})
	}
}

// bootAgain lets a host that settles be in another boot.
func bootAgain(h *simhost.Host) {
	for strings.Count(h.Calls(), "reboot") < 6 {
		time.Sleep(time.Millisecond)
	}
	h.Set(func(s *simhost.State) { s.Boot, s.Starting = "b9", 0 })
}
