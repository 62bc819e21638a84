package fakehost

import (
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
	// Request is the one under way.
	Request protocol.Request
	// Part is what was prepared.
	Part *schema.Part
	// Back is what the host shall go back to.
	Back schema.Digest

	conn  *protocol.Conn
	hello *protocol.Hello
	epoch int64 // of the lease that the session took
	asked int   // how often
}

// ErrCut is what a script returns after which the link shall break.
var ErrCut = fmt.Errorf("the link breaks here")

// ErrDie is what a script returns after which the helper shall be gone.
var ErrDie = fmt.Errorf("the helper dies here")

func (s *Session) serve() int {
	defer s.release()
	for {
		s.Request = protocol.Request{}
		if err := s.conn.Receive(&s.Request); err != nil {
			if err == io.EOF {
				return 0
			}
			fmt.Fprintln(s.Command.Stderr, err)
			return 1
		}
		s.Host.called(string(s.Request.Op))
		s.asked++
		response := protocol.Response{Seq: s.Request.Seq}
		switch err := s.answer(&response); err {
		case nil:
		case ErrCut:
			if s.Request.Op == protocol.OpReboot {
				s.Host.goDown()
			}
			s.Command.Cut()
			return -1
		case ErrDie:
			fmt.Fprintln(s.Command.Stderr, "panic: it died")
			return 2
		default:
			reported, ok := err.(*protocol.Error)
			if !ok {
				reported = &protocol.Error{Kind: protocol.KindRefused, Message: err.Error()}
			}
			response = protocol.Response{Seq: s.Request.Seq, Error: reported}
		}
		response.Epoch = s.epoch
		if err := s.conn.Send(response); err != nil {
			return 1
		}
		if s.Request.Op == protocol.OpReplaceHelper {
			return 0
		}
		if reply := response.RebootReply; reply != nil && reply.Going {
			s.Host.goDown()
			return 0
		}
	}
}

