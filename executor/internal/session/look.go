package session

import (
	"context"
	"errors"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// observePatience is how long a host may look at itself: the hashing of a large
// closure takes its time.
const observePatience = 10 * time.Minute

// Look starts the helper that is on the host, whatever its hash, only to look. No
// file on the host changes.
func Look(conn *transport.Conn, id Identity) (*Session, error) { return start(conn, id) }

// First is [Session.Call] for the first request of a session without a hello: where
// no answer comes, it finds out why.
func (s *Session) First(ctx context.Context, request Request) (*protocol.Response, error) {
	response, err := s.Call(ctx, request)
	if err != nil {
		err = s.diagnose(ctx, err)
	}
	return response, err
}

// Observe asks the helper about the host; the body is a [protocol.Observe].
func (s *Session) Observe(ctx context.Context, body ...[]byte) (*protocol.ObserveReply, error) {
	first := s.seq == 0
	response, err := s.Call(ctx, Request{Op: protocol.OpObserve, Field: "observe", Body: body, Deadline: observePatience})
	if err != nil && first {
		err = s.diagnose(ctx, err)
	}
	var absent *missingHelper
	switch {
	case errors.As(err, &absent):
		return nil, fault.New(fault.Refused, "%s: nothing was ever applied there", absent.Error()).
			WithHint("the first execution installs it where %q may use sudo freely; or %s", s.user, byHand(s.Identity))
	case isProtocol(err):
		return nil, fault.New(fault.Refused, "the helper on %s is of another version of NixFleet: %w", s.Host, err).
			WithHint("an execution replaces it by the plan's; or look with the nixfleet that executed last")
	case err != nil:
		return nil, err
	case response.ObserveReply == nil:
		return nil, fault.New(fault.Refused, "the helper on %s answered observe with something else", s.Host)
	}
	return response.ObserveReply, nil
}
