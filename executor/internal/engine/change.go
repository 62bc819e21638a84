package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/session"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// change makes the change: a transaction on the host, which goes on by itself.
// From its beginning on the link matters only to see it, and to confirm it.
//
// If we crash here, the host goes on up to the point where it waits to be
// confirmed, and then back; the record of the run has no verdict, and the next
// execution applies again.
func (t *task) change(ctx context.Context, conn *transport.Conn, s *session.Session) error {
	t.changes = nil
	if err := t.write(schema.Entry{Kind: schema.HostChanging, Before: t.before}); err != nil {
		return err
	}
	epoch := s.Epoch()
	id, err := t.begin(ctx, s)
	var reported *protocol.Error
	switch {
	case errors.As(err, &reported):
		return err
	case err != nil:
		conn.Close()
		conn, s = nil, nil
	}
	verdict, err := (&follower{task: t, id: id, epoch: epoch, conn: conn, session: s, lost: err}).toTheEnd(ctx)
	if err != nil {
		return err
	}
	return t.judge(verdict)
}

// takeUp sees to its end, and confirms, a change of this run that is under way since an
// earlier connection or an earlier process. Where it was undone meanwhile, the host is
// to be taken once more.
func (t *task) takeUp(ctx context.Context, conn *transport.Conn, s *session.Session, at *protocol.Transaction) (done bool, err error) {
	t.note("its change is under way already; attaching to it")
	t.stage(schema.StageApply)
	verdict, err := (&follower{task: t, id: at.ID, epoch: at.Epoch, conn: conn, session: s}).toTheEnd(ctx)
	switch {
	case err != nil:
		return false, err
	case verdict.Outcome == protocol.RolledBack:
		t.note("that change was undone; changing again: " + verdict.Message)
		return false, nil
	}
	return true, t.judge(verdict)
}

// underWay returns the change of this run that has not ended on the host; nil where there is none.
func (t *task) underWay(hello *protocol.HelloReply) *protocol.Transaction {
	if at := hello.Transaction; at != nil && at.Run == t.ID && at.State != protocol.Interrupted {
		return at
	}
	return nil
}

// toTheEnd watches the transaction and confirms it where it waits for that.
func (f *follower) toTheEnd(ctx context.Context) (*protocol.Verdict, error) {
	ended := make(chan struct{})
	f.ended = ended
	f.stop = sync.OnceFunc(func() { close(ended); f.proving.Wait() })
	f.window, _ = time.ParseDuration(f.part.manifest.Activation.ConfirmWindow) // the host has read it too
	defer f.close()
	verdict, err := f.follow(ctx)
	if err != nil {
		return nil, err
	}
	f.stop()
	if verdict.Outcome == protocol.RolledBack && f.unproven != nil {
		verdict.Message += "\n  seen from here: " + fault.Brief(f.unproven)
	}
	return verdict, nil
}

func (t *task) begin(ctx context.Context, s *session.Session) (id string, err error) {
	reply, err := session.Call(ctx, s, protocol.Begin, protocol.BeginRequest{}, session.Options{Deadline: t.Patience.Begin})
	if err != nil {
		return "", err
	}
	return reply.Transaction, nil
}

// judge turns the verdict of the host into its record.
func (t *task) judge(v *protocol.Verdict) error {
	t.result = schema.HostRecord{Generation: v.Generation, Changes: v.Changes, FailedUnits: v.FailedUnits}
	switch v.Outcome {
	case protocol.Applied:
		t.result.Outcome, t.changed = schema.HostChanged, true
		if v.Message != "" {
			t.note(v.Message)
		}
		return nil
	case protocol.Unchanged:
		t.result.Outcome = schema.HostUnchanged
		return nil
	case protocol.RefusedOutcome:
		t.result.Outcome = schema.HostRefused
	case protocol.RolledBack:
		t.result.Outcome = schema.HostRolledBack
	case protocol.HalfChanged, protocol.Pending:
		t.result.Outcome = schema.HostFailed
	default:
		return fault.New(fault.Unknown, "the helper on %s ended a change with %q, which this version does not know", t.name, v.Outcome)
	}
	t.result.Error, t.result.Hint = v.Message, v.Hint
	return nil
}

