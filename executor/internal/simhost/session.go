package simhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/sshtest"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Session is one start of the scripted helper.
type Session struct {
	Host    *Host
	Command *sshtest.Command
	// Request is the head of the one under way, and Hook and Run what it asks for.
	Request protocol.Request
	Hook    protocol.HookRequest
	Run     protocol.RunRequest
	// Part is what was prepared.
	Part *schema.Part
	// Back is the manifest to go back to.
	Back schema.Digest

	conn  *protocol.Conn
	epoch int64 // of the lease that the session took
	began int   // by [Host.tick]
}

// ErrCut makes a script cut the connection, and ErrDie end the helper.
var (
	ErrCut = errors.New("the connection breaks here")
	ErrDie = errors.New("the helper dies here")
)

// Serve is the helper: it answers requests until its input ends, and returns the exit status.
func (h *Host) Serve(c *sshtest.Command) int {
	s := &Session{Host: h, Command: c, conn: protocol.NewConn(c.Stdin, c.Stdout), began: h.tick()}
	defer s.release()
	server := s.server()
	for {
		request, body, err := server.Receive(s.conn)
		if err == io.EOF {
			return 0
		}
		if err != nil {
			_ = s.conn.Respond(&protocol.Response{Kind: protocol.ErrorBody}, protocol.Errorf("%w", err))
			fmt.Fprintln(c.Stderr, err)
			return 1
		}
		s.Request = *request
		h.called(request.Op)
		reply, last, err := s.answer(server, request, body)
		kind := protocol.ReplyBody
		switch {
		case errors.Is(err, ErrCut):
			if request.Op == protocol.Reboot.Name {
				h.goDown()
			}
			c.Cut()
			return -1
		case errors.Is(err, ErrDie):
			fmt.Fprintln(c.Stderr, "panic: it died")
			return 2
		case err != nil:
			kind, reply = protocol.ErrorBody, s.refusal(err)
		}
		if err := s.conn.Respond(&protocol.Response{Seq: request.Seq, Epoch: s.epoch, Kind: kind}, reply); err != nil {
			return 1
		}
		if rebooting, ok := reply.(*protocol.RebootReply); ok && rebooting.Going {
			h.goDown()
		}
		if last {
			return 0
		}
	}
}

// answer pretends to be a helper of the host's version.
func (s *Session) answer(server *protocol.Server, request *protocol.Request, body []byte) (any, bool, error) {
	if known := s.Host.Look().Version; known != protocol.Version && request.Op != protocol.ReplaceHelper.Name {
		return nil, true, &protocol.Error{Kind: protocol.KindVersion, Message: fmt.Sprintf("this helper speaks version %d of the protocol, the executor version %d", known, request.Version)}
	}
	return server.Answer(context.Background(), request, body)
}

func (s *Session) refusal(err error) *protocol.Error {
	if see := s.Host.Look().OnError; see != nil {
		see(s.Request.Op, err)
	}
	if reported := new(protocol.Error); errors.As(err, &reported) {
		return reported
	}
	return &protocol.Error{Kind: protocol.KindRefused, Message: err.Error()}
}

// holder is the run that holds the lease.
func (s *State) holder() string { return s.Holder + s.lease }

// hold takes the lease for a request without an epoch, and checks that of any other.
func (s *Session) hold(_ context.Context, request *protocol.Request) (err error) {
	s.Host.Set(func(state *State) {
		switch holder := state.holder(); {
		case request.Epoch != 0 && (state.lease != request.Run || state.epoch != request.Epoch):
			err = fmt.Errorf("the lease of run %s on this host ended", request.Run)
		case request.Epoch == 0 && holder != "" && holder != request.Run:
			err = fmt.Errorf("locked by run %s, started 2026-01-01T12:00:00Z, by bob@desk", holder)
		case request.Epoch == 0:
			state.epoch++
			state.lease, s.epoch = request.Run, state.epoch
		}
	})
	return err
}

// release ends the lease with the session, unless a transaction is at work.
func (s *Session) release() {
	if s.epoch == 0 || s.Host.transaction("") != nil {
		return
	}
	s.Host.Set(func(state *State) {
		if state.epoch == s.epoch {
			state.lease = ""
		}
	})
}

// renew changes the lease as asked. To take it undoes a transaction of the run that was
// interrupted.
func (s *Session) renew(ctx context.Context, request *protocol.Request, ask *protocol.LeaseRequest) (*protocol.LeaseReply, error) {
	switch ask.Action {
	case protocol.LeaseTake:
		if t := s.Host.transaction(""); t != nil && t.Run == request.Run {
			t.End(protocol.Verdict{Outcome: protocol.RolledBack, Message: "it was interrupted"})
		}
		taking := *request
		taking.Epoch = 0
		return &protocol.LeaseReply{}, s.hold(ctx, &taking)
	case protocol.LeaseRenew:
		return &protocol.LeaseReply{}, s.hold(ctx, request)
	case protocol.LeaseRelease:
		s.release()
		s.epoch = 0
		return &protocol.LeaseReply{}, nil
	}
	return nil, protocol.Errorf("invalid action %q", ask.Action)
}

// Send sends an event.
func (s *Session) Send(event protocol.Event) {
	_ = s.conn.Respond(&protocol.Response{Seq: s.Request.Seq, Kind: protocol.EventBody}, event)
}

