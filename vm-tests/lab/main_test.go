package lab_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
	"github.com/nixfleet/nixfleet/vm-tests/lab/labtest"
)

// Some tests need an owner of a lab that dies. They start this test binary again in that role.
func TestMain(m *testing.M) {
	if role := os.Getenv("LAB_TEST_OWNER"); role != "" {
		os.Exit(own(role == "keep"))
	}
	// For the test of what Lab.Command inherits, and what not.
	for name, value := range map[string]string{"LAB_TEST": "inherited", "SSH_AUTH_SOCK": "/nonexistent"} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// own starts a lab, says its ID and, unless it is to be kept, waits to be killed.
func own(keep bool) int {
	l, err := lab.Start(context.Background(), lab.Options{
		Hosts: []lab.HostSpec{{Name: "orphan", DiskSize: 64 << 20}}, Keep: keep, Log: os.Stderr,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(l.ID)
	if !keep {
		time.Sleep(time.Hour)
	}
	return 0
}

// traces lists all that this machine has of a lab.
func traces(id string) []string {
	var found []string
	dir := filepath.Join(lab.DefaultCacheDir(), "labs", id)
	if _, err := os.Lstat(dir); err == nil {
		found = append(found, dir)
	}
	return append(found, liveTraces(id)...)
}

// liveTraces lists the processes, mounts, loop devices and cgroups of a lab.
func liveTraces(id string) []string {
	var found []string
	for _, pattern := range []string{"/sys/fs/cgroup/nixfleet-lab/" + id, "/sys/fs/cgroup/*/nixfleet-lab/" + id} {
		paths, _ := filepath.Glob(pattern)
		found = append(found, paths...)
	}
	for _, pattern := range []string{"/proc/[0-9]*/cmdline", "/proc/[0-9]*/cgroup", "/proc/[0-9]*/mountinfo", "/sys/block/loop*/loop/backing_file"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			text, _ := os.ReadFile(path)
			if bytes.Contains(text, []byte("/"+id)) || bytes.Contains(text, []byte("nixfleet-lab-"+id)) {
				found = append(found, path+": "+firstLineWith(string(text), id))
			}
		}
	}
	return found
}

func firstLineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// eventually calls f until it returns nothing or a minute has passed, and returns what it returned last.
func eventually(f func() []string) []string {
	deadline := time.Now().Add(time.Minute)
	for {
		left := f()
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// run runs a script on a host and returns its output without the last line break.
func run(t *testing.T, h *lab.Host, script string) string {
	t.Helper()
	out, err := h.Exec(t.Context(), script)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out, "\n")
}

func start(t *testing.T, specs ...lab.HostSpec) *lab.Lab {
	t.Helper()
	return labtest.Start(t, lab.Options{Hosts: specs})
}
