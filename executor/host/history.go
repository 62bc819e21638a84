package host

import (
	"context"
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// history tells what was done to the host, and which generations it keeps.
func (s *session) history(_ context.Context, _ *protocol.Request, ask *protocol.HistoryRequest) (*protocol.HistoryReply, error) {
	if ask.Limit < 0 {
		return nil, protocol.Errorf("expected to tell of 0 or more changes, found %d", ask.Limit)
	}
	known, err := s.state.Load()
	if err != nil {
		return nil, err
	}
	entries, err := transaction.History(s.state, ask.Limit)
	if err != nil {
		return nil, err
	}
	kept, err := s.kept(known)
	if err != nil {
		return nil, err
	}
	if entries == nil {
		entries = []schema.HistoryEntry{}
	}
	return &protocol.HistoryReply{Entries: entries, Generations: kept}, nil
}

// kept returns the generations that the host keeps, the newest first. One that
// cannot be read is none.
func (s *session) kept(known *schema.State) ([]schema.KeptGeneration, error) {
	numbers, err := s.state.Generations()
	if err != nil {
		return nil, err
	}
	kept := []schema.KeptGeneration{}
	for _, number := range slices.Backward(numbers) {
		g, _, _, err := s.state.LoadGeneration(number)
		if err != nil {
			continue
		}
		kept = append(kept, schema.KeptGeneration{
			Generation: number, InEffect: known.Applied != nil && known.Applied.Generation == number, RollbackTo: g.Of,
			Manifest: g.Manifest, Plan: g.Plan, Revision: g.Revision, Run: g.Run, Operator: g.Operator, At: g.At,
		})
	}
	return kept, nil
}
