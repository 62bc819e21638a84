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

// Back takes hosts back to a generation of theirs, or out of the fleet. It needs
// nothing but the hosts: no plan, no source, no binaries. One that fails keeps none
// of the others from it.
func (r *Run) Back(ctx context.Context, hosts []LookHost, where protocol.BackRequest) map[schema.HostName]schema.HostRecord {
	return r.each(ctx, hosts, func(t *task) func(context.Context) error {
		return (&returning{task: t, where: where}).attempt
	})
}

// each tries something on each of the hosts, several at once, without a plan.
func (r *Run) each(ctx context.Context, hosts []LookHost, try func(*task) func(context.Context) error) map[schema.HostName]schema.HostRecord {
	r.records = map[schema.HostName]schema.HostRecord{}
	r.Patience = r.Patience.orDefaults()
	slots := make(chan struct{}, max(r.Parallel, 1))
	var inFlight sync.WaitGroup
	for _, host := range hosts {
		if !r.waitForSlot(ctx, slots) {
			r.hold(host.Name, schema.ReasonOperatorStopped, stoppedByOperator)
			continue
		}
		inFlight.Go(func() {
			defer func() { <-slots }()
			r.one(ctx, host, try)
		})
	}
	inFlight.Wait()
	return r.records
}

func (r *Run) one(ctx context.Context, host LookHost, try func(*task) func(context.Context) error) {
	begun := time.Now()
	// Without a plan the requests carry the digest of nothing.
	t := &task{Run: r, name: host.Name, host: schema.Host{Connection: host.Connection, Manifest: schema.DigestOf(nil)}, helper: &session.Helper{}}
	t.emit(schema.Event{Kind: schema.HostStarted})
	if err := t.tries(ctx, try(t)); err != nil {
		t.conclude(ctx, err)
	}
	t.result.Seconds = time.Since(begun).Round(time.Millisecond).Seconds()
	r.finish(host.Name, t.result)
}

// returning is a host on its way back.
type returning struct {
	*task
	where protocol.BackRequest
	// from is the generation that it leaves; 0 where it may be any.
	from int
}

