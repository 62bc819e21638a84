package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// session is one executor's conversation with the helper.
type session struct {
	deps   Deps
	files  *rooted.FS
	state  *state.Store
	sender *sender

	hello *protocol.Hello // nil before the hello
	lock  *state.Lock     // nil while the session does not hold it
	part  *prepared       // nil before a prepare that was not refused
	// imported are paths that were missing in this session: Nix checked them when
	// they came. checked are those whose content was hashed in it.
	imported, checked map[schema.StorePath]bool
}

// handle answers one request. It reports whether that was the session's last.
func (s *session) handle(ctx context.Context, request protocol.Request) (last bool) {
	response := protocol.Response{Seq: request.Seq}
	if err := s.answer(ctx, request, &response); err != nil {
		response.Error = asError(err)
	}
	if request.Op == protocol.OpApply {
		s.unlock() // the verdict is written; the link may take its time
	}
	s.sender.send(response)
	return request.Op == protocol.OpReplaceHelper && response.Error == nil || s.hello == nil
}

func (s *session) answer(ctx context.Context, request protocol.Request, response *protocol.Response) (err error) {
	// An executor that speaks another version may bring its own helper right away.
	if begins := request.Op == protocol.OpHello; (s.hello == nil) != begins && request.Op != protocol.OpObserve && (s.hello != nil || request.Op != protocol.OpReplaceHelper) {
		return protocolError("expected a session to begin with one hello, found %q", request.Op)
	}
	switch request.Op {
	case protocol.OpHello:
		if request.Hello == nil {
			return missing(request.Op)
		}
		response.HelloReply, err = s.greet(ctx, request)
	case protocol.OpObserve:
		if request.Observe == nil {
			return missing(request.Op)
		}
		response.ObserveReply, err = s.observe(ctx, request)
	case protocol.OpReplaceHelper:
		if request.ReplaceHelper == nil {
			return missing(request.Op)
		}
		response.ReplaceReply, err = s.replaceHelper(request)
	case protocol.OpPrepare:
		if request.Prepare == nil {
			return missing(request.Op)
		}
		response.PrepareReply, err = s.prepare(ctx, request)
	case protocol.OpPayloads:
		if request.Payloads == nil {
			return missing(request.Op)
		}
		response.PayloadsReply, err = s.keepPayloads(request)
	case protocol.OpApply:
		if request.Apply == nil {
			return missing(request.Op)
		}
		response.ApplyReply, err = s.apply(ctx, request)
	default:
		return protocolError("unknown request %q; this helper speaks version %d", request.Op, protocol.Version)
	}
	return err
}

func missing(op protocol.Op) error { return protocolError("the request %q is empty", op) }

func protocolError(format string, args ...any) error {
	return &protocol.Error{Kind: protocol.KindProtocol, Message: fmt.Sprintf(format, args...)}
}

// refuse makes a refusal of reasons.
func refuse(reasons ...inspect.Refusal) error {
	message, hint := inspect.Texts(reasons)
	return &protocol.Error{Kind: protocol.KindRefused, Message: message, Hint: hint}
}

// asError says what the executor may conclude from an error: unless it says
// otherwise itself, that nothing was touched.
func asError(err error) *protocol.Error {
	var known *protocol.Error
	if errors.As(err, &known) {
		return known
	}
	return &protocol.Error{Kind: protocol.KindRefused, Message: err.Error()}
}

// takeLock takes the host's lock, unless the session has it. What was found
// before counts for nothing then: an apply looks at the host again.
func (s *session) takeLock(run string) error {
	if s.lock != nil {
		return nil
	}
	operator := "unknown"
	if s.hello != nil {
		operator = s.hello.Operator
	}
	lock, err := s.state.Lock(state.Holder{Run: run, Operator: operator, Since: s.deps.Now().UTC().Truncate(time.Second)})
	var locked *state.LockedError
	if errors.As(err, &locked) {
		return refuse(inspect.Refusal{Message: err.Error(), Hint: "wait for that run to end, or end it, and try again"})
	}
	if err != nil {
		return err
	}
	s.lock = lock
	return nil
}

func (s *session) unlock() {
	s.lock.Release()
	s.lock = nil
}

// replaceHelper puts in place the helper that the plan names.
func (s *session) replaceHelper(request protocol.Request) (*protocol.ReplaceReply, error) {
	ask := request.ReplaceHelper
	digest, err := schema.DigestOfValue(ask.Index)
	if err != nil {
		return nil, err
	}
	if digest != request.Digest {
		return nil, refuse(inspect.Refusal{Message: fmt.Sprintf("wrong digest of the index: expected %s, found %s", request.Digest, digest)})
	}
	system := systemOf(s.deps.Machine)
	want, found := ask.Index.Helpers[system], schema.DigestOf(ask.Binary)
	if want == "" {
		return nil, refuse(inspect.Refusal{Message: fmt.Sprintf("the plan names no helper for %s", system)})
	}
	if found != want {
		return nil, refuse(inspect.Refusal{Message: fmt.Sprintf("wrong helper: expected %s, found %s", want, found)})
	}
	if err := s.takeLock(request.Run); err != nil {
		return nil, err
	}
	if err := s.state.ReplaceHelper(ask.Binary); err != nil {
		return nil, err
	}
	return &protocol.ReplaceReply{Helper: found}, nil
}
