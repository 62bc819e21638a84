package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/lease"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/host/internal/recovery"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// worker is the process that works on a transaction.
type worker struct {
	deps  Deps
	files *rooted.FS
	state *state.Store
	lock  *state.Lock
	order transaction.Order
	log   *log
}

// Run carries out the transaction of that name, in this process, whose end by a
// signal ends ctx: the change is then undone. It returns nil once a verdict is
// recorded, whatever that is; an error means that recovery must see to it.
func Run(ctx context.Context, deps Deps, id string) error {
	w, err := newWorker(deps)
	if err != nil {
		return err
	}
	defer w.close()
	if w.order, err = transaction.LoadOrder(w.state, id); err != nil {
		return err
	}
	if err := w.takeLock(ctx); err != nil {
		return err
	}
	if verdict, err := transaction.LoadVerdict(w.state, id); err != nil || verdict != nil {
		return err // recovery was faster
	}
	w.log = openLog(w.state, id)
	verdict, err := transaction.Run(ctx, w.host(), w.order, w.log.tell, w.awaitConfirmation)
	if err != nil {
		return err
	}
	return w.finish(ctx, &verdict)
}

// Recover finishes or undoes the transaction that was interrupted, if one was.
// It waits for a process that works on it.
func Recover(ctx context.Context, deps Deps) error {
	w, err := newWorker(deps)
	if err != nil {
		return err
	}
	defer w.close()
	found, err := transaction.Unfinished(w.state)
	if err != nil {
		return err
	}
	if found == nil {
		return w.removeMarker(ctx)
	}
	w.order = found.Order
	if err := w.takeLock(ctx); err != nil {
		return err
	}
	if found, err = transaction.Unfinished(w.state); err != nil || found == nil {
		return err // it has ended meanwhile
	}
	booting, err := deps.Booting(ctx)
	if err != nil {
		booting = true // files come back whatever systemd says; waiting for it could be for ever
	}
	w.log = openLog(w.state, w.order.ID)
	verdict, err := transaction.Recover(ctx, w.host(), booting, w.log.tell)
	if err != nil {
		return err
	}
	return w.finish(ctx, verdict)
}

func newWorker(deps Deps) (*worker, error) {
	files, err := rooted.Open(deps.Root, deps.Fault)
	if err != nil {
		return nil, err
	}
	return &worker{deps: deps, files: files, state: state.New(deps.Root, deps.Fault)}, nil
}

func (w *worker) close() {
	w.lock.Release()
	w.files.Close()
}

// lockPoll is how often a process looks whether another has ended.
const lockPoll = 20 * time.Millisecond

// takeLock waits until nobody else works on the transaction.
func (w *worker) takeLock(ctx context.Context) error {
	holder := state.Holder{Run: w.order.Run, Operator: w.order.Operator, Since: w.deps.Now().UTC().Truncate(time.Second)}
	for {
		lock, err := w.state.Lock(holder)
		var locked *state.LockedError
		if !errors.As(err, &locked) {
			w.lock = lock
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", err, ctx.Err())
		case <-time.After(lockPoll):
		}
	}
}

// finish ends the run's lease where the transaction has ended: the host is free.
func (w *worker) finish(ctx context.Context, verdict *transaction.Verdict) error {
	if verdict == nil || verdict.Unfinished {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	if err := leasesOf(w.deps).Release(ctx, w.order.Run, w.order.Epoch); err != nil {
		return err
	}
	return w.removeMarker(ctx)
}

func leasesOf(deps Deps) *lease.Store {
	return lease.New(state.New(deps.Root, nil).Path(""), deps.Clock, deps.Fault)
}

// placeOrder writes an order down, and before it that there is one.
func placeOrder(store *state.Store, order transaction.Order) error {
	// If we crash here, the next boot or recovery finds no transaction.
	if err := store.Write(recovery.Marker, []byte(order.ID+"\n")); err != nil {
		return err
	}
	return transaction.SaveOrder(store, order)
}

// removeMarker lets boots go by again without a look. Orders are placed with the
// leases locked, so the marker of the next one stays.
func (w *worker) removeMarker(ctx context.Context) error {
	return leasesOf(w.deps).Alone(ctx, func() error {
		found, err := transaction.Unfinished(w.state)
		if err != nil || found != nil {
			return err
		}
		// If we crash here, the next boot looks once for nothing.
		return w.state.Remove(recovery.Marker)
	})
}

func (w *worker) host() transaction.Host {
	return transaction.Host{
		Work: kind.Host{
			World: kind.World{
				Files: w.files, Units: w.deps.Units, Profile: nixstore.NewProfile(w.deps.Root, w.deps.Fault), Processes: w.deps.Processes,
			},
			State: w.state, Runner: w.deps.Runner, Fault: w.deps.Fault,
			Shell: w.deps.Shell, Now: w.deps.Now, Wait: w.deps.Wait, JobDeadline: w.deps.JobDeadline,
		},
		Base:         w.deps.base(),
		Health:       askerOf(w.deps),
		CheckClosure: checkStillThere(w.deps),
		Free:         w.deps.Free,
		BootID:       w.deps.Clock.Boot,
	}
}

// awaitConfirmation waits until a session that began after it did confirms.
func (w *worker) awaitConfirmation(ctx context.Context) error {
	window, err := time.ParseDuration(w.order.ConfirmWindow)
	if err != nil || window <= 0 {
		return err
	}
	began := w.deps.Clock.Now()
	w.log.tell(protocol.Event{Stage: schema.StageConfirm, Confirm: &protocol.Waiting{Window: w.order.ConfirmWindow, Since: began}})
	for {
		if _, err := w.state.Read(transaction.Name(w.order.ID, confirmed)); err == nil {
			return nil
		}
		if w.deps.Clock.Now()-began >= window {
			return fmt.Errorf("not confirmed within %s: no new connection of the executor came through", w.order.ConfirmWindow)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("told to end while it waited to be confirmed: %w", context.Cause(ctx))
		}
		select {
		case <-ctx.Done():
		case <-time.After(lockPoll):
		}
	}
}

// confirmed is the file of a transaction that says that it was confirmed.
const confirmed = "confirmed"
