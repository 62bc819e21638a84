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

	leases  *lease.Store
	slots   *slot.Store
	holding holding
	began   time.Duration // when, by the clock of the boot
	part    *prepared     // nil before a prepare that was not refused
	// imported are paths that were missing in this session: Nix checked them when
	// they came. checked are those whose content was hashed in it.
	imported, checked map[schema.StorePath]bool
}

// server returns the session's handlers.
func (s *session) server() *protocol.Server {
	server := protocol.NewServer(s.hold)
	protocol.Handle(server, protocol.Hello, s.greet)
	protocol.Handle(server, protocol.ReplaceHelper, s.replaceHelper)
	protocol.Handle(server, protocol.Observe, s.observe)
	protocol.Handle(server, protocol.Prepare, s.prepare)
	protocol.Handle(server, protocol.Payloads, s.keepPayloads)
	protocol.Handle(server, protocol.Lease, s.changeLease)
	protocol.Handle(server, protocol.Begin, s.begin)
	protocol.Handle(server, protocol.Attach, s.attach)
	protocol.Handle(server, protocol.Confirm, s.confirm)
	protocol.Handle(server, protocol.Back, s.prepareBack)
	protocol.Handle(server, protocol.Leave, s.leave)
	protocol.Handle(server, protocol.History, s.history)
	protocol.Handle(server, protocol.Run, s.command)
	protocol.Handle(server, protocol.Health, s.checkHealth)
	protocol.Handle(server, protocol.Hook, s.hook)
	protocol.Handle(server, protocol.Reboot, s.reboot)
	protocol.Handle(server, protocol.Slot, s.slot)
	return server
}

// handle answers one request, and keeps the lease while that takes its time. It reports
// whether the request was the session's last.
func (s *session) handle(ctx context.Context, server *protocol.Server, received received) (last bool) {
	stop := s.keep(ctx)
	reply, last, err := server.Answer(ctx, received.request, received.body)
	stop()
	response := message{Response: protocol.Response{Seq: received.request.Seq, Kind: protocol.ReplyBody}, body: reply}
	if err != nil {
		response.Kind, response.body = protocol.ErrorBody, asError(err)
	}
	_, response.Epoch = s.holding.get()
	s.sender.send(response)
	return last
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
func (s *session) replaceHelper(ctx context.Context, request *protocol.Request, ask *protocol.ReplaceRequest) (*protocol.ReplaceReply, error) {
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
