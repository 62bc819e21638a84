package executor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

// gated has a gate asked, which answers as the function says.
func gated(t *testing.T, retries int, answer func(asked int, environment []string) error) *fleet {
	f := newFleet(t, 2)
	f.waves([]schema.HostName{"web-1"}, []schema.HostName{"web-2"})
	f.plan.Index.Rollout.Gate = &schema.Gate{Command: "is-calm", Interval: "1ms", Timeout: "50ms", Retries: retries}
	f.seal()
	asked := 0
	f.deps.Shell = func(ctx context.Context, line string, environment []string) ([]byte, error) {
		if line != "is-calm" || ctx.Err() != nil {
			t.Errorf("asked %q, %v", line, ctx.Err())
		}
		asked++
		return []byte("many errors\nof 5xx\n"), answer(asked, environment)
	}
	return f
}

func TestGateIsAskedBeforeAndAfterEachWave(t *testing.T) {
	var waves []string
	f := gated(t, 0, func(_ int, environment []string) error {
		i := slices.IndexFunc(environment, func(v string) bool { return strings.HasPrefix(v, "NIXFLEET_WAVE=") })
		waves = append(waves, environment[i])
		if !slices.Contains(environment, "NIXFLEET_FLEET=test") {
			t.Errorf("environment %q", environment)
		}
		return nil
	})
	if record := f.execute(); record.Verdict != schema.Done || record.Halted != "" {
		t.Errorf("%+v", record)
	}
	if got := strings.Join(waves, " "); got != "NIXFLEET_WAVE= NIXFLEET_WAVE=1 NIXFLEET_WAVE=2" {
		t.Errorf("asked %s", got)
	}
	waves = nil
	f.options.DryRun = true
	f.execute()
	if len(waves) > 0 {
		t.Error("a dry run asked the gate")
	}
}

// Who stops the rollout does not wait for a gate that hangs.
func TestStopDuringTheGate(t *testing.T) {
	stop := make(chan struct{})
	f := gated(t, 0, func(int, []string) error { return nil })
	f.plan.Index.Rollout.Gate.Timeout = "1h"
	f.seal()
	f.options.Stop = stop
	f.deps.Shell = func(ctx context.Context, _ string, _ []string) ([]byte, error) {
		close(stop)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Minute):
			t.Error("nobody ended the gate")
			return nil, errors.New("it took a minute")
		}
	}
	record := f.execute()
	if record.Verdict != schema.Halted || record.Halted != "the run was stopped before its turn" {
		t.Errorf("%s: %q", record.Verdict, record.Halted)
	}
	if story, err := Resumable(f.plan, f.deps.StateDir); err != nil || story.Left != 2 {
		t.Errorf("%+v, %v", story, err)
	}
}

func TestClosedGateHalts(t *testing.T) {
	for _, c := range []struct {
		closesAt, retries int
		outcomes          [2]schema.Outcome
		says              string
	}{
		{1, 0, [2]schema.Outcome{schema.HostHeld, schema.HostHeld}, "the gate is closed, asked once: exit status 1: of 5xx"},
		{2, 2, [2]schema.Outcome{schema.HostChanged, schema.HostHeld}, "the gate is closed, asked 3 times: exit status 1: of 5xx"},
		{3, 1, [2]schema.Outcome{schema.HostChanged, schema.HostChanged}, "the gate is closed, asked 2 times"},
	} {
		f := gated(t, c.retries, func(asked int, _ []string) error {
			if asked >= c.closesAt {
				return errors.New("exit status 1")
			}
			return nil
		})
		record := f.execute()
		if record.Verdict != schema.Halted || !strings.Contains(record.Halted, c.says) {
			t.Errorf("%s: %q", record.Verdict, record.Halted)
		}
		for i, name := range []schema.HostName{"web-1", "web-2"} {
			if got := record.Hosts[name]; got.Outcome != c.outcomes[i] || got.Outcome == schema.HostHeld && !strings.Contains(got.Error, c.says) {
				t.Errorf("closed at %d: %s is %+v", c.closesAt, name, got)
			}
		}
		i := slices.IndexFunc(f.events, func(e schema.Event) bool { return e.Kind == schema.RunHalted })
		if i < 0 || slices.ContainsFunc(f.events[i:], func(e schema.Event) bool { return e.Kind == schema.HostStarted }) {
			t.Errorf("closed at %d: no halt, or a start after it", c.closesAt)
		}
	}
}

// A gate that opens late is open, and one that does not answer is closed.
func TestGateIsPatient(t *testing.T) {
	f := gated(t, 3, func(asked int, _ []string) error {
		if asked < 4 {
			return errors.New("not yet")
		}
		return nil
	})
	if record := f.execute(); record.Verdict != schema.Done {
		t.Errorf("%+v", record)
	}
	f.deps.Shell = func(ctx context.Context, _ string, _ []string) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if record := f.execute(); !strings.Contains(record.Halted, "the gate is closed, asked 4 times: it has not answered after 50ms") {
		t.Errorf("%+v", record)
	}
}
