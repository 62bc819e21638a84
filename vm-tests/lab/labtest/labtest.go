// Package labtest starts labs for tests and says in one place when a test may do without.
package labtest

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
)

// Require lets the test go on only where a lab can run. Where CI=true or NIXFLEET_LAB=required anything else is a failure;
// elsewhere the test is skipped, with the reason.
func Require(t testing.TB) {
	t.Helper()
	judge(t, lab.Ready(), os.Getenv)
}

func judge(t testing.TB, ready error, getenv func(string) string) {
	t.Helper()
	switch {
	case ready == nil:
	case getenv("CI") == "true", getenv("NIXFLEET_LAB") == "required":
		t.Fatalf("this test needs a lab: %v", ready)
	default:
		t.Skipf("this test needs a lab: %v", ready)
	}
}

// Start boots hosts for one test, which ends with the lab closed and nothing left of it. A failed test shows what one
// would look at next: the warnings in each host's journal.
func Start(t testing.TB, options lab.Options) *lab.Lab {
	t.Helper()
	Require(t)
	if options.Log == nil {
		options.Log = logWriter{t}
	}
	// Ends before go test's own timeout kills the process, so that the reason is told.
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	l, err := lab.Start(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, h := range l.Hosts() {
				t.Log(Journal(h))
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Hosts returns specs of plain hosts with these names.
func Hosts(names ...string) []lab.HostSpec {
	var specs []lab.HostSpec
	for _, name := range names {
		specs = append(specs, lab.HostSpec{Name: name})
	}
	return specs
}

// Journal returns what went wrong on a host lately, for reading.
func Journal(h *lab.Host) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	text, err := h.Exec(ctx, "systemctl --failed --no-pager --no-legend; journalctl --no-pager --priority=notice --lines=40")
	if err != nil {
		text += err.Error()
	}
	return "host " + h.Name + ":\n" + text
}

// logWriter hands lines to a test's log.
type logWriter struct{ t testing.TB }

func (w logWriter) Write(line []byte) (int, error) {
	w.t.Helper()
	w.t.Log(string(bytes.TrimRight(line, "\n")))
	return len(line), nil
}
