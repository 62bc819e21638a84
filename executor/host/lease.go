package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/lease"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// holding is what a session holds: nothing while the epoch is 0.
type holding struct {
	mu    sync.Mutex
	run   string
	epoch int64
}

func (h *holding) get() (run string, epoch int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.run, h.epoch
}

func (h *holding) set(run string, epoch int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.run, h.epoch = run, epoch
}

// hold makes sure that the request's run holds the host: one that carries no
// epoch takes the lease, any other must have it. From then on the session keeps it
// and gives it back, also where another session of the run took it.
func (s *session) hold(ctx context.Context, request *protocol.Request) error {
	if request.Epoch != 0 {
		err := s.leases.Renew(ctx, request.Run, request.Epoch)
		if err == nil {
			s.holding.set(request.Run, request.Epoch)
		}
		return asRefusal(err)
	}
	if err := s.recoverFirst(ctx, request.Run); err != nil {
		return err
	}
	epoch, err := s.leases.Take(ctx, request.Run, request.Operator, s.deps.Now().UTC().Truncate(time.Second), s.admit)
	if err != nil {
		return asRefusal(err)
	}
	s.holding.set(request.Run, epoch)
	return nil
}

// admit refuses a host with a transaction that has not ended. It is asked with
// the leases locked: none can begin meanwhile.
func (s *session) admit() error {
	found, err := transaction.Unfinished(s.state)
	if err != nil || found == nil {
		return err
	}
	if holder := s.state.LockHolder(); holder != nil {
		return &lease.HeldError{Run: holder.Run, Operator: holder.Operator, Since: holder.Since}
	}
	message := "what it changed cannot be undone"
	if found.Verdict != nil && found.Verdict.Message != "" {
		message = found.Verdict.Message
	}
	return refuse(kind.Refusal{
		Message: fmt.Sprintf("the transaction %s of run %s, by %s, was interrupted, and the host is between two states: %s",
			found.Order.ID, found.Order.Run, found.Order.Operator, message),
		Hint: "fix that on the host, then as root: " + protocol.HelperPath + " recover",
	})
}

// endPatience is how long the process of a transaction may take to end once it has told
// its verdict.
const endPatience = 30 * time.Second

// awaitIdle waits for the process of a transaction that has told its verdict: as it ends
// it gives back the lease, which must not come after we have it. It refuses while one
// works. An interrupted one is no reason: who needs the host to be in one state asks
// [session.admit].
func (s *session) awaitIdle(ctx context.Context) error {
	for begun := s.deps.Clock.Now(); ; {
		holder := s.state.LockHolder()
		if holder == nil {
			return nil
		}
		found, err := transaction.Unfinished(s.state)
		if err != nil {
			return err
		}
		if found != nil || s.deps.Clock.Now()-begun > endPatience {
			return asRefusal(&lease.HeldError{Run: holder.Run, Operator: holder.Operator, Since: holder.Since})
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(lockPoll):
		}
	}
}

// recoverFirst lets an interrupted transaction be finished or undone, unless
// somebody else's lease lasts, who may be about to see to it.
func (s *session) recoverFirst(ctx context.Context, run string) error {
	found, err := transaction.Unfinished(s.state)
	if err != nil || found == nil || s.state.LockHolder() != nil {
		return err
	}
	if holder := s.leases.Holder(); holder != nil && holder.Run != run {
		return nil // the lease refuses
	}
	return s.deps.Rescue(ctx)
}

// keep renews the lease while a request takes its time.
func (s *session) keep(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(lease.Length / 3):
			}
			if run, epoch := s.holding.get(); epoch != 0 {
				// One that was lost meanwhile is refused when the work asks for it.
				_ = s.leases.Renew(ctx, run, epoch)
			}
		}
	}()
	return cancel
}

// giveBack ends the session's lease with the session. Where a transaction is at
// work, its end ends the lease.
func (s *session) giveBack(ctx context.Context) {
	run, epoch := s.holding.get()
	if epoch == 0 {
		return
	}
	if found, err := transaction.Unfinished(s.state); err != nil || found != nil && found.Order.Run == run {
		return
	}
	// Where that fails, the lease runs out.
	_ = s.leases.Release(ctx, run, epoch)
	s.holding.set("", 0)
}

// changeLease takes, renews or gives back the lease as asked.
func (s *session) changeLease(ctx context.Context, request *protocol.Request, ask *protocol.LeaseRequest) (*protocol.LeaseReply, error) {
	switch ask.Action {
	case protocol.LeaseTake:
		taking := *request
		taking.Epoch = 0
		return &protocol.LeaseReply{}, s.hold(ctx, &taking)
	case protocol.LeaseRenew:
		return &protocol.LeaseReply{}, asRefusal(s.leases.Renew(ctx, request.Run, request.Epoch))
	case protocol.LeaseRelease:
		s.holding.set("", 0)
		return &protocol.LeaseReply{}, s.leases.Release(ctx, request.Run, request.Epoch)
	}
	return nil, protocol.Errorf("expected to take, renew or release a lease, found %q", ask.Action)
}

// asRefusal gives the errors of leases what to do next.
func asRefusal(err error) error {
	var held *lease.HeldError
	var lost *lease.LostError
	switch {
	case errors.As(err, &held):
		return refuse(kind.Refusal{Message: held.Error(),
			Hint: fmt.Sprintf("nixfleet watch shows what it does; a run that has gone loses its lock after %s of silence", lease.Length)})
	case errors.As(err, &lost):
		return refuse(kind.Refusal{Message: lost.Error(), Hint: "look what became of the host, then execute again"})
	}
	return err
}
