package session

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// Command has the helper run a command, and tells of its beginning and its output as
// they come. After that, an error that is no answer of the helper's leaves open what it did.
func (s *Session) Command(ctx context.Context, command protocol.Command, deadline time.Duration, tell func(*protocol.Event)) (*protocol.CommandReply, error) {
	command.Version, command.Host, command.Operator = protocol.Version, s.Host, s.Operator
	body, err := json.Marshal(command)
	if err != nil {
		return nil, err
	}
	// If we crash here, the end of the session ends the command.
	response, err := s.Call(ctx, Request{Op: protocol.OpRun, Field: "command", Body: [][]byte{body}, Deadline: deadline, OnEvent: tell})
	if err != nil {
		return nil, s.explain(s.diagnose(ctx, err))
	}
	if response.CommandReply == nil {
		return nil, fault.New(fault.Refused, "the helper on %s answered run with something else", s.Host)
	}
	return response.CommandReply, nil
}
