// Package host is the host side of an execution: the helper that the executor
// talks to over its standard input and output, as package protocol says.
//
// A session is: hello, prepare, payloads, begin, attach, and its end. It changes
// nothing of the host but the helper's own directory. What changes the host is a
// transaction, which begin starts in a process of its own ([Run]): that goes on to
// its end whatever becomes of the link, its events can be read again, and its
// verdict is kept. One that was interrupted is finished or undone by [Recover],
// which systemd starts when the process is killed, and early at boot.
//
// The work is done by the packages below internal: base says which kinds of things are
// managed on a host, each package below kind compares, changes and restores one of them,
// transaction does all of it or nothing, and each of the others is the one door to one
// part of the host. The helper opens no connection to anywhere but systemd,
// and to what the health checks of its plan name.
package host

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/base"
	"github.com/nixfleet/nixfleet/executor/host/internal/command"
	"github.com/nixfleet/nixfleet/executor/host/internal/effect"
	"github.com/nixfleet/nixfleet/executor/host/internal/lease"
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
	Processes func(uid int) []process.Process
	// Free returns the free bytes of the file system that holds a directory, or
	// the nearest directory above it that exists.
	Free func(directory string) (int64, error)
	// Now is the clock, a monotonic one, and Wait waits.
	Now  func() time.Time
	Wait func(context.Context, time.Duration)
	// JobDeadline is how long systemd may take for one batch of jobs.
	JobDeadline time.Duration
	// Clock is the clock of the boot, by which leases and confirmation go.
	Clock lease.Clock
	// Start starts the process of a transaction, which calls [Run]. After an error
	// that may run or not.
	Start func(ctx context.Context, id string) error
	// Rescue has an interrupted transaction finished or undone, by [Recover].
	Rescue func(ctx context.Context) error
	// Command carries out a command in a unit of its own and returns how it ended.
	// When ctx is done it is stopped.
	Command func(ctx context.Context, command unit.Command, output func(stderr bool, data []byte)) (unit.Details, error)
	// Booting reports whether the host is still coming up.
	Booting func(ctx context.Context) (bool, error)
	// Reboot has the host end its services and boot again, as [unit.Systemd.Reboot] does.
	Reboot func(ctx context.Context) error
	// Inhibitors are the programs that keep the host from going down.
	Inhibitors func(ctx context.Context) ([]unit.Inhibitor, error)
	// Idle is how long nobody may work on a transaction before those who watch it
	// are told so.
	Idle time.Duration
	// Fault crashes the helper in tests; nil otherwise.
	Fault effect.Fault
}

// base is what is particular to the host's operating system.
func (d *Deps) base() *base.Base { return base.Of(base.Release(d.Root)) }

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
	s := &session{deps: deps, files: files, state: state.New(deps.Root, deps.Fault), leases: leasesOf(deps), slots: slotsOf(deps), sender: sender, began: deps.Clock.Now()}
	defer s.giveBack(context.WithoutCancel(ctx))

	ctx, gone := context.WithCancelCause(ctx)
	defer gone(nil)
	server := s.server()
	requests := receive(server, protocol.NewConn(in, nil), func() { gone(errors.New("the link was cut")) })
	for {
		select {
		case <-ctx.Done():
			return s.ended(ctx, requests)
		case received := <-requests:
			if received.err != nil {
				return s.endedBy(received.err)
			}
			if last := s.handle(ctx, server, received); last || sender.broken() {
				return sender.close()
			}
		}
	}
}

// ended ends a session that was told to end, or whose input has ended.
func (s *session) ended(ctx context.Context, requests <-chan received) error {
	select {
	case received := <-requests:
		if received.err != nil {
			return s.endedBy(received.err)
		}
	case <-time.After(100 * time.Millisecond):
	}
	return errors.Join(context.Cause(ctx), s.sender.close())
}

// endedBy ends a session whose input has ended or makes no sense.
func (s *session) endedBy(err error) error {
	if errors.Is(err, io.EOF) {
		return s.sender.close()
	}
	s.sender.send(message{Response: protocol.Response{Kind: protocol.ErrorBody}, body: protocol.Errorf("%w", err)})
	return errors.Join(err, s.sender.close())
}

type received struct {
	request *protocol.Request
	body    []byte
	err     error
}

// receive reads requests until the first error, which it delivers too, after it
// has called gone: the request at work may be one that waits.
func receive(server *protocol.Server, conn *protocol.Conn, gone func()) <-chan received {
	requests := make(chan received)
	go func() {
		for {
			var r received
			if r.request, r.body, r.err = server.Receive(conn); r.err != nil {
				gone()
			}
			requests <- r
			if r.err != nil {
				return
			}
		}
	}()
	return requests
}