func (s *Session) server() *protocol.Server {
	server := protocol.NewServer(s.hold)
	protocol.Handle(server, protocol.Hello, scripted(s, func(state State) func(*Session) error { return state.OnHello }, s.greet))
	protocol.Handle(server, protocol.Observe, s.observe)
	protocol.Handle(server, protocol.ReplaceHelper, s.replace)
	protocol.HandleDecoded(server, protocol.Prepare, s.Host.parts.read, scripted(s, func(state State) func(*Session) error { return state.OnPrepare }, s.prepare))
	protocol.Handle(server, protocol.Payloads, s.keep)
	protocol.Handle(server, protocol.Lease, s.renew)
	protocol.Handle(server, protocol.Begin, s.begin)
	protocol.Handle(server, protocol.Attach, scripted(s, func(state State) func(*Session) error { return state.OnAttach }, s.attach))
	protocol.Handle(server, protocol.Confirm, s.confirm)
	protocol.Handle(server, protocol.Back, scripted(s, func(state State) func(*Session) error { return state.OnBack }, s.back))
	protocol.Handle(server, protocol.Health, s.health)
	protocol.Handle(server, protocol.Hook, s.hook)
	protocol.Handle(server, protocol.Reboot, s.reboot)
	protocol.Handle(server, protocol.Slot, scripted(s, func(state State) func(*Session) error { return state.OnSlot }, s.slot))
	protocol.Handle(server, protocol.Run, s.run)
	return server
}

type answer[Q, R any] func(context.Context, *protocol.Request, *Q) (*R, error)

// scripted runs the host's script, where it has one, before an answer.
func scripted[Q, R any](s *Session, script func(State) func(*Session) error, then answer[Q, R]) answer[Q, R] {
	return func(ctx context.Context, request *protocol.Request, ask *Q) (*R, error) {
		if run := script(s.Host.Look()); run != nil {
			if err := run(s); err != nil {
				return nil, err
			}
		}
		return then(ctx, request, ask)
	}
}

func (s *Session) health(_ context.Context, _ *protocol.Request, ask *protocol.HealthRequest) (*protocol.HealthReply, error) {
	state := s.Host.Look()
	if ask.Manifest != state.Applied {
		return nil, fmt.Errorf("another manifest was applied since")
	}
	if state.OnHealth == nil {
		return &protocol.HealthReply{}, nil
	}
	failure, err := state.OnHealth(s)
	return &protocol.HealthReply{Failure: failure}, err
}

func (s *Session) greet(_ context.Context, request *protocol.Request, ask *protocol.HelloRequest) (*protocol.HelloReply, error) {
	state := s.Host.Look() // a script may have changed it
	system := schema.X8664Linux
	if state.Machine == "Linux aarch64" {
		system = schema.AArch64Linux
	}
	reply := &protocol.HelloReply{
		Helper: state.helperHash(), System: string(system), Base: string(schema.Debian), OS: "Debian GNU/Linux 12 (bookworm)", Nix: "2.8.0",
		Free:    map[string]int64{"/nix": 1 << 34, "/var": 1 << 34, "/etc": 1 << 34},
		Applied: state.Applied, Generation: state.Generation, Boot: state.Boot, Now: time.Now(),
	}
	if holder := state.holder(); holder != "" {
		reply.Lease = &protocol.LeaseHolder{Run: holder, Operator: "bob@desk", Epoch: state.epoch}
	}
	s.Host.describe(request.Run, reply)
	reply.Unchanged = state.Applied == ask.Manifest && !state.Drifted && reply.Transaction == nil && state.Holder == ""
	return reply, nil
}

func (s *State) helperHash() schema.Digest {
	if s.HelperHash != "" {
		return s.HelperHash
	}
	return schema.DigestOf(s.Helper)
}

func (s *Session) replace(_ context.Context, request *protocol.Request, ask *protocol.ReplaceRequest) (*protocol.ReplaceReply, error) {
	digest, err := schema.DigestOfValue(ask.Index)
	if err != nil || digest != request.Digest {
		return nil, fmt.Errorf("wrong digest of the index: expected %s, found %s", request.Digest, digest)
	}
	found := schema.DigestOf(ask.Binary)
	for _, want := range ask.Index.Helpers {
		if want == found {
			s.Host.Set(func(state *State) {
				state.Helper, state.HelperHash, state.Version = ask.Binary, "", protocol.Version
			})
			return &protocol.ReplaceReply{Helper: found}, nil
		}
	}
	return nil, fmt.Errorf("the plan does not name the helper %s", found)
}

// run runs a command as the script says.
func (s *Session) run(ctx context.Context, request *protocol.Request, ask *protocol.RunRequest) (*protocol.RunReply, error) {
	state := s.Host.Look()
	s.Run = *ask
	if !ask.NoLock {
		if err := s.hold(ctx, request); err != nil {
			return nil, err
		}
	}
	s.Send(protocol.Event{Stage: schema.StageRun})
	var exit schema.Exit
	var err error
	if state.OnRun != nil {
		exit, err = state.OnRun(s)
	}
	return &protocol.RunReply{Exit: exit, Unit: "nixfleet-command-r.service"}, err
}
