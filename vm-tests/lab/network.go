package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Controller is the address of the lab's own side, for servers that hosts are to reach.
const Controller = "10.77.0.1"

// Command prepares a program to run where the hosts can be reached. It sees this machine's files and processes and
// inherits the environment, but for HOME, which is Lab.Home, and an ssh agent or askpass program, which it does not get.
func (l *Lab) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	enter := []string{"--net=" + l.netns(), "--", name}
	cmd := exec.CommandContext(ctx, program("nsenter"), append(enter, args...)...)
	if path, err := exec.LookPath(name); err != nil {
		cmd.Err = err
	} else if strings.HasPrefix(path, "/") {
		cmd.Args[3] = path
	}
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == "HOME" || strings.HasPrefix(name, "SSH_")
	})
	cmd.Env = append(cmd.Env, "HOME="+l.Home)
	return cmd
}

// Dial connects from the controller's place in the lab's network. address is an IP address and a port.
func (l *Lab) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var conn net.Conn
	err := l.inNetwork(func() (err error) {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen opens a port that hosts can reach, at Controller.
func (l *Lab) Listen(network, address string) (net.Listener, error) {
	var listener net.Listener
	err := l.inNetwork(func() (err error) {
		listener, err = net.Listen(network, address)
		return err
	})
	return listener, err
}

func (l *Lab) netns() string { return fmt.Sprintf("/proc/%d/ns/net", l.holder.pid) }

// inNetwork runs f on a thread that is in the lab's network. Sockets made there stay in it.
func (l *Lab) inNetwork(f func() error) error {
	ns, err := os.Open(l.netns())
	if err != nil {
		return fmt.Errorf("cannot enter the network of lab %q: %w", l.ID, err)
	}
	defer func() { _ = ns.Close() }()
	result := make(chan error)
	go func() {
		// Never unlocked: the thread ends with the goroutine instead of running others in the wrong network.
		runtime.LockOSThread()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("cannot enter the network of lab %q: %w", l.ID, err)
			return
		}
		result <- f()
	}()
	return <-result
}

// LinkDown pulls the host's network cable.
func (h *Host) LinkDown(ctx context.Context) error {
	return h.network(ctx, `ip link set "$1" down`, h.link())
}

// LinkUp plugs it in again and waits until both ends have noticed, unless the host is off.
func (h *Host) LinkUp(ctx context.Context) error {
	return h.network(ctx, `ip link set "$1" up
		while ip -n "$2" -o link show eth0 up | grep -qv "state UP"; do sleep 0.01; done
		while [ -n "$(ip -n "$2" -o link show eth0 up)" ] && ip -o link show "$1" | grep -qv "state UP"; do sleep 0.01; done`,
		h.link(), h.Name)
}

func (h *Host) network(ctx context.Context, script string, args ...string) error {
	if err := h.lab.holder.run(ctx, "set -e; "+script, args...); err != nil {
		return fmt.Errorf("cannot change the network of host %q: %w", h.Name, err)
	}
	return nil
}
