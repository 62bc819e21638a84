package lab

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed host-boot.sh
var hostBootScript string

const (
	bootTimeout = 3 * time.Minute
	stopTimeout = 2 * time.Minute
	waitDelay   = time.Second
)

// Start switches on a host that is off and waits until ssh answers and systemd has finished booting, be it with failed
// units.
func (h *Host) Start(ctx context.Context) error {
	h.power.Lock()
	defer h.power.Unlock()
	if h.on() {
		return fmt.Errorf("cannot start host %q: it is on", h.Name)
	}
	if err := makeCgroup(h.lab.ID, h.Name); err != nil {
		return err
	}
	_, second, err := cgroupRoot()
	if err != nil {
		return err
	}
	// Not bound to ctx: the host runs on when the caller's context ends, until the lab does.
	cmd := h.lab.holder.command(context.Background(), hostBootScript, h.dir(), h.Name, h.insideCgroup(second))
	if !second {
		cmd.Env = append(cmd.Env, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=0")
	}
	log, err := os.OpenFile(filepath.Join(h.dir(), "console.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("cannot start host %q: %w", h.Name, err)
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start host %q: %w", h.Name, err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	return h.waitUp(ctx, "", ended)
}

// insideCgroup is the host's cgroup where the lab's own mounts have it; see holder.sh.
func (h *Host) insideCgroup(second bool) string {
	root := cgroupMount
	if !second {
		root = filepath.Join(cgroupMount, "systemd")
	}
	return filepath.Join(root, cgroupParent, h.lab.ID, h.Name)
}

// waitUp waits for a boot other than the one named (empty: any). A closed channel tells that it will never come.
func (h *Host) waitUp(ctx context.Context, notBoot string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	for {
		err := h.probe(ctx, notBoot)
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("cannot boot host %q: it ended by itself: %s", h.Name, h.console())
		case <-ctx.Done():
			return fmt.Errorf("cannot boot host %q: %w: %s", h.Name, errors.Join(ctx.Err(), err), h.console())
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// probe returns nil when the host is up.
func (h *Host) probe(ctx context.Context, notBoot string) error {
	id, err := h.BootID()
	if err != nil {
		return err
	}
	if id == notBoot {
		return errors.New("it is still in its old boot")
	}
	if err := h.sshAnswers(ctx); err != nil {
		return err
	}
	// Exit status 1 with "degraded" is a finished boot as well.
	state, err := h.Exec(ctx, "systemctl is-system-running --wait || :")
	if err != nil {
		return err
	}
	switch state = strings.TrimSpace(state); state {
	case "running", "degraded":
		return nil
	default:
		return fmt.Errorf("systemd says %q", state)
	}
}

// sshAnswers reads the greeting of the host's sshd.
func (h *Host) sshAnswers(ctx context.Context) error {
	// Short: a packet to a host that is just going down is lost, and the next one is sent only a second later.
	patience := 500*time.Millisecond + 4*h.delay()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := h.lab.Dial(ctx, "tcp", h.Addr+":22")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	greeting := make([]byte, 4)
	if _, err := conn.Read(greeting); err != nil {
		return err
	}
	if string(greeting) != "SSH-" {
		return fmt.Errorf("port 22 says %q", greeting)
	}
	return nil
}

// console returns the end of what the host wrote to its console.
func (h *Host) console() string {
	text, _ := os.ReadFile(filepath.Join(h.dir(), "console.log"))
	return tail(string(text), 15)
}

// on says whether nspawn runs: it inherits the lock that host-boot.sh takes.
func (h *Host) on() bool {
	lock, err := tryLock(filepath.Join(h.dir(), "power.lock"))
	if err == nil {
		_ = lock.Close()
	}
	return errors.Is(err, errLocked)
}

// leader returns the host's PID 1, by its number out here.
func (h *Host) leader() (int, error) {
	depth := len(namespacePIDs(h.lab.holder.pid))
	cgroup, _, err := cgroupOf(h.lab.ID, h.Name)
	if err != nil {
		return 0, err
	}
	if depth == 0 {
		return 0, fmt.Errorf("host %q: lab %q has ended", h.Name, h.lab.ID)
	}
	found := leaders(cgroup, depth)
	if len(found) == 0 {
		return 0, fmt.Errorf("host %q is off", h.Name)
	}
	return found[0], nil
}

// waitOff waits until nspawn has ended.
func (h *Host) waitOff(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	for h.on() {
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("host %q does not go off: %w: %s", h.Name, err, h.console())
		}
	}
	return nil
}

// Stop shuts the host down in order and waits until it is off.
func (h *Host) Stop(ctx context.Context) error {
	h.power.Lock()
	defer h.power.Unlock()
	if _, err := h.Exec(ctx, "systemctl --no-block poweroff"); err != nil {
		return fmt.Errorf("cannot stop host %q: %w", h.Name, err)
	}
	return h.waitOff(ctx)
}

// Reboot reboots the host in order and waits until it is up again.
func (h *Host) Reboot(ctx context.Context) error {
	h.power.Lock()
	defer h.power.Unlock()
	old, err := h.BootID()
	if err != nil {
		return fmt.Errorf("cannot reboot host %q: %w", h.Name, err)
	}
	if _, err := h.Exec(ctx, "systemctl --no-block reboot"); err != nil {
		return fmt.Errorf("cannot reboot host %q: %w", h.Name, err)
	}
	return h.waitUp(ctx, old, nil)
}

// AwaitBoot waits until the host is up in another boot than the one named, for tests whose subject reboots the host.
func (h *Host) AwaitBoot(ctx context.Context, notBoot string) error {
	return h.waitUp(ctx, notBoot, nil)
}

// Unplug cuts the host's power and leaves it off. All its processes end at once. A host with a disk of its own loses
// what it had not synced; of others, files keep what was written, as after a crash of all programs.
func (h *Host) Unplug(ctx context.Context) error {
	h.power.Lock()
	defer h.power.Unlock()
	pid, err := h.leader()
	if err != nil {
		return fmt.Errorf("cannot cut the power: %w", err)
	}
	// Never nspawn itself: the container would survive it, and the next start put a second system on the same disk.
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("cannot cut the power of host %q: %w", h.Name, err)
	}
	if err := h.waitOff(ctx); err != nil {
		return err
	}
	if h.spec.DiskSize > 0 {
		return h.loseUnsynced(ctx)
	}
	return nil
}

// PowerCut is Unplug and Start.
func (h *Host) PowerCut(ctx context.Context) error {
	if err := h.Unplug(ctx); err != nil {
		return err
	}
	return h.Start(ctx)
}
