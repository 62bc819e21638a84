package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// transactionRE is what names of transactions look like.
var transactionRE = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.-]{0,99}$`)

// attachPoll is how often a transaction is asked for news.
const attachPoll = 10 * time.Millisecond

// attach tells the events of a transaction until it has ended, or nobody works on
// it any more. Watching changes nothing.
func (s *session) attach(ctx context.Context, request *protocol.Request, ask *protocol.AttachRequest) (*protocol.AttachReply, error) {
	id := ask.Transaction
	if id == "" {
		found, err := transaction.Unfinished(s.state)
		if err != nil {
			return nil, err
		}
		if found == nil {
			return nil, refuse(kind.Refusal{Message: "no transaction is at work on this host"})
		}
		id = found.Order.ID
		described, err := s.describe(found)
		if err != nil {
			return nil, err
		}
		s.tell(request, protocol.Event{Watching: described})
	}
	if _, err := s.orderOf(id); err != nil {
		return nil, err
	}
	log := &reader{state: s.state, id: id}
	idle := s.deps.Clock.Now() // since when nobody works on it
	for {
		// In this order: what is told after the verdict was looked for comes before it.
		verdict, err := transaction.LoadVerdict(s.state, id)
		if err != nil {
			return nil, err
		}
		if err := s.pass(request, ask.After, log); err != nil {
			return nil, err
		}
		if verdict != nil && !verdict.Unfinished {
			return &protocol.AttachReply{Verdict: verdictOf(verdict)}, nil
		}
		if s.state.LockHolder() != nil {
			idle = s.deps.Clock.Now()
		} else if s.deps.Clock.Now()-idle > s.deps.Idle {
			return interrupted(id, verdict), nil
		}
		select {
		case <-ctx.Done():
			return nil, &protocol.Error{Kind: protocol.KindEnded, Message: fmt.Sprintf("told to end while watching %s: %v", id, context.Cause(ctx))}
		case <-time.After(attachPoll):
		}
	}
}

// pass passes on the events that the executor has not seen.
func (s *session) pass(request *protocol.Request, after int, log *reader) error {
	events, err := log.next()
	for _, event := range events {
		if event.Number > after {
			s.tell(request, event)
		}
	}
	return err
}

// interrupted is the verdict of a transaction that nobody works on.
func interrupted(id string, verdict *transaction.Verdict) *protocol.AttachReply {
	if verdict != nil {
		return &protocol.AttachReply{Verdict: verdictOf(verdict)}
	}
	return &protocol.AttachReply{Verdict: protocol.Verdict{
		Transaction: id, Outcome: protocol.Pending, Message: "it was interrupted, and nobody works on it",
	}}
}

func (s *session) orderOf(id string) (transaction.Order, error) {
	if !transactionRE.MatchString(id) {
		return transaction.Order{}, protocol.Errorf("invalid transaction id %q", id)
	}
	order, err := transaction.LoadOrder(s.state, id)
	if errors.Is(err, fs.ErrNotExist) {
		return order, refuse(kind.Refusal{Message: fmt.Sprintf("there is no transaction %s on this host", id)})
	}
	return order, err
}

func verdictOf(v *transaction.Verdict) protocol.Verdict {
	return protocol.Verdict{
		Transaction: v.Transaction, Outcome: protocol.Outcome(v.Outcome), Generation: v.Generation,
		Changes: v.Changes, Message: v.Message, Hint: v.Hint, FailedUnits: v.FailedUnits,
	}
}

// confirm lets a transaction know that the host can be reached.
func (s *session) confirm(_ context.Context, request *protocol.Request, ask *protocol.ConfirmRequest) (*protocol.ConfirmReply, error) {
	order, err := s.orderOf(ask.Transaction)
	if err != nil {
		return nil, err
	}
	refusal := func(format string, args ...any) error {
		return refuse(kind.Refusal{Message: fmt.Sprintf(format, args...)})
	}
	if order.Run != request.Run || order.Epoch != request.Epoch {
		return nil, refusal("the transaction %s belongs to run %s in epoch %d, not to run %s in epoch %d", order.ID, order.Run, order.Epoch, request.Run, request.Epoch)
	}
	events, err := (&reader{state: s.state, id: order.ID}).next()
	if err != nil {
		return nil, err
	}
	waiting := waitingSince(events)
	if waiting == nil {
		return nil, refusal("the transaction %s does not wait to be confirmed", order.ID)
	}
	if s.began <= waiting.Since {
		return nil, refusal("this session began before the transaction %s waited: only a new connection proves that the host can be reached", order.ID)
	}
	// If we crash here, the executor asks again over another connection, or the
	// transaction undoes the change.
	if err := s.state.Write(transaction.Name(order.ID, confirmed), []byte(request.Run+"\n")); err != nil {
		return nil, err
	}
	return &protocol.ConfirmReply{}, nil
}

func waitingSince(events []protocol.Event) (waiting *protocol.Waiting) {
	for _, event := range events {
		if event.Confirm != nil {
			waiting = event.Confirm
		}
	}
	return waiting
}
