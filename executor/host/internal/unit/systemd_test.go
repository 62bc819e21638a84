package unit_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/executor/host/internal/command"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit/unittest"
	"github.com/nixfleet/nixfleet/schema"
)

// TestSystemd changes the units of the host it runs on. TestSystemdOnHosts in
// executor/host runs it on throwaway hosts.
func TestSystemd(t *testing.T) {
	if os.Getenv("NIXFLEET_TEST_ON_HOST") == "" {
		t.Skip("runs on throwaway hosts only; see TestSystemdOnHosts")
	}
	systemd := &unit.Systemd{Address: unit.Socket, Runner: command.System{}}
	defer systemd.Close()
	file := func(name string) string { return filepath.Join(schema.UnitDirectory, name) }
	unittest.Test(t, unittest.World{
		Manager: systemd,
		Write: func(t *testing.T, name, text string) {
			if err := os.WriteFile(file(name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		},
		Remove: func(t *testing.T, name string) {
			if err := os.Remove(file(name)); err != nil {
				t.Fatal(err)
			}
		},
		Mask: func(t *testing.T, name string) {
			if err := os.Symlink("/dev/null", file(name)); err != nil {
				t.Fatal(err)
			}
		},
		Run: "/bin/sleep infinity", Fail: "/bin/false", Hang: "/bin/sleep infinity",
	})
}

func TestNoSystemd(t *testing.T) {
	systemd := &unit.Systemd{Address: t.TempDir() + "/none", Runner: command.System{}}
	_, err := systemd.List(context.Background(), []schema.UnitName{"a.service"})
	if err == nil || !strings.HasPrefix(err.Error(), "cannot reach systemd at /") {
		t.Errorf("found %v", err)
	}
	if _, err := systemd.Run(context.Background(), []unit.Job{{Unit: "a.service", Verb: unit.Start}}); err == nil {
		t.Error("expected an error")
	}
	if err := systemd.Close(); err != nil {
		t.Error(err)
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		active, sub      string
		runs, restarting bool
	}{
		{"active", "running", true, false},
		{"activating", "start-pre", true, false},
		{"activating", "auto-restart", false, true},
		{"activating", "auto-restart-queued", false, true},
		{"reloading", "reload", true, false},
		{"deactivating", "stop-sigterm", false, false},
		{"failed", "failed", false, false},
		{"inactive", "dead", false, false},
	} {
		status := unit.Status{Active: c.active, Sub: c.sub}
		if status.Runs() != c.runs || status.Restarting() != c.restarting {
			t.Errorf("%+v: runs %v, restarting %v", status, status.Runs(), status.Restarting())
		}
	}
}