// follower watches one transaction over as many connections as it takes.
type follower struct {
	*task
	// id names the transaction; empty where the link was lost before that was told.
	id    string
	epoch int64
	// after is the number of the last event that was seen.
	after int
	// conn and session are those in use; nil while there are none. lost says why.
	conn    *transport.Conn
	session *session.Session
	lost    error
	// window is how long the host waits to be confirmed.
	window time.Duration
	// proving is at work once the host waits; stop ends it. Then unproven is why the
	// last attempt to confirm failed; nil where none did.
	proving  sync.WaitGroup
	asked    bool
	ended    <-chan struct{}
	stop     func()
	unproven error
}

func (f *follower) close() {
	f.stop()
	if f.conn != nil {
		f.session.Close()
		f.conn.Close()
	}
}

// follow returns the transaction's verdict.
func (f *follower) follow(ctx context.Context) (*protocol.Verdict, error) {
	working := time.Now().Add(f.Patience.Apply)
	unreached := time.Now().Add(f.reconnect())
	for {
		if f.session == nil {
			if err := f.again(ctx, unreached); err != nil {
				return nil, err
			}
		}
		if f.id == "" {
			verdict, found, err := f.find(ctx)
			if found || err != nil {
				return verdict, err
			}
		}
		reply, err := f.attach(ctx, working)
		var reported *protocol.Error
		switch {
		case err == nil && reply.Outcome == protocol.Pending && time.Now().Before(working):
			if err := f.rescue(ctx); err != nil {
				return nil, err
			}
			continue
		case err == nil:
			return reply, nil
		case errors.As(err, &reported) && reported.Kind != protocol.KindEnded:
			return nil, fault.New(fault.Unknown, "%s does not tell what became of its change: %w", f.name, reported)
		case time.Now().After(working):
			return nil, fault.New(fault.Unknown, "%s is still being changed after %s", f.name, f.Patience.Apply).
				WithHint("nixfleet watch shows what it does; execute again when it has ended")
		}
		f.drop(err)
		unreached = time.Now().Add(f.reconnect())
	}
}

// reconnect is how long a host may be out of reach: at least until it has gone
// back by itself.
func (f *follower) reconnect() time.Duration { return f.Patience.Reconnect + f.window }

func (f *follower) drop(err error) {
	f.lost = err
	f.conn.Close()
	f.conn, f.session = nil, nil
}

// again opens another connection, until the time has come to give up.
func (f *follower) again(ctx context.Context, unreached time.Time) error {
	if ctx.Err() == nil {
		f.note(fmt.Sprintf("%s; attaching to the change again", fault.Brief(f.lost)))
		f.stage(schema.StageReconnect)
	}
	for {
		if ctx.Err() != nil {
			return fault.New(fault.Unknown, "the run was cut while %s was being changed: %s", f.name, fault.Brief(f.lost)).
				WithHint("the host finishes or undoes the change by itself; execute again to find out")
		}
		conn, s, err := f.look(ctx)
		if err == nil {
			f.conn, f.session = conn, s
			return nil
		}
		// Also one that lets nobody in any more: it may be about to go back.
		if time.Now().After(unreached) {
			return fault.New(fault.Unknown, "the connection was lost while %s was being changed (%s), and what became of it cannot be seen: %s", f.name, fault.Brief(f.lost), fault.Brief(err)).
				WithHint("the host finishes or undoes the change by itself; execute again when it can be reached")
		}
		select {
		case <-ctx.Done():
		case <-time.After(f.Patience.Retry):
		}
	}
}

// look starts the helper over a new connection, and asks nothing yet.
func (t *task) look(ctx context.Context) (*transport.Conn, *session.Session, error) {
	conn, err := t.Dialer.Dial(ctx, t.target())
	if err != nil {
		return nil, nil, err
	}
	s, err := session.Start(conn, t.identity())
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, s, nil
}

