package fakehost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

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
	// Back is what the host shall go back to.
	Back schema.Digest

	conn  *protocol.Conn
	epoch int64 // of the lease that the session took
	asked int   // how often
}

// ErrCut is what a script returns after which the link shall break.
var ErrCut = fmt.Errorf("the link breaks here")

// ErrDie is what a script returns after which the helper shall be gone.
var ErrDie = fmt.Errorf("the helper dies here")

func (s *Session) serve() int {
	defer s.release()
	server := s.server()
	for {
		request, body, err := server.Receive(s.conn)
		if err != nil {
			if err == io.EOF {
				return 0
			}
			fmt.Fprintln(s.Command.Stderr, err)
			return 1
		}
		s.Request = *request
		s.Host.called(request.Op)
		s.asked++
		response := &protocol.Response{Seq: request.Seq, Kind: protocol.ReplyBody}
		var reply any
		var last bool
		if known := s.Host.Look().Version; request.Version != known && request.Op != protocol.ReplaceHelper.Name {
			err = &protocol.Error{Kind: protocol.KindVersion, Message: fmt.Sprintf("this helper speaks version %d of the protocol, the executor version %d", known, request.Version)}
		} else {
			reply, last, err = server.Answer(context.Background(), request, body)
		}
		switch {
		case err == nil:
		case errors.Is(err, ErrCut):
			if request.Op == protocol.Reboot.Name {
				s.Host.goDown()
			}
			s.Command.Cut()
			return -1
		case errors.Is(err, ErrDie):
			fmt.Fprintln(s.Command.Stderr, "panic: it died")
			return 2
		default:
			response.Kind = protocol.ErrorBody
			if reported := new(protocol.Error); errors.As(err, &reported) {
				reply = reported
			} else {
				reply = &protocol.Error{Kind: protocol.KindRefused, Message: err.Error()}
			}
		}
		response.Epoch = s.epoch
		if err := s.conn.Respond(response, reply); err != nil {
			return 1
		}
		if rebooting, ok := reply.(*protocol.RebootReply); ok && rebooting.Going {
			s.Host.goDown()
		}
		if last {
			return 0
		}
	}
}

