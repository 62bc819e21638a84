package host

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/executor/internal/closuretest"
	"github.com/nixfleet/nixfleet/executor/internal/sshtest"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// A rollback and a release, the executor's side and the host's, over SSH and with
// confirmation: neither needs more than the way to the host.
func TestGoingBackOverSSH(t *testing.T) {
	needRoot(t)
	w, closure := newReleaseWorld(t), closuretest.New(t)
	closure.Add(t, "host-closure", map[string]string{"share/motd": "hello\n"})
	w.write(protocol.HelperPath, "the helper", 0o755)
	w.deps.Idle = 10 * time.Second
	w.deps.Start = func(ctx context.Context, id string) error {
		go func() { _ = Run(context.WithoutCancel(ctx), w.deps, id) }() // its verdict tells
		return nil
	}
	server := w.overSSH(closure)
	w.missHelper(server)
	confirmed := func(i intent) *schema.Plan {
		i.closure = closure.Entries
		i.change = func(m *schema.Manifest) { m.Activation.ConfirmWindow = "20s" }
		return w.planOver(server, i.plan(t))
	}
	first, second := confirmed(edition(1)), confirmed(edition(2))
	deps := w.executorOver(t, server)
	var notes []string
	deps.Observe = func(e schema.Event) {
		if e.Kind == schema.HostNote {
			notes = append(notes, e.Note)
		}
	}
	execute := executor.Options{Operator: "alice@desk", Closures: closure.Cache(t, "none")}
	w.carryOut(first, execute, deps, schema.HostChanged)
	w.carryOut(second, execute, deps, schema.HostChanged)

	hosts, options := first.Index.Hosts, executor.BackOptions{Operator: "alice@desk", Fleet: "shop"}
	back := func(record *schema.Record, err error, want schema.Outcome) schema.HostRecord {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if host := record.Hosts["web-1"]; host.Outcome != want {
			t.Fatalf("expected %s, found %+v", want, host)
		}
		return record.Hosts["web-1"]
	}
	var seen executor.Seen
	report := func(s executor.Seen) { seen = s }
	if err := executor.ForeseeRollback(t.Context(), hosts, "previous", executor.LookOptions{}, deps, report); err != nil || seen.Back == nil || seen.Back.Generation.Generation != 1 {
		t.Fatalf("foreseen: %+v, %v", seen, err)
	}
	record, err := executor.Rollback(t.Context(), hosts, "previous", options, deps)
	if done := back(record, err, schema.HostChanged); done.Generation != 3 || record.Task != "rollback to previous" || record.Digest != "" || record.Fleet != "shop" {
		t.Errorf("found %+v", record)
	}
	record, err = executor.Rollback(t.Context(), hosts, "1", options, deps)
	back(record, err, schema.HostUnchanged)
	record, err = executor.Rollback(t.Context(), hosts, "77", options, deps)
	if refused := back(record, err, schema.HostRefused); !strings.HasPrefix(refused.Error, "the host does not keep the generation 77; it keeps 1, 2, 3 (in effect)") {
		t.Errorf("found %s", refused.Error)
	}
	w.carryOut(first, execute, deps, schema.HostUnchanged)

	if err := executor.History(t.Context(), hosts, 1, executor.LookOptions{}, deps, report); err != nil || len(seen.History.Entries) != 1 || seen.History.Entries[0].Kind != "rollback" {
		t.Fatalf("history: %+v, %v", seen, err)
	}
	cut := w.cutWhenLeft(server)
	record, err = executor.Release(t.Context(), hosts, options, deps)
	if back(record, err, schema.HostChanged); !cut.Load() {
		t.Error("the reply to the leave was not lost")
	}
	if w.exists("/var/lib/nixfleet") || w.exists("/etc/web") {
		t.Errorf("left: %v", w.names("/var/lib/nixfleet"))
	}
	record, err = executor.Release(t.Context(), hosts, options, deps)
	back(record, err, schema.HostUnchanged)
	if err := executor.History(t.Context(), hosts, 1, executor.LookOptions{}, deps, report); err != nil || seen.Err == nil || !strings.Contains(seen.Err.Error(), "there is no helper on web-1") {
		t.Errorf("history of a released host: %v, %v", seen.Err, err)
	}
	record, err = executor.Rollback(t.Context(), hosts, "previous", options, deps)
	back(record, err, schema.HostRefused)
	w.write("/var/lib/nixfleet/lost", "", 0o644)
	record, err = executor.Release(t.Context(), hosts, options, deps)
	if refused := back(record, err, schema.HostRefused); !strings.HasPrefix(refused.Error, "there is no helper on web-1, and still a directory /var/lib/nixfleet") {
		t.Errorf("found %s", refused.Error)
	}
	t.Logf("notes: %q", notes)
}

// missHelper lets the server find the helper only where it is.
func (w *world) missHelper(server *sshtest.Server) {
	server.Set(func(s *sshtest.Settings) {
		serve := s.Run
		s.Run = func(c *sshtest.Command) int {
			switch {
			case c.Line == "ls -d /var/lib/nixfleet" && w.exists("/var/lib/nixfleet"):
				return 0
			case c.Line == "ls -d /var/lib/nixfleet":
				fmt.Fprintln(c.Stderr, "ls: cannot access '/var/lib/nixfleet': No such file or directory")
				return 2
			case !w.exists(protocol.HelperPath):
				fmt.Fprintf(c.Stderr, "sudo: %s: command not found\n", protocol.HelperPath)
				return 1
			}
			return serve(c)
		}
	})
}

// cutWhenLeft loses the reply of the helper that has removed itself.
func (w *world) cutWhenLeft(server *sshtest.Server) *atomic.Bool {
	cut := new(atomic.Bool)
	server.Set(func(s *sshtest.Settings) {
		serve := s.Run
		s.Run = func(c *sshtest.Command) int {
			there, out := w.exists(protocol.HelperPath), c.Stdout
			c.Stdout = writer(func(p []byte) (int, error) {
				if there && !w.exists(protocol.HelperPath) {
					cut.Store(true)
					c.Cut()
					return 0, io.ErrClosedPipe
				}
				return out.Write(p)
			})
			return serve(c)
		}
	})
	return cut
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
