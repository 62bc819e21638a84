package host

import (
	"context"
	"errors"
	"fmt"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// begin starts the transaction that makes the host what the prepared part says.
// The session itself changes nothing.
func (s *session) begin(ctx context.Context, request *protocol.Request, _ *protocol.BeginRequest) (*protocol.BeginReply, error) {
	part := s.part
	s.part = nil
	if part == nil || part.Digest != request.Digest {
		return nil, protocol.Errorf("expected to begin what was prepared last, found nothing prepared or another plan")
	}
	if err := s.checkComplete(part); err != nil {
		return nil, err
	}
	order := part.order
	order.Host, order.Run, order.Epoch, order.Operator = part.Host, request.Run, request.Epoch, request.Operator
	order.Manifest, order.Digest, order.Closure = part.Manifest, part.digest, part.Part.Closure
	return s.start(ctx, order)
}

// start writes an order down, under the lease, and has it carried out.
func (s *session) start(ctx context.Context, order transaction.Order) (*protocol.BeginReply, error) {
	// With the lease locked nobody can take the host between the question and the
	// order, which locks it from then on.
	err := s.leases.Under(ctx, order.Run, order.Epoch, func() (err error) {
		if err := s.admit(); err != nil {
			return err
		}
		if order.ID, err = transaction.NewID(s.state, order.Run, order.Epoch); err != nil {
			return err
		}
		return placeOrder(s.state, order)
	})
	if err != nil {
		return nil, asRefusal(err)
	}
	if err := s.deps.Start(ctx, order.ID); err != nil {
		return nil, s.notStarted(ctx, order, err)
	}
	return &protocol.BeginReply{Transaction: order.ID}, nil
}

// notStarted ends a transaction whose process does not run, unless it does after
// all: then whoever asks finds it.
func (s *session) notStarted(ctx context.Context, order transaction.Order, cause error) error {
	err := Recover(ctx, s.deps)
	verdict, readErr := transaction.LoadVerdict(s.state, order.ID)
	if err := errors.Join(err, readErr); err != nil || verdict == nil {
		return fmt.Errorf("%w; and what became of it cannot be told: %w", cause, err)
	}
	if verdict.Outcome == transaction.Applied { // it had been started
		return &protocol.Error{Kind: protocol.KindProtocol, Message: fmt.Sprintf("the transaction %s ran, although %v", order.ID, cause)}
	}
	return refuse(kind.Refusal{Message: cause.Error(), Hint: "on the host: journalctl -b -u nixfleet-run-" + order.ID})
}

// checkComplete refuses while something that prepare asked for has not come.
func (s *session) checkComplete(part *prepared) error {
	if len(part.missing) > 0 {
		return refuse(kind.Refusal{Message: fmt.Sprintf("%d paths of the closure are not in the host's store, %s among them",
			len(part.missing), part.missing[0])})
	}
	if missing := s.missingPayloads(part); len(missing) > 0 {
		return refuse(kind.Refusal{Message: fmt.Sprintf("%d payloads have not come, %s among them", len(missing), missing[0].Short())})
	}
	return nil
}

// checkStillThere asks once more for a closure, now that nothing can collect it.
func checkStillThere(deps Deps) func(context.Context, []schema.PathEntry) error {
	return func(ctx context.Context, closure []schema.PathEntry) error {
		registered, err := registered(ctx, deps, closure)
		if err != nil {
			return err
		}
		for _, entry := range closure {
			if hash, valid := registered[entry.Path]; !valid || hash != entry.NarHash {
				return fmt.Errorf("the store path %s has gone from the host's store meanwhile", entry.Path)
			}
		}
		return nil
	}
}