// hold is the host's lease: a request without an epoch takes it, any other must
// have it.
func (s *Session) hold(_ context.Context, request *protocol.Request) (err error) {
	s.Host.Set(func(state *State) {
		switch holder := state.Holder + state.lease; {
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

// release ends the lease with the session, unless a transaction goes on.
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

// Send sends an event.
func (s *Session) Send(event protocol.Event) {
	_ = s.conn.Respond(&protocol.Response{Seq: s.Request.Seq, Kind: protocol.EventBody}, event)
}

func (s *Session) server() *protocol.Server {
	server := protocol.NewServer(s.hold)
	protocol.Handle(server, protocol.Hello, scripted(s, func(state State) func(*Session) error { return state.OnHello }, s.greet))
	protocol.Handle(server, protocol.Observe, s.observe)
	protocol.Handle(server, protocol.ReplaceHelper, s.replace)
	protocol.Handle(server, protocol.Prepare, scripted(s, func(state State) func(*Session) error { return state.OnPrepare }, s.prepare))
	protocol.Handle(server, protocol.Payloads, s.keep)
	protocol.Handle(server, protocol.Lease, s.lease)
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
		return nil, fmt.Errorf("something else was applied meanwhile")
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
		Helper: schema.DigestOf(state.Helper), System: system, Base: schema.Debian, Nix: "2.8.0",
		Applied: state.Applied, Generation: state.Generation, Boot: state.Boot,
	}
	s.Host.tell(request.Run, reply)
	reply.Unchanged = state.Applied == ask.Manifest && !state.Drifted && reply.Transaction == nil && state.Holder == ""
	return reply, nil
}

func (s *Session) replace(_ context.Context, _ *protocol.Request, ask *protocol.ReplaceRequest) (*protocol.ReplaceReply, error) {
	digest, err := schema.DigestOfValue(ask.Index)
	if err != nil || digest != s.Request.Digest {
		return nil, fmt.Errorf("wrong digest of the index: expected %s, found %s", s.Request.Digest, digest)
	}
	found := schema.DigestOf(ask.Binary)
	for _, want := range ask.Index.Helpers {
		if want == found {
			s.Host.Set(func(state *State) { state.Helper, state.Version = ask.Binary, protocol.Version })
			return &protocol.ReplaceReply{Helper: found}, nil
		}
	}
	return nil, fmt.Errorf("the plan does not name the helper %s", found)
}

func (s *Session) prepare(_ context.Context, request *protocol.Request, ask *protocol.PrepareRequest) (*protocol.PrepareReply, error) {
	part := ask.Part(request)
	if err := part.Verify(); err != nil {
		return nil, err
	}
	s.Part = part
	missing, texts := s.missing()
	return &protocol.PrepareReply{MissingPaths: missing, MissingPayloads: texts, Changes: s.changes()}, nil
}

func (s *Session) missing() (paths []schema.StorePath, texts []schema.Digest) {
	for _, entry := range s.Part.Closure {
		if !s.Host.Store.Has(string(entry.Path)) {
			paths = append(paths, entry.Path)
		}
	}
	for _, digest := range s.Part.Manifest.PayloadDigests() {
		if !s.Host.Look().Payloads[digest] {
			texts = append(texts, digest)
		}
	}
	return paths, texts
}

func (s *Session) changes() []schema.Change { return changesOf(s.Host, s.Part) }

func changesOf(host *Host, part *schema.Part) []schema.Change {
	changes := []schema.Change{}
	if state := host.Look(); part.Index.Hosts[part.Host].Manifest == state.Applied && !state.Drifted {
		return changes
	}
	for _, file := range part.Manifest.Files {
		changes = append(changes, schema.Change{Action: schema.Create, Kind: "file", Object: file.Path})
	}
	return changes
}

func (s *Session) keep(_ context.Context, _ *protocol.Request, ask *protocol.PayloadsRequest) (*protocol.PayloadsReply, error) {
	for digest, payload := range ask.Payloads {
		content, err := payload.Bytes()
		if err != nil || schema.DigestOf(content) != digest {
			return nil, fmt.Errorf("wrong digest of a payload: expected %s", digest)
		}
		s.Host.Set(func(state *State) { state.Payloads[digest] = true })
	}
	return &protocol.PayloadsReply{}, nil
}

// lease takes the lease as asked. Where a transaction was interrupted, that rescues
// it: it is undone.
func (s *Session) lease(ctx context.Context, request *protocol.Request, ask *protocol.LeaseRequest) (*protocol.LeaseReply, error) {
	if ask.Action != protocol.LeaseTake {
		return &protocol.LeaseReply{}, s.hold(ctx, request)
	}
	if t := s.Host.transaction(""); t != nil && t.Run == request.Run {
		t.End(protocol.Verdict{Outcome: protocol.RolledBack, Message: "it was interrupted"})
	}
	request.Epoch = 0
	return &protocol.LeaseReply{}, s.hold(ctx, request)
}

// begin starts the transaction of what was prepared.
func (s *Session) begin(ctx context.Context, request *protocol.Request, _ *protocol.BeginRequest) (*protocol.BeginReply, error) {
	state := s.Host.Look()
	if s.Part == nil && s.Back == "" {
		return nil, fmt.Errorf("nothing was prepared")
	}
	if err := s.hold(ctx, request); err != nil {
		return nil, err
	}
	if s.Back != "" {
		return s.start(&Transaction{Back: s.Back}, nil)
	}
	if paths, texts := s.missing(); len(paths)+len(texts) > 0 {
		return nil, fmt.Errorf("%d paths and %d payloads have not come", len(paths), len(texts))
	}
	return s.start(&Transaction{Part: s.Part, Plan: s.Request.Digest}, state.OnApply)
}

func (s *Session) start(t *Transaction, script func(*Transaction) error) (*protocol.BeginReply, error) {
	t.Host, t.ID, t.Run, t.Epoch = s.Host, fmt.Sprintf("%s-%d", s.Request.Run, s.Request.Epoch), s.Request.Run, s.Request.Epoch
	t.more = sync.NewCond(&t.mu)
	s.Host.mu.Lock()
	s.Host.transactions = append(s.Host.transactions, t)
	s.Host.mu.Unlock()
	go t.run(script)
	if state := s.Host.Look(); state.OnBegin != nil {
		if err := state.OnBegin(s); err != nil {
			return nil, err
		}
	}
	return &protocol.BeginReply{Transaction: t.ID}, nil
}

// back prepares the way to a generation, which must be named by its number.
func (s *Session) back(_ context.Context, _ *protocol.Request, ask *protocol.BackRequest) (*protocol.BackReply, error) {
	state := s.Host.Look()
	number, err := strconv.Atoi(ask.To)
	if err != nil || state.Generations[number] == "" {
		return nil, fmt.Errorf("there is no generation %q", ask.To)
	}
	s.Back = state.Generations[number]
	return &protocol.BackReply{Generation: &schema.KeptGeneration{Generation: number, Manifest: s.Back}}, nil
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
