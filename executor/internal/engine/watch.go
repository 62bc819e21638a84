package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/session"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Watch shows the changes that are at work on hosts, whoever began them, up to
// their verdicts. It changes nothing on any host. Of a run it needs no plan, no
// source and no binaries.
func (r *Run) Watch(ctx context.Context, hosts []LookHost) map[schema.HostName]schema.HostRecord {
	r.records = map[schema.HostName]schema.HostRecord{}
	r.Patience = r.Patience.orDefaults()
	slots := make(chan struct{}, max(r.Parallel, 1))
	var inFlight sync.WaitGroup
	for _, host := range hosts {
		slots <- struct{}{}
		inFlight.Go(func() {
			defer func() { <-slots }()
			r.watch(ctx, host)
		})
	}
	inFlight.Wait()
	return r.records
}

func (r *Run) watch(ctx context.Context, host LookHost) {
	begun := time.Now()
	t := &task{Run: r, name: host.Name, host: schema.Host{Connection: host.Connection}, helper: &session.Helper{System: host.System}}
	t.emit(schema.Event{Kind: schema.HostStarted})
	err := t.watch(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		t.result = schema.HostRecord{Outcome: schema.HostUnknown, Error: "no longer watched"}
	case err != nil:
		t.conclude(ctx, err)
	}
	t.result.Seconds = time.Since(begun).Round(time.Millisecond).Seconds()
	r.finish(host.Name, t.result)
}

func (t *task) watch(ctx context.Context) error {
	w := &watcher{task: t}
	lost := time.Now()
	for {
		err := w.attach(ctx)
		again := fault.Is(err, fault.Transient) || fault.Is(err, fault.LinkLost)
		switch {
		case !again || time.Since(lost) > t.Patience.Reconnect:
			return err
		case w.told: // an event came over this connection: the patience starts over
			lost, w.told = time.Now(), false
		}
		t.note(fmt.Sprintf("trying again: %s", fault.Brief(err)))
		select {
		case <-ctx.Done():
			return err
		case <-time.After(t.Patience.Retry):
		}
	}
}

// watcher sees one transaction over as many connections as it takes.
type watcher struct {
	*task
	id    string
	after int
	told  bool
}

func (w *watcher) attach(ctx context.Context) error {
	conn, s, err := w.look(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer conn.CloseWhenDone(ctx)()
	defer s.Close()
	reply, err := session.Call(ctx, s, protocol.Attach, protocol.AttachRequest{Transaction: w.id, After: w.after}, session.Options{Deadline: w.Patience.Apply, OnEvent: w.event})
	if err != nil {
		return err
	}
	return w.judge(&reply.Verdict)
}

func (w *watcher) event(event *protocol.Event) {
	w.told = true
	if event.Watching != nil {
		w.id = event.Watching.ID
		w.note(fmt.Sprintf("the change of run %s, by %s", event.Watching.Run, event.Watching.Operator))
		return
	}
	w.after = event.Number
	w.relay(event)
}
