package lab_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
	"github.com/nixfleet/nixfleet/vm-tests/lab/labtest"
)

// checkNetwork pulls the cable and makes it long.
func checkNetwork(t *testing.T, l *lab.Lab, h *lab.Host) {
	dial := func(patience time.Duration) (time.Duration, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		began := time.Now()
		conn, err := l.Dial(ctx, "tcp", h.Addr+":22")
		if err == nil {
			_ = conn.Close()
		}
		return time.Since(began), err
	}
	client := dialSSH(t, l, h)
	if err := h.LinkDown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(500 * time.Millisecond); err == nil {
		t.Error("a host answers without a link")
	}
	if err := h.LinkUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(time.Minute); err != nil {
		t.Errorf("a host with a link again: %v", err)
	}
	session, err := client.NewSession()
	if err != nil {
		t.Fatalf("a connection from before: %v", err)
	}
	if out, err := session.Output("hostname"); err != nil || string(out) != h.Name+"\n" {
		t.Errorf("a connection from before says %q, %v", out, err)
	}

	if err := h.Delay(t.Context(), 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if took, err := dial(time.Minute); err != nil || took < 100*time.Millisecond {
		t.Errorf("with 100 ms of delay a connection took %v, %v", took, err)
	}
	if sum := transfer(t, dialSSH(t, l, h)); sum != "10000000" {
		t.Errorf("of 10 MB over a long link arrived %s", sum)
	}
	// Long enough that no busy machine is mistaken for it.
	if err := h.Delay(t.Context(), 3*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := h.Delay(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if took, err := dial(time.Minute); err != nil || took >= 3*time.Second {
		t.Errorf("without delay a connection took %v, %v", took, err)
	}
}

// transfer sends 10 MB over a connection and returns how many bytes the host says it got.
func transfer(t *testing.T, client *ssh.Client) string {
	t.Helper()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	session.Stdin = bytes.NewReader(make([]byte, 10_000_000))
	out, err := session.Output("wc -c")
	if err != nil {
		t.Error(err)
	}
	return strings.TrimSpace(string(out))
}

// checkPower reboots a host, cuts its power, and switches it off and on.
func checkPower(t *testing.T, l *lab.Lab, h *lab.Host) {
	run(t, h, "echo kept >/var/lib/kept; echo gone >/run/gone")
	boots := map[string]bool{}
	note := func(after string) {
		id, err := h.BootID()
		if err != nil {
			t.Fatalf("after %s: %v", after, err)
		}
		if boots[id] {
			t.Errorf("after %s the host is in an old boot", after)
		}
		boots[id] = true
		if got := run(t, h, "cat /var/lib/kept; test ! -e /run/gone || cat /run/gone; systemctl is-system-running"); len(boots) > 1 && got != "kept\nrunning" {
			t.Errorf("after %s the host says %q", after, got)
		}
		if out := overSSH(t, l, h, "hostname"); out != h.Name+"\n" {
			t.Errorf("after %s ssh says %q", after, out)
		}
	}
	note("the first boot")
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{{"a reboot", h.Reboot}, {"a power cut", h.PowerCut}, {"a second reboot", h.Reboot}} {
		if err := step.do(t.Context()); err != nil {
			t.Fatal(err)
		}
		note(step.name)
	}
	if err := h.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "it is on") {
		t.Errorf("starting a host that is on: %v", err)
	}
	if err := h.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Exec(t.Context(), "true"); err == nil || !strings.Contains(err.Error(), `host "db-1" is off`) {
		t.Errorf("running something on a host that is off: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := l.Dial(ctx, "tcp", h.Addr+":22"); !os.IsTimeout(err) {
		t.Errorf("connecting to a host that is off: %v", err)
	}
	for _, do := range []func(context.Context) error{h.LinkDown, h.LinkUp, h.Start} {
		if err := do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	note("a stop")
}

// TestDisk fills a disk of its own and loses what was not synced in a power cut.
func TestDisk(t *testing.T) {
	labtest.Require(t)
	t.Parallel()
	l := start(t, lab.HostSpec{Name: "small", DiskSize: 100 << 20}, lab.HostSpec{Name: "shared"})
	h := l.Host("small")

	if err := h.FillDisk(1 << 20); err != nil {
		t.Fatal(err)
	}
	if free, err := h.DiskFree(); err != nil || free > 1<<20 || free < 1<<19 {
		t.Errorf("1 MiB was to be left, %d bytes are: %v", free, err)
	}
	if got := run(t, h, "head -c 2000000 /dev/zero 2>&1 >/var/lib/big && echo written || :; rm /var/lib/big"); !strings.Contains(got, "No space left on device") {
		t.Errorf("writing more than fits: %q", got)
	}
	if err := h.FillDisk(0); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Exec(t.Context(), "head -c 100000 /dev/zero >/var/lib/big"); err == nil {
		t.Error("a full disk takes more")
	}
	if err := h.FreeDisk(); err != nil {
		t.Fatal(err)
	}
	run(t, h, "head -c 2000000 /dev/zero >/var/lib/big; rm /var/lib/big")
	if err := l.Host("shared").FillDisk(0); err == nil || !strings.Contains(err.Error(), "none of its own") {
		t.Errorf("filling the disk of this machine: %v", err)
	}

	run(t, h, "echo synced >/var/lib/synced; sync; echo lost >/var/lib/lost")
	if err := h.PowerCut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := run(t, h, "cat /var/lib/synced; ls /var/lib/lost 2>/dev/null || :; systemctl is-system-running"); got != "synced\nrunning" {
		t.Errorf("after a power cut the disk has %q", got)
	}
}

// TestManyHosts boots more hosts than share one cgroup, or the kernel's usual number of inotify instances.
func TestManyHosts(t *testing.T) {
	labtest.Require(t)
	t.Parallel()
	l := start(t, labtest.Hosts("h-1", "h-2", "h-3", "h-4", "h-5", "h-6", "h-7", "h-8", "h-9", "h-10", "h-11", "h-12")...)
	for _, h := range l.Hosts() {
		if got := run(t, h, "systemd-run --quiet --wait --pipe hostname"); got != h.Name {
			t.Errorf("a service on %s says %q", h.Name, got)
		}
	}
}
