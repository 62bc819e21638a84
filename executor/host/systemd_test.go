package host

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nixfleet/nixfleet/executor/host/internal/unit/unittest"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/vm-tests/lab"
	"github.com/nixfleet/nixfleet/vm-tests/lab/labtest"
)

func TestFakeSystemd(t *testing.T) {
	root := t.TempDir()
	file := func(name string) string { return filepath.Join(root, schema.UnitDirectory, name) }
	if err := os.MkdirAll(filepath.Dir(file("x")), 0o755); err != nil {
		t.Fatal(err)
	}
	unittest.Test(t, unittest.World{
		Manager: newFakeSystemd(root),
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
		Run: "run", Fail: "fail", Hang: "hang",
	})
}

// TestSystemdOnHosts runs the same tests within hosts, on the real systemd.
func TestSystemdOnHosts(t *testing.T) {
	labtest.Require(t)
	program := filepath.Join(t.TempDir(), "unit.test")
	build := exec.Command("go", "test", "-c", "-o", program, "./internal/unit")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l := labtest.Start(t, lab.Options{Hosts: []lab.HostSpec{{Name: "old", Release: lab.Bookworm}, {Name: "new", Release: lab.Trixie}}})
	for _, h := range l.Hosts() {
		t.Run(h.Name, func(t *testing.T) {
			copyFile(t, program, h.Path("/root/unit.test"))
			out, err := h.Exec(context.Background(), "cd /root && NIXFLEET_TEST_ON_HOST=1 ./unit.test -test.run '^(TestSystemd|TestTransient|TestCommand)$'")
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
