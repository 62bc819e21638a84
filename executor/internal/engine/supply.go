package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/session"
	"github.com/nixfleet/nixfleet/executor/internal/storecopy"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// supply brings to the host what it lacks. The returned function ends what keeps
// the closure from the host's garbage collector until the change has rooted it.
func (t *task) supply(ctx context.Context, conn *transport.Conn, s *session.Session, prepared *protocol.PrepareReply) (done func(), err error) {
	done = func() {}
	if len(prepared.MissingPaths) > 0 {
		t.stage(schema.StageCopy)
		copier, err := t.openStore(conn)
		if err != nil {
			return nil, err
		}
		done = copier.Close
		stop := t.keepLease(ctx, s)
		err = t.copyClosure(ctx, copier)
		stop()
		if err != nil {
			done()
			return nil, err
		}
	}
	if len(prepared.MissingPayloads) > 0 {
		if err := t.sendPayloads(ctx, s, prepared.MissingPayloads); err != nil {
			done()
			return nil, err
		}
	}
	if len(prepared.MissingPaths) > 0 {
		if err := t.recheck(ctx, s); err != nil {
			done()
			return nil, err
		}
	}
	return done, nil
}

// leasePause is how often a lease is renewed where no other request does it: a
// third of how long it lasts.
const leasePause = 20 * time.Second

// keepLease renews the lease while the session is silent. The returned function
// ends that; only then may the session be used again.
func (t *task) keepLease(ctx context.Context, s *session.Session) (stop func()) {
	ended := make(chan struct{})
	var keeper sync.WaitGroup
	keeper.Go(func() {
		for {
			select {
			case <-ended:
				return
			case <-time.After(leasePause):
			}
			// The next request that needs a lost lease fails.
			_, _ = session.Call(ctx, s, protocol.Lease, protocol.LeaseRequest{Action: protocol.LeaseRenew}, session.Options{Deadline: t.Patience.Begin})
		}
	})
	return func() {
		close(ended)
		keeper.Wait()
	}
}

// recheck lets the host compare the copied closure with the plan.
func (t *task) recheck(ctx context.Context, s *session.Session) error {
	t.stage(schema.StagePrepare)
	prepared, err := t.prepare(ctx, s)
	if err != nil {
		return err
	}
	if len(prepared.MissingPaths) > 0 {
		return fault.New(fault.Failed, "%s still lacks %s after it was copied", t.name, prepared.MissingPaths[0])
	}
	return nil
}

func (t *task) openStore(conn *transport.Conn) (*storecopy.Copier, error) {
	command, err := conn.Start(session.AsRoot(conn.User(), protocol.HelperPath+" store"))
	if err != nil {
		return nil, err
	}
	return storecopy.New(string(t.name), command), nil
}

func (t *task) copyClosure(ctx context.Context, copier *storecopy.Copier) error {
	closure, err := t.part.closure()
	if err != nil {
		return err
	}
	missing, err := copier.Missing(ctx, closure, t.Source.Substitutes())
	if err != nil {
		return err
	}
	// Everything is asked for before anything is sent: a host is not filled with
	// half a closure for want of the other half.
	volume := int64(0)
	for _, entry := range missing {
		if err := t.Source.Check(ctx, entry.Path); err != nil {
			return fmt.Errorf("%s needs a store path: %w", t.name, err)
		}
		volume += entry.NarSize
	}
	if len(missing) == 0 {
		return nil
	}
	t.note(fmt.Sprintf("copying %d store paths, %s", len(missing), human.Bytes(volume)))
	return copier.Copy(ctx, t.Source, missing)
}

func (t *task) bytesOf(paths []schema.StorePath) (sum int64) {
	for _, path := range paths {
		sum += t.Plan.StorePaths[path].NarSize
	}
	return sum
}
