package lab

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

//go:embed host-up.sh
var hostUpScript string

// Host is one host of a lab. Its methods may be called from several goroutines, but one host's power is switched by one
// of them at a time.
type Host struct {
	// Name is the host's name, Addr its IP address in the lab's network; sshd listens at port 22.
	Name, Addr string
	// HostKey is the only host key, as a line without comment: "ssh-ed25519 AAAA…".
	HostKey string

	lab     *Lab
	index   int
	spec    HostSpec
	lower   string
	private ed25519.PrivateKey
	power   sync.Mutex
	cable   sync.Mutex
	relay   *relay
}

// newHost makes up a host's identity. Nothing of it exists yet.
func newHost(l *Lab, index int, spec HostSpec, image, layer string) (*Host, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make a host key: %w", err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("cannot make a host key: %w", err)
	}
	h := openHost(l, hostState{
		Index: index, Spec: spec, Lower: layer + ":" + image,
		Key: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))),
	})
	h.private = private
	return h, nil
}

// openHost is a host that exists.
func openHost(l *Lab, s hostState) *Host {
	return &Host{
		Name: s.Spec.Name, Addr: address(s.Index).String(), HostKey: s.Key,
		lab: l, index: s.Index, spec: s.Spec, lower: s.Lower,
	}
}

// Spec returns what the host was started from.
func (h *Host) Spec() HostSpec { return h.spec }

func (h *Host) dir() string { return h.lab.hostDir(h.Name) }

// link is the controller's end of the host's cable.
func (h *Host) link() string { return "host" + strconv.Itoa(h.index) }

