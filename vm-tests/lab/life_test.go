package lab_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
	"github.com/nixfleet/nixfleet/vm-tests/lab/labtest"
)

// TestSideBySide runs two labs with the same names and addresses; they do not meet, and one outlives the other.
func TestSideBySide(t *testing.T) {
	labtest.Require(t)
	t.Parallel()
	one, other := start(t, labtest.Hosts("web-1")...), start(t, labtest.Hosts("web-1")...)
	a, b := one.Host("web-1"), other.Host("web-1")
	if a.Addr != b.Addr || a.HostKey == b.HostKey || one.ID == other.ID {
		t.Errorf("labs %s and %s: addresses %s and %s, keys %s and %s", one.ID, other.ID, a.Addr, b.Addr, a.HostKey, b.HostKey)
	}
	run(t, a, "echo one >/var/lib/mark")
	run(t, b, "echo other >/var/lib/mark")
	if got := overSSH(t, one, a, "cat /var/lib/mark") + overSSH(t, other, b, "cat /var/lib/mark"); got != "one\nother\n" {
		t.Errorf("the two hosts say %q", got)
	}
	if left := traces(one.ID); len(left) == 0 {
		t.Error("a lab that is up leaves no traces: this test cannot see any")
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	if left := traces(one.ID); len(left) > 0 {
		t.Errorf("after Close there is\n%s", strings.Join(left, "\n"))
	}
	if got := overSSH(t, other, b, "cat /var/lib/mark"); got != "other\n" {
		t.Errorf("the other lab says %q", got)
	}
	if _, err := lab.Start(t.Context(), lab.Options{ID: other.ID, Hosts: labtest.Hosts("x")}); err == nil || !strings.Contains(err.Error(), "it is up already") {
		t.Errorf("a second lab of one name: %v", err)
	}
}

// TestKilledOwner kills the owner of a lab. The lab ends by itself, and the next one removes its directory.
func TestKilledOwner(t *testing.T) {
	labtest.Require(t)
	t.Parallel()
	owner, id := startOwner(t, "die")
	if left := liveTraces(id); len(left) == 0 {
		t.Fatal("a lab that is up leaves no traces: this test cannot see any")
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	var log strings.Builder
	l, err := lab.Start(t.Context(), lab.Options{Hosts: labtest.Hosts("next"), Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	// Another test's Start may have been the next one.
	if left := eventually(func() []string { return traces(id) }); len(left) > 0 {
		t.Errorf("after the next Start there is\n%s\nits log:\n%s", strings.Join(left, "\n"), log.String())
	}
}

// TestKeep leaves a lab running, uses it from another process and ends it from there.
func TestKeep(t *testing.T) {
	labtest.Require(t)
	t.Parallel()
	owner, id := startOwner(t, "keep")
	if err := owner.Wait(); err != nil {
		t.Fatal(err)
	}
	infos, err := lab.List("", nil)
	if err != nil {
		t.Fatal(err)
	}
	listed := false
	for _, info := range infos {
		listed = listed || info.ID == id && info.Keep && strings.Join(info.Hosts, " ") == "orphan"
	}
	if !listed {
		t.Errorf("lab %s is not in %+v", id, infos)
	}
	l, err := lab.Open("", id, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := l.Host("orphan")
	if got := overSSH(t, l, h, "hostname"); got != "orphan\n" {
		t.Errorf("ssh says %q", got)
	}
	for _, do := range []func(context.Context) error{h.Reboot, h.PowerCut} {
		if err := do(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if left := traces(id); len(left) > 0 {
		t.Errorf("after Close there is\n%s", strings.Join(left, "\n"))
	}
	if _, err := lab.Open("", id, nil); err == nil || !strings.Contains(err.Error(), "no such lab is up") {
		t.Errorf("opening it again: %v", err)
	}
}

// startOwner runs this binary as the owner of a lab and returns when that is up.
func startOwner(t *testing.T, role string) (*exec.Cmd, string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "LAB_TEST_OWNER="+role)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	id, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the owner of a lab does not start it: %v", err)
	}
	return cmd, strings.TrimSpace(id)
}

// TestCancelledStart gives up in the middle and leaves nothing.
func TestCancelledStart(t *testing.T) {
	labtest.Require(t)
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	log := cancelOn{"booting", cancel}
	l, err := lab.Start(ctx, lab.Options{ID: "cancelled-start", Hosts: labtest.Hosts("a", "b"), Log: log})
	if err == nil {
		_ = l.Close()
		t.Fatal("a cancelled Start succeeds")
	}
	if !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("a cancelled Start says %v", err)
	}
	if left := traces("cancelled-start"); len(left) > 0 {
		t.Errorf("after a cancelled Start there is\n%s", strings.Join(left, "\n"))
	}
}

// cancelOn is a log that cancels at the line with that word.
type cancelOn struct {
	word   string
	cancel context.CancelFunc
}

func (c cancelOn) Write(line []byte) (int, error) {
	if strings.Contains(string(line), c.word) {
		c.cancel()
	}
	return len(line), nil
}

func TestRefusedHosts(t *testing.T) {
	for want, specs := range map[string][]lab.HostSpec{
		"a lab of no hosts":       nil,
		"two hosts with one name": labtest.Hosts("a", "a"),
		"lower case letters":      labtest.Hosts("Web 1"),
		`unknown release "sid"`:   {{Name: "a", Release: "sid"}},
		`unknown sudo rule "x"`:   {{Name: "a", Sudo: "x"}},
		"64 MiB is the least":     {{Name: "a", DiskSize: 1000}},
	} {
		if _, err := lab.Start(t.Context(), lab.Options{Hosts: specs}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
