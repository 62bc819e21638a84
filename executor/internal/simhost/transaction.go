package simhost

import (
	"errors"
	"sync"

	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Transaction is a change of the host, which outlives sessions.
type Transaction struct {
	Host *Host
	ID   string
	// Run and Epoch are those of the lease under which it began.
	Run   string
	Epoch int64
	// Part is what to apply.
	Part *schema.Part
	// Back is the manifest that the host goes back to; empty where it has a part.
	Back schema.Digest

	mu        sync.Mutex
	more      *sync.Cond
	events    []protocol.Event
	verdict   *protocol.Verdict
	waiting   int // since when, by [Host.tick]; 0 where it does not wait
	confirmed bool
	gone      bool
}

// ErrLost makes a script kill the transaction, which is interrupted until it is rescued.
var ErrLost = errors.New("the transaction is killed here")

// Send sends an event to all who watch.
func (t *Transaction) Send(event protocol.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	event.Number = len(t.events) + 1
	t.events = append(t.events, event)
	t.more.Broadcast()
}

// Confirm waits to be confirmed.
func (t *Transaction) Confirm(window string) {
	now := t.Host.tick()
	t.mu.Lock()
	t.waiting = now
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

// Changes returns what it changes.
func (t *Transaction) Changes() []schema.Change { return t.Host.changes(t.Part) }

// Finish makes the host what was prepared.
func (t *Transaction) Finish() {
	if t.Back != "" {
		t.commit(t.Back, protocol.Applied, nil)
		return
	}
	changes := t.Changes()
	for i := range changes {
		t.Send(protocol.Event{Change: &changes[i]})
	}
	t.Commit(changes)
}

// Commit is [Transaction.Finish] with the events of the changes already sent.
func (t *Transaction) Commit(changes []schema.Change) {
	outcome := protocol.Applied
	if len(changes) == 0 {
		outcome = protocol.Unchanged
	}
	t.commit(t.Part.Index.Hosts[t.Part.Host].Manifest, outcome, changes)
}

func (t *Transaction) commit(manifest schema.Digest, outcome protocol.Outcome, changes []schema.Change) {
	t.Host.Set(func(state *State) {
		state.Generation++
		state.Applied, state.Generations[state.Generation] = manifest, manifest
		state.Drifted = state.Drifted && t.Back != ""
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

// describe describes the transactions in a hello's reply.
func (h *Host) describe(run string, reply *protocol.HelloReply) {
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