// find learns over a new connection whether the transaction has begun, where the
// link was lost before that was told.
func (f *follower) find(ctx context.Context) (verdict *protocol.Verdict, found bool, err error) {
	f.session.Close()
	s, hello, err := session.Open(ctx, f.conn, f.identity(), f.helper, f.note, true)
	if err != nil {
		return nil, false, fault.New(fault.Unknown, "the connection was lost when the change of %s began (%s), and what became of it cannot be seen: %s", f.name, fault.Brief(f.lost), fault.Brief(err)).
			WithHint("the host finishes or undoes the change by itself; execute again to find out")
	}
	f.session = s
	switch {
	case hello.Transaction != nil && hello.Transaction.Run == f.ID:
		f.id = hello.Transaction.ID
		return nil, false, nil
	case hello.Last != nil:
		return hello.Last, true, nil
	}
	return nil, false, fault.New(fault.LinkLost, "%w", f.lost) // it has not begun: once more from the start
}

func (f *follower) attach(ctx context.Context, working time.Time) (*protocol.Verdict, error) {
	defer f.conn.CloseWhenDone(ctx)()
	reply, err := session.Call(ctx, f.session, protocol.Attach, protocol.AttachRequest{Transaction: f.id, After: f.after}, session.Options{
		Deadline: max(time.Until(working), time.Second),
		OnEvent:  func(event *protocol.Event) { f.event(ctx, event) },
	})
	if err != nil {
		return nil, err
	}
	return &reply.Verdict, nil
}

// event takes an event of the transaction: each once, whatever the number of
// connections.
func (f *follower) event(ctx context.Context, event *protocol.Event) {
	if event.Number != 0 && event.Number <= f.after {
		return
	}
	f.after = event.Number
	f.relay(event)
	if event.Confirm != nil && !f.asked {
		f.asked = true
		f.proving.Go(func() { f.prove(ctx) })
	}
}

// prove confirms the transaction over a new connection, which is the proof that
// the host can still be reached. It tries until the transaction has ended.
func (f *follower) prove(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-f.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		err := f.confirm(ctx)
		if err == nil {
			f.unproven = nil
			return
		}
		if ctx.Err() != nil {
			if f.unproven == nil {
				f.unproven = errors.New("no connection came about in that time")
			}
			return
		}
		if f.unproven == nil {
			f.note(fmt.Sprintf("cannot confirm the change yet: %s", fault.Brief(err)))
		}
		f.unproven = err
		select {
		case <-ctx.Done():
			return
		case <-time.After(f.Patience.Retry):
		}
	}
}

func (f *follower) confirm(ctx context.Context) error {
	conn, s, err := f.look(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer conn.CloseWhenDone(ctx)()
	defer s.Close()
	// If we crash here, the host has the proof and keeps the change, or goes back.
	_, err = session.Call(ctx, s, protocol.Confirm, protocol.ConfirmRequest{Transaction: f.id}, session.Options{Deadline: f.Patience.Begin, Epoch: f.epoch})
	return err
}

// rescue has an interrupted transaction finished or undone, by taking the lease
// once more: that comes first then.
func (f *follower) rescue(ctx context.Context) error {
	f.note("the change was interrupted on the host; having it undone")
	f.session.Close()
	s, _, err := session.Open(ctx, f.conn, f.identity(), f.helper, f.note, true)
	if err == nil {
		f.session = s
		_, err = session.Call(ctx, s, protocol.Lease, protocol.LeaseRequest{Action: protocol.LeaseTake}, session.Options{Deadline: f.Patience.Apply})
	}
	var reported *protocol.Error
	switch {
	case errors.As(err, &reported):
		return fault.New(fault.Failed, "%s", reported.Message).WithHint("%s", reported.Hint)
	case err != nil:
		return fault.New(fault.Unknown, "the change of %s was interrupted, and what became of it cannot be seen: %s", f.name, fault.Brief(err)).
			WithHint("the host undoes the change by itself; execute again to find out")
	}
	return nil
}
