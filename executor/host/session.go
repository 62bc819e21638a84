package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/lease"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/slot"
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

	leases  *lease.Book
	slots   *slot.Book
	holding holding
	began   time.Duration   // when, by the clock of the boot
	hello   *protocol.Hello // nil before the hello
	part    *prepared       // nil before a prepare that was not refused
	// imported are paths that were missing in this session: Nix checked them when
	// they came. checked are those whose content was hashed in it.
	imported, checked map[schema.StorePath]bool
}

// handle answers one request. It reports whether that was the session's last.
func (s *session) handle(ctx context.Context, request protocol.Request) (last bool) {
	response := protocol.Response{Seq: request.Seq}
	stop := s.keep(ctx)
	if err := s.answer(ctx, request, &response); err != nil {
		response.Error = asError(err)
	}
	stop()
	_, response.Epoch = s.holding.get()
	s.sender.send(response)
	goes := response.RebootReply != nil && response.RebootReply.Going
	ends := request.Op == protocol.OpReplaceHelper || request.Op == protocol.OpLeave || goes
	return ends && response.Error == nil || s.hello == nil && response.Error != nil
}

// withoutHello are requests that a session may begin with. An executor that speaks
// another version may bring its own helper right away; who looks, watches, confirms
// or runs a command wants nothing else.
var withoutHello = map[protocol.Op]bool{
	protocol.OpReplaceHelper: true, protocol.OpObserve: true, protocol.OpHistory: true, protocol.OpAttach: true, protocol.OpConfirm: true, protocol.OpRun: true,
	protocol.OpHealth: true, protocol.OpReboot: true, protocol.OpSlot: true,
}

func (s *session) answer(ctx context.Context, request protocol.Request, response *protocol.Response) (err error) {
	if begins := request.Op == protocol.OpHello; (s.hello == nil) != begins && (s.hello != nil || !withoutHello[request.Op]) {
		return protocolError("expected a session to begin with one hello, found %q", request.Op)
	}
	if !runRE.MatchString(request.Run) {
		return protocolError("%q is no name of a run", request.Run)
	}
	outer := ctx
	ctx = context.WithoutCancel(ctx) // what has begun goes on to its end
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
		response.ReplaceReply, err = s.replaceHelper(ctx, request)
	case protocol.OpPrepare:
		if request.Prepare == nil {
			return missing(request.Op)
		}
		response.PrepareReply, err = s.prepare(ctx, request)
	case protocol.OpPayloads:
		if request.Payloads == nil {
			return missing(request.Op)
		}
		response.PayloadsReply, err = s.keepPayloads(ctx, request)
	case protocol.OpLease:
		if request.Lease == nil {
			return missing(request.Op)
		}
		response.LeaseReply, err = s.changeLease(ctx, request)
	case protocol.OpBegin:
		if request.Begin == nil {
			return missing(request.Op)
		}
		response.BeginReply, err = s.begin(ctx, request)
	case protocol.OpAttach:
		if request.Attach == nil {
			return missing(request.Op)
		}
		response.AttachReply, err = s.attach(outer, request) // but for watching
	case protocol.OpConfirm:
		if request.Confirm == nil {
			return missing(request.Op)
		}
		response.ConfirmReply, err = s.confirm(request)
	case protocol.OpBack:
		if request.Back == nil {
			return missing(request.Op)
		}
		response.BackReply, err = s.prepareBack(ctx, request)
	case protocol.OpLeave:
		if request.Leave == nil {
			return missing(request.Op)
		}
		response.LeaveReply, err = s.leave(ctx, request)
	case protocol.OpHistory:
		if request.History == nil {
			return missing(request.Op)
		}
		response.HistoryReply, err = s.history(request)
	case protocol.OpRun:
		if request.Command == nil {
			return missing(request.Op)
		}
		response.CommandReply, err = s.command(outer, request) // which the end of the session ends
	case protocol.OpHealth:
		if request.Health == nil {
			return missing(request.Op)
		}
		response.HealthReply, err = s.checkHealth(outer, request) // which the end of the session ends
	case protocol.OpHook:
		if request.Hook == nil {
			return missing(request.Op)
		}
		response.HookReply, err = s.hook(outer, request) // which the end of the session ends
	case protocol.OpReboot:
		if request.Reboot == nil {
			return missing(request.Op)
		}
		response.RebootReply, err = s.reboot(ctx, request)
	case protocol.OpSlot:
		if request.Slot == nil {
			return missing(request.Op)
		}
		response.SlotReply, err = s.slot(ctx, request)
	default:
		return protocolError("unknown request %q; this helper speaks version %d", request.Op, protocol.Version)
	}
	return err
}

// opens opens the session with a request that may come before any hello.
func (s *session) opens(hello protocol.Hello) error {
	if err := sameVersion(hello.Version); err != nil {
		return err
	}
	if s.hello == nil {
		s.hello = &hello
	}
	return nil
}

func sameVersion(executor int) error {
	if executor != protocol.Version {
		return protocolError("this helper speaks version %d of the protocol, the executor version %d", protocol.Version, executor)
	}
	return nil
}

func missing(op protocol.Op) error { return protocolError("the request %q is empty", op) }

func protocolError(format string, args ...any) error {
	return &protocol.Error{Kind: protocol.KindProtocol, Message: fmt.Sprintf(format, args...)}
}

// refuse makes a refusal of reasons.
func refuse(reasons ...kind.Refusal) error {
	message, hint := kind.Texts(reasons)
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

// replaceHelper puts in place the helper that the plan names.
func (s *session) replaceHelper(ctx context.Context, request protocol.Request) (*protocol.ReplaceReply, error) {
	ask := request.ReplaceHelper
	digest, err := schema.DigestOfValue(ask.Index)
	if err != nil {
		return nil, err
	}
	if digest != request.Digest {
		return nil, refuse(kind.Refusal{Message: fmt.Sprintf("wrong digest of the index: expected %s, found %s", request.Digest, digest)})
	}
	system := systemOf(s.deps.Machine)
	want, found := ask.Index.Helpers[system], schema.DigestOf(ask.Binary)
	if want == "" {
		return nil, refuse(kind.Refusal{Message: fmt.Sprintf("the plan names no helper for %s", system)})
	}
	if found != want {
		return nil, refuse(kind.Refusal{Message: fmt.Sprintf("wrong helper: expected %s, found %s", want, found)})
	}
	if err := s.hold(ctx, request); err != nil {
		return nil, err
	}
	if err := s.state.ReplaceHelper(ask.Binary); err != nil {
		return nil, err
	}
	return &protocol.ReplaceReply{Helper: found}, nil
}
