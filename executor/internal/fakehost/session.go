package fakehost

import (
	"fmt"
	"io"

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

	conn   *protocol.Conn
	hello  *protocol.Hello
	locked bool
}

// ErrCut is what a script returns after which the link shall break.
var ErrCut = fmt.Errorf("the link breaks here")

// ErrDie is what a script returns after which the helper shall be gone.
var ErrDie = fmt.Errorf("the helper dies here")

func (s *Session) serve() int {
	defer s.unlock()
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
		response := protocol.Response{Seq: s.Request.Seq}
		switch err := s.answer(&response); err {
		case nil:
		case ErrCut:
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
		if s.Request.Op == protocol.OpApply {
			s.unlock()
		}
		if err := s.conn.Send(response); err != nil {
			return 1
		}
		if s.Request.Op == protocol.OpReplaceHelper {
			return 0
		}
	}
}

// lock is the host's lock, which a session holds from its first prepare to its
// verdict or end.
func (s *Session) lock() error {
	var holder string
	s.Host.Set(func(state *State) {
		if holder = state.holder; holder == "" {
			state.holder, s.locked = s.Request.Run, true
		}
	})
	if holder != "" && !s.locked {
		return fmt.Errorf("the host is locked by the run %s", holder)
	}
	return nil
}

func (s *Session) unlock() {
	if s.locked {
		s.Host.Set(func(state *State) { state.holder = "" })
		s.locked = false
	}
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
		if err := s.lock(); err != nil {
			return err
		}
		if state.OnPrepare != nil {
			if err := state.OnPrepare(s); err != nil {
				return err
			}
		}
		response.PrepareReply, err = s.prepare()
	case protocol.OpPayloads:
		response.PayloadsReply, err = s.keep()
	case protocol.OpApply:
		response.ApplyReply, err = s.apply(state)
	default:
		err = fmt.Errorf("unknown request %q", s.Request.Op)
	}
	return err
}

func (s *Session) greet() (*protocol.HelloReply, error) {
	state := s.Host.Look() // a script may have changed it
	s.hello = s.Request.Hello
	busy := state.Busy
	if state.holder != "" {
		busy = state.holder
	}
	system := schema.X8664Linux
	if state.Machine == "Linux aarch64" {
		system = schema.AArch64Linux
	}
	if s.hello.Version != state.Version {
		return nil, &protocol.Error{Kind: protocol.KindProtocol,
			Message: fmt.Sprintf("this helper speaks version %d of the protocol, the executor version %d", state.Version, s.hello.Version)}
	}
	return &protocol.HelloReply{
		Version: state.Version, Helper: schema.DigestOf(state.Helper), System: system, Base: schema.Debian, Nix: "2.8.0",
		Applied: state.Applied, Generation: state.Generation, Pending: state.Pending, PendingRun: state.PendingRun, Failure: state.Failure, Busy: busy,
		Unchanged: state.Applied == s.hello.Manifest && !state.Drifted && state.Pending == "" && busy == "",
	}, nil
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

func (s *Session) changes() []schema.Change {
	changes := []schema.Change{}
	if s.Part.Index.Hosts[s.Part.Host].Manifest == s.Host.Look().Applied && !s.Host.Look().Drifted {
		return changes
	}
	for _, file := range s.Part.Manifest.Files {
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

func (s *Session) apply(state State) (*protocol.ApplyReply, error) {
	if s.Part == nil {
		return nil, fmt.Errorf("nothing was prepared")
	}
	if paths, texts := s.missing(); len(paths)+len(texts) > 0 {
		return nil, fmt.Errorf("%d paths and %d payloads have not come", len(paths), len(texts))
	}
	if state.OnApply != nil {
		if err := state.OnApply(s); err != nil {
			return nil, err
		}
	}
	return s.Finish(), nil
}

// Finish makes the host what was prepared.
func (s *Session) Finish() *protocol.ApplyReply {
	changes := s.changes()
	for i := range changes {
		s.Send(protocol.Event{Change: &changes[i]})
	}
	s.Host.Set(func(state *State) {
		state.Applied, state.Drifted, state.Pending, state.PendingRun, state.Failure = s.Part.Index.Hosts[s.Part.Host].Manifest, false, "", "", ""
		state.Generation++
	})
	return &protocol.ApplyReply{Generation: s.Host.Look().Generation, Changes: changes}
}