// mac is made from the address, so that the controller knows it without asking.
func (h *Host) mac() string {
	a := address(h.index).As4()
	return fmt.Sprintf("02:00:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3])
}

// firstBoot makes the host and waits until it is up.
func (h *Host) firstBoot(ctx context.Context) error {
	if err := h.create(ctx); err != nil {
		return fmt.Errorf("cannot make host %q: %w", h.Name, err)
	}
	if err := h.Start(ctx); err != nil {
		return err
	}
	state, err := h.Exec(ctx, "systemctl is-system-running || systemctl --failed --plain --no-legend")
	if err != nil || strings.TrimSpace(state) != "running" {
		return fmt.Errorf("cannot boot host %q: %s", h.Name, errors.Join(errors.New(strings.TrimSpace(state)), err))
	}
	return nil
}

// create makes the host's disk, network and identity.
func (h *Host) create(ctx context.Context) error {
	if err := os.MkdirAll(h.dir(), 0o755); err != nil {
		return err
	}
	if h.spec.DiskSize > 0 {
		if err := h.formatDisk(ctx); err != nil {
			return err
		}
	}
	if err := h.mount(ctx); err != nil {
		return err
	}
	if err := h.writeIdentity(ctx); err != nil {
		return err
	}
	if h.spec.DiskSize == 0 {
		return nil // It loses nothing, and syncing would wait for all else that this machine writes.
	}
	// A host that was installed long ago does not lose its keys in a power cut.
	return h.Sync()
}

// mount mounts the host's root and plugs in its network.
func (h *Host) mount(ctx context.Context) error {
	return h.lab.holder.run(ctx, hostUpScript, h.dir(), h.lower, h.Name, h.Addr, h.link(), h.mac(), h.image())
}

// writeIdentity gives the host what distinguishes it from others of the same image.
func (h *Host) writeIdentity(ctx context.Context) error {
	block, err := ssh.MarshalPrivateKey(h.private, "")
	if err != nil {
		return err
	}
	machineID := make([]byte, 16)
	_, _ = rand.Read(machineID)
	rules, err := sudoers(h.spec.Sudo)
	if err != nil {
		return err
	}
	client, err := os.ReadFile(h.lab.KeyFile + ".pub")
	if err != nil {
		return err
	}
	for _, f := range []struct {
		path, text string
		mode       os.FileMode
		owner      int
	}{
		{"/etc/hostname", h.Name + "\n", 0o644, 0},
		{"/etc/hosts", h.etcHosts(), 0o644, 0},
		{"/etc/machine-id", hex.EncodeToString(machineID) + "\n", 0o444, 0},
		{"/etc/ssh/ssh_host_ed25519_key", string(pem.EncodeToMemory(block)), 0o600, 0},
		{"/etc/ssh/ssh_host_ed25519_key.pub", h.HostKey + "\n", 0o644, 0},
		{"/etc/sudoers.d/deploy", rules, 0o440, 0},
		{"/home/deploy/.ssh/authorized_keys", string(client), 0o600, 1000},
	} {
		if err := writeOwned(h.Path(f.path), f.text, f.mode, f.owner); err != nil {
			return err
		}
	}
	if h.spec.NoNix {
		return h.lab.holder.run(ctx, `cd "$1" && rm -rf nix etc/nix usr/bin/nix* usr/sbin/nix* usr/lib/tmpfiles.d/nix* &&
			ln -sf /dev/null etc/systemd/system/nix-daemon.socket && ln -sf /dev/null etc/systemd/system/nix-daemon.service`,
			h.dir()+"/root")
	}
	return nil
}

// etcHosts names all hosts of the lab, so that they find each other without a DNS.
func (h *Host) etcHosts() string {
	text := fmt.Sprintf("127.0.0.1 localhost\n127.0.1.1 %s\n", h.Name)
	for _, other := range h.lab.hosts {
		if other != h {
			text += fmt.Sprintf("%s %s\n", other.Addr, other.Name)
		}
	}
	return text
}

// writeOwned writes a file whose mode does not depend on this process's umask.
func writeOwned(path, text string, mode os.FileMode, owner int) error {
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		return err
	}
	if err := os.Chown(path, owner, owner); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// sudoers returns the rules for deploy. Arguments are part of a rule: sudo allows these and no others.
func sudoers(rule Sudo) (string, error) {
	const commands = HelperPath + " serve, " + HelperPath + " store\n"
	switch rule {
	case SudoHelper:
		return User + " ALL=(root) NOPASSWD: " + commands, nil
	case SudoPassword:
		return User + " ALL=(root) " + commands, nil
	case SudoAll:
		return User + " ALL=(ALL:ALL) NOPASSWD: ALL\n", nil
	case SudoNone:
		return "# deploy may do nothing\n", nil
	}
	return "", fmt.Errorf("unknown sudo rule %q", rule)
}

// Path is where this process finds a file of the host's, up or down. Absolute symlinks on the way lead astray: they mean
// this machine's root.
func (h *Host) Path(path string) string {
	return h.lab.holder.root(filepath.Join(h.dir(), "root", path))
}

// Command prepares a program to run as root inside the host, in a clean environment and not over ssh. A cancelled ctx
// ends the waiting, but not necessarily the program.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	pid, err := h.leader()
	enter := []string{
		"--target", strconv.Itoa(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--",
		"/usr/bin/env", "-i", "PATH=" + adminPath, "HOME=/root", "LANG=C.UTF-8", name,
	}
	cmd := exec.CommandContext(ctx, program("nsenter"), append(enter, args...)...)
	if err != nil {
		cmd.Err = err
	}
	cmd.WaitDelay = waitDelay
	return cmd
}

// Exec runs a shell script (with -e) as root inside the host and returns what it wrote to standard output. What it wrote
// to standard error is part of the error.
func (h *Host) Exec(ctx context.Context, script string) (string, error) {
	cmd := h.Command(ctx, "/bin/sh", "-ec", script)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("cannot run %q on %s: %w: %s",
			firstLine(script), h.Name, errors.Join(err, ctx.Err()), strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// BootID identifies the boot that the host is in.
func (h *Host) BootID() (string, error) {
	pid, err := h.leader()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/root/proc/sys/kernel/random/boot_id", pid))
	if err != nil {
		return "", fmt.Errorf("cannot read the boot id of %s: %w", h.Name, err)
	}
	return strings.TrimSpace(string(text)), nil
}

func firstLine(text string) string {
	line, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if rest != "" {
		line += " …"
	}
	return line
}