// hold is the host's lease: a request without an epoch takes it, any other must
// have it.
func (s *Session) hold() (err error) {
	s.Host.Set(func(state *State) {
		switch holder := state.Holder + state.lease; {
		case s.Request.Epoch != 0 && (state.lease != s.Request.Run || state.epoch != s.Request.Epoch):
			err = fmt.Errorf("the lease of run %s on this host ended", s.Request.Run)
		case s.Request.Epoch == 0 && holder != "" && holder != s.Request.Run:
			err = fmt.Errorf("locked by run %s, started 2026-01-01T12:00:00Z, by bob@desk", holder)
		case s.Request.Epoch == 0:
			state.epoch++
			state.lease, s.epoch = s.Request.Run, state.epoch
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
	_ = s.conn.Send(protocol.Response{Seq: s.Request.Seq, Event: &event})
}

func (s *Session) answer(response *protocol.Response) (err error) {
	state := s.Host.Look()
	switch s.Request.Op {
	case protocol.OpHello:
		if state.OnHello != nil {
			if err := state.OnHello(s); err != nil {
				return err
			}
		}
		response.HelloReply, err = s.greet()
	case protocol.OpObserve:
		response.ObserveReply, err = s.observe()
	case protocol.OpReplaceHelper:
		response.ReplaceReply, err = s.replace()
	case protocol.OpPrepare:
		if err := s.hold(); err != nil {
			return err
		}
		if state.OnPrepare != nil {
			if err := state.OnPrepare(s); err != nil {
				return err
			}
		}
		response.PrepareReply, err = s.prepare()
	case protocol.OpPayloads:
		if err := s.hold(); err != nil {
			return err
		}
		response.PayloadsReply, err = s.keep()
	case protocol.OpLease:
		response.LeaseReply, err = s.lease()
	case protocol.OpBegin:
		response.BeginReply, err = s.begin(state)
		if err == nil && state.OnBegin != nil {
			err = state.OnBegin(s)
		}
	case protocol.OpAttach:
		if state.OnAttach != nil {
			if err := state.OnAttach(s); err != nil {
				return err
			}
		}
		response.AttachReply, err = s.attach()
	case protocol.OpConfirm:
		response.ConfirmReply, err = s.confirm()
	case protocol.OpBack:
		response.BackReply, err = s.back(state)
	case protocol.OpHealth:
		if s.Request.Health.Manifest != state.Applied {
			return fmt.Errorf("something else was applied meanwhile")
		}
		response.HealthReply = &protocol.HealthReply{}
		if state.OnHealth != nil {
			response.HealthReply.Failure, err = state.OnHealth(s)
		}
	case protocol.OpHook:
		response.HookReply, err = s.hook(state)
	case protocol.OpReboot:
		response.RebootReply, err = s.reboot(state)
	case protocol.OpSlot:
		response.SlotReply, err = s.slot(state)
	case protocol.OpRun:
		response.CommandReply, err = s.run(state)
	default:
		err = fmt.Errorf("unknown request %q", s.Request.Op)
	}
	return err
}

func (s *Session) greet() (*protocol.HelloReply, error) {
	state := s.Host.Look() // a script may have changed it
	s.hello = s.Request.Hello
	system := schema.X8664Linux
	if state.Machine == "Linux aarch64" {
		system = schema.AArch64Linux
	}
	if s.hello.Version != state.Version {
		return nil, &protocol.Error{Kind: protocol.KindProtocol,
			Message: fmt.Sprintf("this helper speaks version %d of the protocol, the executor version %d", state.Version, s.hello.Version)}
	}
	reply := &protocol.HelloReply{
		Version: state.Version, Helper: schema.DigestOf(state.Helper), System: system, Base: schema.Debian, Nix: "2.8.0",
		Applied: state.Applied, Generation: state.Generation, Boot: state.Boot,
	}
	s.Host.tell(s.Request.Run, reply)
	reply.Unchanged = state.Applied == s.hello.Manifest && !state.Drifted && reply.Transaction == nil && state.Holder == ""
	return reply, nil
}

func (s *Session) replace() (*protocol.ReplaceReply, error) {
	ask := s.Request.ReplaceHelper
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

func (s *Session) prepare() (*protocol.PrepareReply, error) {
	part := s.Request.Prepare.Part
	if err := part.Verify(); err != nil {
		return nil, err
	}
	if part.Host != s.hello.Host || part.Digest != s.Request.Digest {
		return nil, fmt.Errorf("the part of %q in plan %s came to %q in plan %s", part.Host, part.Digest, s.hello.Host, s.Request.Digest)
	}
	s.Part = &part
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

func (s *Session) keep() (*protocol.PayloadsReply, error) {
	for digest, payload := range s.Request.Payloads.Payloads {
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
func (s *Session) lease() (*protocol.LeaseReply, error) {
	if s.Request.Lease.Action != protocol.LeaseTake {
		return &protocol.LeaseReply{}, s.hold()
	}
	if t := s.Host.transaction(""); t != nil && t.Run == s.Request.Run {
		t.End(protocol.Verdict{Outcome: protocol.RolledBack, Message: "it was interrupted"})
	}
	s.Request.Epoch = 0
	return &protocol.LeaseReply{}, s.hold()
}

// begin starts the transaction of what was prepared.
func (s *Session) begin(state State) (*protocol.BeginReply, error) {
	if s.Part == nil && s.Back == "" {
		return nil, fmt.Errorf("nothing was prepared")
	}
	if err := s.hold(); err != nil {
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
	return &protocol.BeginReply{Transaction: t.ID}, nil
}

// back prepares the way to a generation, which must be named by its number.
func (s *Session) back(state State) (*protocol.BackReply, error) {
	if err := s.hold(); err != nil {
		return nil, err
	}
	if state.OnBack != nil {
		if err := state.OnBack(s); err != nil {
			return nil, err
		}
	}
	number, err := strconv.Atoi(s.Request.Back.To)
	if err != nil || state.Generations[number] == "" {
		return nil, fmt.Errorf("there is no generation %q", s.Request.Back.To)
	}
	s.Back = state.Generations[number]
	return &protocol.BackReply{Generation: &schema.KeptGeneration{Generation: number, Manifest: s.Back}}, nil
}

// run runs a command as the script says.
func (s *Session) run(state State) (*protocol.CommandReply, error) {
	ask := s.Request.Command
	if ask.Version != state.Version {
		return nil, &protocol.Error{Kind: protocol.KindProtocol,
			Message: fmt.Sprintf("this helper speaks version %d of the protocol, the executor version %d", state.Version, ask.Version)}
	}
	if !ask.NoLock {
		if err := s.hold(); err != nil {
			return nil, err
		}
	}
	s.Send(protocol.Event{Stage: schema.StageRun})
	var exit schema.Exit
	var err error
	if state.OnRun != nil {
		exit, err = state.OnRun(s)
	}
	return &protocol.CommandReply{Exit: exit, Unit: "nixfleet-command-r.service"}, err
}
