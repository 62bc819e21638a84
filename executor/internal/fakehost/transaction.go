package fakehost

import (
	"context"
	"fmt"
	"sync"

	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Transaction is a change of the host, which goes on whatever becomes of sessions.
type Transaction struct {
	Host *Host
	ID   string
	// Run and Epoch are those of the lease under which it began.
	Run   string
	Epoch int64
	// Part is what the host shall be.
	Part *schema.Part
	// Back is the manifest that the host goes back to; empty where it has a part.
	Back schema.Digest
	// Plan is the plan's digest.
	Plan schema.Digest

	mu        sync.Mutex
	more      *sync.Cond
	events    []protocol.Event
	verdict   *protocol.Verdict
	waiting   bool
	confirmed bool
	gone      bool
}

// ErrLost is what a script returns after which nobody works on the transaction
// until it is rescued.
var ErrLost = fmt.Errorf("the transaction is killed here")

// Send tells an event to all who watch.
func (t *Transaction) Send(event protocol.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	event.Number = len(t.events) + 1
	t.events = append(t.events, event)
	t.more.Broadcast()
}

// Confirm waits to be confirmed and reports whether it was, within the patience of
// a test.
func (t *Transaction) Confirm(window string) {
	t.mu.Lock()
	t.waiting = true
	t.mu.Unlock()
	t.Send(protocol.Event{Stage: schema.StageConfirm, Confirm: &protocol.Waiting{Window: window}})
	t.mu.Lock()
	defer t.mu.Unlock()
	for !t.confirmed {
		t.more.Wait()
	}
}

// Cut cuts all connections of the host.
func (t *Transaction) Cut() { t.Host.Server.CutAll() }

// Finish makes the host what was prepared.
func (t *Transaction) Finish() {
	if t.Back != "" {
		t.Host.Set(func(state *State) {
			state.Generation++
			state.Applied, state.Generations[state.Generation] = t.Back, t.Back
		})
		t.End(protocol.Verdict{Outcome: protocol.Applied, Generation: t.Host.Look().Generation})
		return
	}
	changes := changesOf(t.Host, t.Part)
	for i := range changes {
		t.Send(protocol.Event{Change: &changes[i]})
	}
	outcome := protocol.Applied
	if len(changes) == 0 {
		outcome = protocol.Unchanged
	}
	t.Host.Set(func(state *State) {
		state.Applied, state.Drifted = t.Part.Index.Hosts[t.Part.Host].Manifest, false
		state.Generation++
		state.Generations[state.Generation] = state.Applied
	})
	t.End(protocol.Verdict{Outcome: outcome, Generation: t.Host.Look().Generation, Changes: changes})
}

// End ends it with a verdict.
func (t *Transaction) End(verdict protocol.Verdict) {
	verdict.Transaction = t.ID
	if verdict.Changes == nil {
		verdict.Changes = []schema.Change{}
	}
	t.Host.Set(func(state *State) {
		if state.lease == t.Run {
			state.lease = ""
		}
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.verdict = &verdict
	t.more.Broadcast()
}

func (t *Transaction) run(script func(*Transaction) error) {
	var err error
	if script != nil {
		err = script(t)
	}
	t.mu.Lock()
	ended := t.verdict != nil
	t.gone = err == ErrLost
	t.more.Broadcast()
	t.mu.Unlock()
	switch reported, ok := err.(*protocol.Error); {
	case ended || err == ErrLost:
	case ok:
		t.End(protocol.Verdict{Outcome: protocol.RolledBack, Message: reported.Message, Hint: reported.Hint})
	case err != nil:
		t.End(protocol.Verdict{Outcome: protocol.RolledBack, Message: err.Error()})
	default:
		t.Finish()
	}
}

// attach tells events until the verdict.
func (s *Session) attach(_ context.Context, _ *protocol.Request, ask *protocol.AttachRequest) (*protocol.AttachReply, error) {
	t := s.Host.transaction(ask.Transaction)
	if t == nil {
		return nil, fmt.Errorf("no transaction is at work on this host")
	}
	if ask.Transaction == "" {
		s.Send(protocol.Event{Watching: &protocol.Transaction{ID: t.ID, Run: t.Run, Operator: "alice@desk"}})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for told := ask.After; ; {
		for ; told < len(t.events); told++ {
			s.Send(t.events[told])
		}
		if t.verdict != nil {
			return &protocol.AttachReply{Verdict: *t.verdict}, nil
		}
		if t.gone {
			return &protocol.AttachReply{Verdict: protocol.Verdict{Transaction: t.ID, Outcome: protocol.Pending, Message: "it was interrupted"}}, nil
		}
		t.more.Wait()
	}
}

func (s *Session) confirm(_ context.Context, request *protocol.Request, ask *protocol.ConfirmRequest) (*protocol.ConfirmReply, error) {
	t := s.Host.transaction(ask.Transaction)
	if t == nil {
		return nil, fmt.Errorf("there is no transaction %q", ask.Transaction)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.Run != request.Run || t.Epoch != request.Epoch:
		return nil, fmt.Errorf("%s belongs to run %s in epoch %d, not %s in %d", t.ID, t.Run, t.Epoch, request.Run, request.Epoch)
	case !t.waiting || s.asked > 1:
		return nil, fmt.Errorf("this session proves nothing")
	}
	t.confirmed = true
	t.more.Broadcast()
	return &protocol.ConfirmReply{}, nil
}

// transaction returns the one of that name, or the one at work.
func (h *Host) transaction(id string) *Transaction {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.transactions {
		if t.ID == id || id == "" && t.unfinished() {
			return t
		}
	}
	return nil
}

func (t *Transaction) unfinished() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.verdict == nil
}

// tell describes the transactions in a hello's reply.
func (h *Host) tell(run string, reply *protocol.HelloReply) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.transactions {
		t.mu.Lock()
		switch {
		case t.verdict == nil:
			state := protocol.Live
			if t.gone {
				state = protocol.Interrupted
			}
			reply.Transaction = &protocol.Transaction{ID: t.ID, Run: t.Run, Epoch: t.Epoch, Operator: "alice@desk", State: state}
		case t.Run == run:
			reply.Last = t.verdict
		}
		t.mu.Unlock()
	}
}
