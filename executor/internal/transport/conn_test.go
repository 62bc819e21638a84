package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/sshtest"
	"golang.org/x/crypto/ssh"
)

func connected(t *testing.T, run func(*sshtest.Command) int, config string) (*Conn, *sshtest.Server) {
	t.Helper()
	s, server := newSite(t), sshtest.Start(t)
	s.know(server)
	s.write(".ssh/config", config)
	server.Set(func(to *sshtest.Settings) { to.Authorized = []ssh.PublicKey{s.key(".ssh/id_ed25519", "").PublicKey()} })
	server.Set(func(to *sshtest.Settings) { to.Run = run })
	conn, err := s.dial(hostAt(server))
	if err != nil {
		t.Fatal(err)
	}
	return conn, server
}

func TestCommandStreams(t *testing.T) {
	t.Parallel()
	conn, _ := connected(t, func(c *sshtest.Command) int {
		data, _ := io.ReadAll(c.Stdin)
		fmt.Fprintf(c.Stderr, "%s %s", c.Line, c.Env["LC_ALL"])
		_, _ = c.Stdout.Write(bytes.ToUpper(data))
		return 7
	}, "")
	command, err := conn.Start("shout loudly")
	if err != nil {
		t.Fatal(err)
	}
	input := bytes.Repeat([]byte("abc"), 1<<20)
	go func() {
		_, _ = command.Write(input)
		_ = command.CloseWrite()
	}()
	output, err := io.ReadAll(command)
	if err != nil || !bytes.Equal(output, bytes.ToUpper(input)) {
		t.Errorf("%d bytes came back, %v", len(output), err)
	}
	exit, err := command.Wait(time.Minute)
	if err != nil || exit != (Exit{Status: 7, Stderr: "shout loudly C"}) {
		t.Errorf("ended with %+v, %v", exit, err)
	}
}

func TestCutLink(t *testing.T) {
	t.Parallel()
	conn, _ := connected(t, func(c *sshtest.Command) int {
		fmt.Fprint(c.Stdout, "some")
		c.Cut()
		return -1
	}, "")
	command, err := conn.Start("anything")
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(command)
	wantError(t, err, fault.LinkLost, "lost the connection to web-1: the host closed the connection")
	_, err = command.Wait(time.Minute)
	wantError(t, err, fault.LinkLost)
	_, err = conn.Start("another")
	wantError(t, err, fault.LinkLost)
}

// A command that ends without a status while the connection stands is no lost link.
func TestEndWithoutStatus(t *testing.T) {
	t.Parallel()
	conn, _ := connected(t, func(*sshtest.Command) int { return -1 }, "")
	command, err := conn.Start("anything")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(command); err != nil {
		t.Error(err)
	}
	if exit, err := command.Wait(time.Minute); err != nil || exit.Status != -1 {
		t.Errorf("ended with %+v, %v", exit, err)
	}
}

func TestKeepAliveFindsADeadLink(t *testing.T) {
	t.Parallel()
	blocked := make(chan struct{})
	conn, server := connected(t, func(*sshtest.Command) int { <-blocked; return 0 },
		"Host web-1\n ServerAliveInterval 1\n ServerAliveCountMax 2\n")
	t.Cleanup(func() { close(blocked) })
	command, err := conn.Start("sleep")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond) // one question is answered: the link is alive
	server.Freeze()
	begun := time.Now()
	_, err = command.Read(make([]byte, 1))
	wantError(t, err, fault.LinkLost, "lost the connection to web-1: no answer for 2s")
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("a dead link was found after %s", took)
	}
	server.Thaw()
}

func TestContextEndsAConnection(t *testing.T) {
	t.Parallel()
	blocked := make(chan struct{})
	conn, _ := connected(t, func(*sshtest.Command) int { <-blocked; return 0 }, "")
	t.Cleanup(func() { close(blocked) })
	command, err := conn.Start("sleep")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer conn.CloseWhenDone(ctx)()
	cancel(errors.New("a second Ctrl-C"))
	_, err = command.Read(make([]byte, 1))
	wantError(t, err, fault.LinkLost, "a second Ctrl-C")
}
