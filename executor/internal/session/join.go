package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// Join starts the helper that is on the host, whatever its hash, and says hello. It
// neither installs nor replaces anything: it is for what a host can do by itself.
func Join(ctx context.Context, conn *transport.Conn, id Identity) (*Session, *protocol.HelloReply, error) {
	s, reply, err := hello(ctx, conn, id)
	var missing *missingHelper
	switch {
	case errors.As(err, &missing):
		return nil, nil, &AbsentError{fault.New(fault.Refused, "%s: it is in no fleet", missing.Error()).
			WithHint("nothing was ever applied there, or it was released; nixfleet execute brings it into a fleet")}
	case isProtocol(err):
		return nil, nil, fault.New(fault.Refused, "the helper on %s is of another version of NixFleet: %w", id.Host, err).
			WithHint("an execution replaces it by the plan's; or use the nixfleet that executed last")
	case err != nil:
		return nil, nil, err
	case reply.Version != protocol.Version:
		s.Close()
		return nil, nil, versionError(id, reply.Version)
	}
	return s, reply, nil
}

// AbsentError says that there is no helper on the host.
type AbsentError struct{ error }

// Unwrap returns the error with its kind.
func (e *AbsentError) Unwrap() error { return e.error }

// Deserted reports whether nothing of NixFleet is on the host: neither the helper nor
// the directory that it lives in.
func Deserted(conn *transport.Conn) (bool, error) {
	exit, err := run(conn, "ls -d "+stateDirectory, nil)
	return err == nil && exit.Status != 0 && strings.Contains(exit.Stderr, "No such file"), err
}

const stateDirectory = "/var/lib/nixfleet"

// Back prepares a way back.
func (s *Session) Back(ctx context.Context, where protocol.Back, patience time.Duration, onEvent func(*protocol.Event)) (*protocol.BackReply, error) {
	body, err := json.Marshal(where)
	if err != nil {
		return nil, err
	}
	response, err := s.Call(ctx, Request{Op: protocol.OpBack, Field: "back", Body: [][]byte{body}, Deadline: patience, OnEvent: onEvent})
	if err != nil {
		return nil, s.explain(err)
	}
	if response.BackReply == nil || response.BackReply.Generation == nil && !where.Release {
		return nil, fault.New(fault.Refused, "the helper on %s answered back with something else", s.Host)
	}
	return response.BackReply, nil
}

// History asks the helper what was done to the host.
func (s *Session) History(ctx context.Context, limit int) (*protocol.HistoryReply, error) {
	body, err := json.Marshal(protocol.History{Version: protocol.Version, Limit: limit})
	if err != nil {
		return nil, err
	}
	response, err := s.Call(ctx, Request{Op: protocol.OpHistory, Field: "history", Body: [][]byte{body}, Deadline: observePatience})
	if err != nil {
		return nil, s.explain(s.diagnose(ctx, err))
	}
	if response.HistoryReply == nil {
		return nil, fault.New(fault.Refused, "the helper on %s answered history with something else", s.Host)
	}
	return response.HistoryReply, nil
}

// explain says of who only looks why there is nobody to ask.
func (s *Session) explain(err error) error {
	var absent *missingHelper
	switch {
	case errors.As(err, &absent):
		return fault.New(fault.Refused, "%s: nothing was ever applied there, or it was released", absent.Error())
	case isProtocol(err):
		return fault.New(fault.Refused, "the helper on %s is of another version of NixFleet: %w", s.Host, err).
			WithHint("an execution replaces it by the plan's; or look with the nixfleet that executed last")
	}
	return err
}

// Leave asks the helper to remove itself with all that is NixFleet's own.
func (s *Session) Leave(ctx context.Context, onEvent func(*protocol.Event)) (*protocol.LeaveReply, error) {
	// If we crash here, the helper goes on to the end; the next release looks again.
	response, err := s.Call(ctx, Request{Op: protocol.OpLeave, Field: "leave", Body: [][]byte{[]byte("{}")}, Deadline: replacePatience, OnEvent: onEvent})
	if err != nil {
		return nil, err
	}
	if response.LeaveReply == nil {
		return nil, fmt.Errorf("the helper on %s answered leave with something else", s.Host)
	}
	return response.LeaveReply, nil
}
