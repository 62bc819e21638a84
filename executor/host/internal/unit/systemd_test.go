package unit_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// TestTransient starts services that are no files on the host it runs on.
func TestTransient(t *testing.T) {
	if os.Getenv("NIXFLEET_TEST_ON_HOST") == "" {
		t.Skip("runs on throwaway hosts only; see TestSystemdOnHosts")
	}
	systemd := &unit.Systemd{Address: unit.Socket, Runner: command.System{}}
	defer systemd.Close()
	ctx := context.Background()
	mark := filepath.Join(t.TempDir(), "rescued")
	rescue := filepath.Join(schema.UnitDirectory, "nixfleet-rescue.service")
	if err := os.WriteFile(rescue, []byte("[Service]\nType=oneshot\nExecStart=/usr/bin/touch "+mark+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(rescue)
	if err := systemd.DaemonReload(ctx); err != nil {
		t.Fatal(err)
	}
	service := unit.Transient{Name: "nixfleet-run-1.service", Description: "a test", Command: []string{"/bin/sleep", "infinity"}, OnFailure: "nixfleet-rescue.service", StopPatience: time.Minute}
	if err := systemd.StartTransient(ctx, service); err != nil {
		t.Fatal(err)
	}
	if err := systemd.StartTransient(ctx, service); err == nil || !strings.HasPrefix(err.Error(), "cannot start nixfleet-run-1.service: Unit nixfleet-run-1.service was already loaded") {
		t.Errorf("a second one of that name: %v", err)
	}
	if booting, err := systemd.Booting(ctx); err != nil || booting {
		t.Errorf("the host is still booting: %v, %v", booting, err)
	}
	if _, err := (command.System{}).Run(ctx, "systemctl", "kill", "--signal=KILL", "nixfleet-run-1.service"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(mark); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nobody came to the rescue")
		}
	}
	status, err := systemd.List(ctx, []schema.UnitName{"nixfleet-run-1.service"})
	if err != nil || status["nixfleet-run-1.service"].Load != "not-found" {
		t.Errorf("it was not forgotten: %+v, %v", status, err)
	}
	missing := service
	missing.Name, missing.Command = "nixfleet-run-2.service", []string{"/nonexistent"}
	if err := systemd.StartTransient(ctx, missing); err == nil {
		t.Error("a program that is not there was started")
	}
}

// TestCommand runs commands on the host it runs on, also where one of that name was left.
func TestCommand(t *testing.T) {
	if os.Getenv("NIXFLEET_TEST_ON_HOST") == "" {
		t.Skip("runs on throwaway hosts only; see TestSystemdOnHosts")
	}
	systemd := &unit.Systemd{Address: unit.Socket, Runner: command.System{}}
	defer systemd.Close()
	ctx := context.Background()
	for _, left := range []string{"", "true", "false", "sleep infinity"} {
		if left != "" {
			args := []string{"--unit=nixfleet-hook-r1-x.service", "--remain-after-exit", "--quiet"}
			if _, err := (command.System{}).Run(ctx, "systemd-run", append(args, strings.Fields(left)...)...); err != nil {
				t.Fatal(err)
			}
		}
		var output strings.Builder
		c := unit.Command{Name: "nixfleet-hook-r1-x.service", Description: "a test", Argv: []string{"/bin/sh", "-c", `echo "$NIXFLEET_X"; exit 3`},
			User: "root", Environment: []string{"NIXFLEET_X=a b\nc"}, Timeout: time.Minute}
		details, err := systemd.RunCommand(ctx, c, func(_ bool, data []byte) { output.Write(data) })
		if err != nil || details.ExitCode != 1 || details.ExitStatus != 3 || output.String() != "a b\nc\n" {
			t.Errorf("after %q: found %+v, %q, %v", left, details, output.String(), err)
		}
		status, err := systemd.List(ctx, []schema.UnitName{c.Name})
		if err != nil || status[c.Name].Load != "not-found" {
			t.Errorf("after %q: it was not forgotten: %+v, %v", left, status, err)
		}
	}
}