// attempt goes all the way over one connection, and a second one to leave.
func (b *returning) attempt(ctx context.Context) error {
	conn, s, hello, err := b.join(ctx)
	var absent *session.AbsentError
	if errors.As(err, &absent) && b.where.Release {
		return b.absent(ctx, absent)
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	defer conn.CloseWhenDone(ctx)()
	defer s.Close()
	b.helper.System, b.helper.Hash = schema.System(hello.System), hello.Helper
	if at := b.underWay(hello); at != nil {
		b.part = &part{manifest: &schema.Manifest{}}
		if done, err := b.takeUp(ctx, conn, s, at); done && !b.where.Release || err != nil {
			return err
		}
		return b.attempt(ctx)
	}
	if b.from != 0 && hello.Generation != b.from && !madeBy(hello) {
		return &overtakenError{fmt.Sprintf("something else was applied to it since, as generation %d", hello.Generation)}
	}
	b.stage(schema.StagePrepare)
	reply, err := session.Call(ctx, s, protocol.Back, b.where, session.Options{Deadline: b.Patience.Prepare, OnEvent: b.relay})
	if err != nil {
		return err
	}
	if reply.Generation == nil && !b.where.Release {
		return session.Unexpected(s, protocol.Back, "it names no generation")
	}
	if b.where.Release {
		return b.release(ctx, conn, s, reply)
	}
	if reply.Nothing {
		b.note(fmt.Sprintf("it is generation %d already: nothing to do", reply.Generation.Generation))
		b.result = schema.HostRecord{Outcome: schema.HostUnchanged, Generation: hello.Generation}
		return nil
	}
	b.note(fmt.Sprintf("going back to generation %d, of %s", reply.Generation.Generation, reply.Generation.At.UTC().Format(time.RFC3339)))
	return b.changeTo(ctx, conn, s, reply)
}

// changeTo makes the change that was prepared, as that of a plan is made.
func (b *returning) changeTo(ctx context.Context, conn *transport.Conn, s *session.Session, reply *protocol.BackReply) error {
	b.part = &part{manifest: &schema.Manifest{Activation: schema.Activation{ConfirmWindow: reply.ConfirmWindow}}}
	b.stage(schema.StageApply)
	return b.change(ctx, conn, s)
}

func (b *returning) join(ctx context.Context) (*transport.Conn, *session.Session, *protocol.HelloReply, error) {
	b.stage(schema.StageConnect)
	conn, err := b.Dialer.Dial(ctx, b.target())
	if err != nil {
		return nil, nil, nil, err
	}
	stop := conn.CloseWhenDone(ctx)
	defer stop()
	s, hello, err := session.Join(ctx, conn, b.identity())
	if err != nil {
		conn.Close()
	}
	return conn, s, hello, err
}

// release gives back what is managed, and then leaves.
func (b *returning) release(ctx context.Context, conn *transport.Conn, s *session.Session, reply *protocol.BackReply) error {
	if reply.Nothing {
		b.result = schema.HostRecord{Outcome: schema.HostChanged}
		return b.leave(ctx, s)
	}
	if err := b.changeTo(ctx, conn, s, reply); err != nil || !reached(b.result.Outcome) {
		return err
	}
	b.result.Outcome, b.result.Generation = schema.HostChanged, 0
	if err := b.leaveAgain(ctx); err != nil {
		return fault.New(fault.Failed, "nothing on %s is managed any more, but NixFleet's own files are still there: %s", b.name, fault.Brief(err)).
			WithHint("nixfleet release --host %s goes on from there", b.name)
	}
	return nil
}

func (b *returning) leave(ctx context.Context, s *session.Session) error {
	b.stage(schema.StageLeave)
	// If we crash here, the helper continues to the end; the next release looks again.
	left, err := session.Call(ctx, s, protocol.Leave, protocol.LeaveRequest{}, session.Options{OnEvent: b.relay})
	if err != nil {
		return err
	}
	for i := range left.Changes {
		b.emit(schema.Event{Kind: schema.HostChange, Change: &left.Changes[i]})
	}
	b.result.Changes = append(b.result.Changes, left.Changes...)
	return nil
}

// leaveAgain leaves over a new connection: what lost the one before may pass.
func (b *returning) leaveAgain(ctx context.Context) error {
	for end := time.Now().Add(b.Patience.Reconnect); ; {
		err := b.leaveOnce(ctx)
		again := fault.Is(err, fault.Transient) || fault.Is(err, fault.LinkLost)
		if !again || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(b.Patience.Retry):
		}
	}
}

func (b *returning) leaveOnce(ctx context.Context) error {
	conn, s, _, err := b.join(ctx)
	var absent *session.AbsentError
	if errors.As(err, &absent) { // the reply was lost
		return b.absent(ctx, absent)
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	defer conn.CloseWhenDone(ctx)()
	defer s.Close()
	return b.leave(ctx, s)
}

// absent ends the release of a host without a helper: it is done if nothing else is
// there either.
func (b *returning) absent(ctx context.Context, cause error) error {
	conn, err := b.Dialer.Dial(ctx, b.target())
	if err != nil {
		return err
	}
	defer conn.Close()
	defer conn.CloseWhenDone(ctx)()
	deserted, err := session.Deserted(conn)
	switch {
	case err != nil:
		return err
	case !deserted:
		return fault.New(fault.Refused, "there is no helper on %s, and still a directory /var/lib/nixfleet: %s", b.name, fault.Brief(cause)).
			WithHint("where that is empty: rmdir /var/lib/nixfleet as root; else put the helper back (nixfleet helper --help) and release again")
	case len(b.result.Changes) == 0:
		b.note("nothing of NixFleet is there: it is in no fleet, or was released")
		b.result = schema.HostRecord{Outcome: schema.HostUnchanged}
	}
	return nil
}
