package recovery

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// systemd knows the unit as it was at the last reload.
type systemd struct {
	unit.Manager
	root    string
	known   string
	reloads int
}

func (s *systemd) text() string {
	text, _ := os.ReadFile(filepath.Join(s.root, file))
	return string(text)
}

func (s *systemd) List(_ context.Context, names []schema.UnitName) (map[schema.UnitName]unit.Status, error) {
	if s.known == "" {
		return map[schema.UnitName]unit.Status{names[0]: {Load: "not-found"}}, nil
	}
	return map[schema.UnitName]unit.Status{names[0]: {Load: "loaded"}}, nil
}

func (s *systemd) Unread(_ context.Context, names []schema.UnitName) ([]schema.UnitName, error) {
	if s.known != s.text() {
		return names, nil
	}
	return nil, nil
}

func (s *systemd) DaemonReload(context.Context) error {
	s.reloads++
	s.known = s.text()
	return nil
}

func TestTheUnitIsMadeOnceAndChecked(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("makes files of root")
	}
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, schema.UnitDirectory), 0o755); err != nil {
		t.Fatal(err)
	}
	files, err := rooted.Open(root, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	s := &systemd{root: root}
	host := Host{Files: files, Units: s}
	ensure := func(wantReloads int) {
		t.Helper()
		if err := Ensure(context.Background(), host); err != nil {
			t.Fatal(err)
		}
		if target, err := os.Readlink(filepath.Join(root, link)); err != nil || target != file {
			t.Errorf("it is linked to %q, %v", target, err)
		}
		if found := s.text(); found != text || s.known != text {
			t.Errorf("found %q, and systemd %q", found, s.known)
		}
		if info, err := os.Stat(filepath.Join(root, file)); err != nil || info.Mode() != 0o644 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		if s.reloads != wantReloads {
			t.Errorf("systemd read its units %d times instead of %d", s.reloads, wantReloads)
		}
		if _, err := os.Stat(filepath.Join(root, "/etc/.nixfleet")); err == nil {
			t.Error("the staging directory is left")
		}
	}
	ensure(1)
	ensure(1) // nothing to do

	if err := os.WriteFile(filepath.Join(root, file), []byte("[Service]\nExecStart=/bin/evil\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ensure(2)
	if err := os.Remove(filepath.Join(root, link)); err != nil {
		t.Fatal(err)
	}
	ensure(3)
	if err := os.Chmod(filepath.Join(root, file), 0o666); err != nil {
		t.Fatal(err)
	}
	ensure(4)
	s.known = "what it was before somebody edited it"
	ensure(5)

	if err := Remove(context.Background(), host); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(root, schema.UnitDirectory, "*")); len(left) > 0 || s.reloads != 6 {
		t.Errorf("left is %v, after %d reloads", left, s.reloads)
	}
	if err := Remove(context.Background(), host); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

// TestTheUnitIsCheap holds on to what a boot after no interruption relies on.
func TestTheUnitIsCheap(t *testing.T) {
	for _, line := range []string{
		"ConditionPathExists=/var/lib/nixfleet/unfinished", "DefaultDependencies=no", "Before=sysinit.target", "ExecStart=/var/lib/nixfleet/bin/nixfleet-host recover", "IgnoreOnIsolate=yes",
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("it does not say %q", line)
		}
	}
}
