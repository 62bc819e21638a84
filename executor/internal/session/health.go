package session

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// Health has the helper ask the checks of the manifest that was applied, and returns what
// is not well; empty where all is. An error says that it was not asked.
func (s *Session) Health(ctx context.Context, deadline time.Duration, tell func(*protocol.Event)) (failure string, err error) {
	body, err := json.Marshal(protocol.Health{Version: protocol.Version, Host: s.Host, Operator: s.Operator, Manifest: s.Manifest})
	if err != nil {
		return "", err
	}
	first := s.seq == 0
	response, err := s.Call(ctx, Request{Op: protocol.OpHealth, Field: "health", Body: [][]byte{body}, Deadline: deadline, OnEvent: tell})
	switch {
	case err != nil && first:
		return "", s.explain(s.diagnose(ctx, err))
	case err != nil:
		return "", err
	case response.HealthReply == nil:
		return "", fault.New(fault.Refused, "the helper on %s answered health with something else", s.Host)
	}
	return response.HealthReply.Failure, nil
}
