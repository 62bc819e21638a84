// Package host is the host side of an execution: the helper that the executor
// talks to over its standard input and output, as package protocol says.
//
// A session is: hello, prepare, payloads, apply, and its end. Until apply nothing
// of the host is changed but the helper's own directory; all refusals come
// before. An apply that has begun goes on to its end, whatever becomes of the
// link, and the state file tells its verdict.
//
// The work is done by the packages below internal: inspect compares the host with
// its manifest, transaction makes it so, and each of the others is the one door to one
// part of the host. The helper opens no connection to anywhere but systemd.
package host

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/command"
	"github.com/nixfleet/nixfleet/executor/host/internal/effect"
	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/host/internal/process"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// Deps is the world of a session.
type Deps struct {
	// Root is the root directory: "/" on a host.
	Root string
	// Executable is the file of the running helper.
	Executable string
	// Machine is the host's CPU as uname(2) names it.
	Machine string
	// Runner runs the host's tools.
	Runner command.Runner
	// Shell runs a line for sh and returns the end of its output.
	Shell func(ctx context.Context, line string) (output []byte, err error)
	// Units is the host's systemd.
	Units unit.Manager
	// NixStore is the host's nix-store; empty where there is none.
	NixStore string
	// Registry is what that store knows.
	Registry nixstore.Registry
	// Processes returns the processes of a user.
	Processes func(uid int) []inspect.Process
	// Free returns the free bytes of the file system that holds a directory, or
	// the nearest directory above it that exists.
	Free func(directory string) (int64, error)
	// Now is the clock, a monotonic one, and Wait waits.
	Now  func() time.Time
	Wait func(context.Context, time.Duration)
	// JobDeadline is how long systemd may take for one batch of jobs.
	JobDeadline time.Duration
	// LockPatience is how long a session keeps the host's lock without a request:
	// of a link that died in silence sshd may learn only hours later.
	LockPatience time.Duration
	// Fault crashes the helper in tests; nil otherwise.
	Fault effect.Fault
}

// System returns the real host's.
func System() Deps {
	runner := command.System{}
	program := nixstore.Find()
	return Deps{
		Root:        "/",
		Executable:  "/proc/self/exe",
		Machine:     process.Machine(),
		Runner:      runner,
		Shell:       runner.Shell,
		Units:       &unit.Systemd{Address: unit.Socket, Runner: runner},
		NixStore:    program,
		Registry:    nixstore.Local{Program: program},
		Processes:   process.Of,
		Free:        func(directory string) (int64, error) { return rooted.Free("/", directory) },
		Now:         time.Now,
		Wait:        wait,
		JobDeadline: 5 * time.Minute, LockPatience: 2 * time.Minute,
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// FindNixStore returns the host's nix-store; empty where there is none.
func FindNixStore() string { return nixstore.Find() }

// Serve carries on one session. It returns when in ends or, between two requests,
// when ctx is done; a broken out only ends the session after the request at work.
func Serve(ctx context.Context, in io.Reader, out io.Writer, deps Deps) error {
	files, err := rooted.Open(deps.Root, deps.Fault)
	if err != nil {
		return err
	}
	defer files.Close()
	sender := newSender(out)
	s := &session{deps: deps, files: files, state: state.New(deps.Root, deps.Fault), sender: sender}
	defer s.unlock()

	requests := receive(protocol.NewConn(in, nil))
	for {
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), sender.close())
		case <-time.After(deps.LockPatience):
			s.unlock() // the next request takes it again, if it still can
		case received := <-requests:
			if errors.Is(received.err, io.EOF) {
				return sender.close()
			}
			if received.err != nil {
				s.sender.send(protocol.Response{Error: &protocol.Error{Kind: protocol.KindProtocol, Message: received.err.Error()}})
				return errors.Join(received.err, sender.close())
			}
			// What has begun goes on to its end.
			last := s.handle(context.WithoutCancel(ctx), received.request)
			if last || sender.broken() {
				return sender.close()
			}
		}
	}
}

type received struct {
	request protocol.Request
	err     error
}

// receive reads requests until the first error, which it delivers too.
func receive(conn *protocol.Conn) <-chan received {
	requests := make(chan received)
	go func() {
		for {
			var r received
			r.err = conn.Receive(&r.request)
			requests <- r
			if r.err != nil {
				return
			}
		}
	}()
	return requests
}
