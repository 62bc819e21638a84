package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/session"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// lookAgain finds out what became of a change whose verdict was lost. The host
// goes on with the change by itself; nothing is said of it that was not seen
// over a new connection.
func (t *task) lookAgain(ctx context.Context, lost error) error {
	if ctx.Err() != nil {
		return fault.New(fault.Unknown, "the run was cut while %s was being changed: %s", t.name, fault.Brief(lost)).
			WithHint("execute again: it finds out how far the change came, and completes it")
	}
	t.note(fmt.Sprintf("%s; looking what became of the change", fault.Brief(lost)))
	t.stage("observe")
	unreached := time.Now().Add(t.Patience.Reconnect)
	working := time.Now().Add(t.Patience.Apply)
	for {
		hello, err := t.observe(ctx)
		switch {
		case err == nil && hello.Busy == "":
			return t.seen(hello, lost)
		case err == nil && time.Now().After(working):
			return fault.New(fault.Unknown, "%s is still being changed after %s (%s)", t.name, t.Patience.Apply, fault.Brief(lost)).
				WithHint("look at the host; execute again when it has ended")
		case err == nil: // it is at work; the time to reach it begins anew
			unreached = time.Now().Add(t.Patience.Reconnect)
		case ctx.Err() != nil || time.Now().After(unreached) || isFinal(err):
			return fault.New(fault.Unknown, "the connection was lost while %s was being changed (%s), and what became of it cannot be seen: %s", t.name, fault.Brief(lost), fault.Brief(err)).
				WithHint("execute again when the host can be reached: it finds out how far the change came, and completes it")
		}
		select {
		case <-ctx.Done():
		case <-time.After(t.Patience.Retry):
		}
	}
}

// isFinal reports an error that looking again would only repeat.
func isFinal(err error) bool {
	var reported *protocol.Error
	return fault.Is(err, fault.Refused) && !errors.As(err, &reported)
}

func (t *task) observe(ctx context.Context) (*protocol.HelloReply, error) {
	conn, err := t.Dialer.Dial(ctx, t.target())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	s, hello, err := session.Open(ctx, conn, t.identity(), t.helper, t.note, true)
	if err != nil {
		return nil, err
	}
	s.Close()
	return hello, nil
}

// seen is the verdict of what was found.
func (t *task) seen(hello *protocol.HelloReply, lost error) error {
	if hello.Applied == t.host.Manifest && hello.Unchanged {
		t.note("the change came to its end while the connection was lost")
		t.result = schema.HostRecord{Outcome: schema.HostChanged, Generation: hello.Generation, Changes: t.changes}
		return nil
	}
	if hello.PendingRun == t.ID && hello.Failure != "" {
		return fault.New(fault.Failed, "%s", hello.Failure)
	}
	state := "nothing of it is pending"
	if hello.Pending != "" {
		state = fmt.Sprintf("the change to manifest %s is pending", hello.Pending.Short())
	}
	return fault.New(fault.Failed, "the connection was lost while %s was being changed (%s); seen again, the host is not as the plan says: %s", t.name, fault.Brief(lost), state).
		WithHint("execute again: it completes the change")
}
