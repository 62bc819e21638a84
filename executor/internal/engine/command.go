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

// Command runs one command on hosts, several at once. It needs nothing but the
// hosts: no plan, no source, no binaries. One on which it fails keeps none of the
// others from it. Output comes as events.
func (r *Run) Command(ctx context.Context, hosts []LookHost, command protocol.RunRequest) map[schema.HostName]schema.HostRecord {
	return r.each(ctx, hosts, func(t *task) func(context.Context) error {
		return func(ctx context.Context) error { return t.command(ctx, command) }
	})
}

// command runs it over one connection, once: what was asked for may have happened.
func (t *task) command(ctx context.Context, command protocol.RunRequest) error {
	t.stage(schema.StageConnect)
	conn, err := t.Dialer.Dial(ctx, t.target())
	if err != nil {
		return err
	}
	defer conn.Close()
	defer conn.CloseWhenDone(ctx)()
	s, err := session.Start(conn, t.identity())
	if err != nil {
		return err
	}
	defer s.Close()
	t.stage(schema.StageRun)
	begun := false
	// If we crash here, the end of the session ends the command.
	reply, err := session.Call(ctx, s, protocol.Run, command, session.Options{Deadline: t.commandDeadline(command), OnEvent: func(event *protocol.Event) {
		begun = true
		if event.Output != nil {
			t.emit(schema.Event{Kind: schema.HostOutput, Output: event.Output})
		}
	}})
	switch {
	case err != nil:
		return afterAsking(t.name, begun, err)
	case reply.Lost != "":
		return fault.New(fault.Unknown, "%s: %s", t.name, reply.Lost).WithHint("on the host: journalctl -u %s", reply.Unit)
	}
	t.result = resultOf(&reply.Exit)
	return nil
}

// commandDeadline is when a helper that does not answer is given up. How long a task
// may take, only the host knows; it says when that is over.
func (t *task) commandDeadline(command protocol.RunRequest) time.Duration {
	timeout, err := time.ParseDuration(command.Timeout)
	if err != nil || command.Task != "" {
		return 0
	}
	return timeout + t.Patience.Begin
}

// afterAsking says what an error means of a command that was asked for: where the
// helper has not answered, it may have run.
func afterAsking(host schema.HostName, begun bool, err error) error {
	var reported *protocol.Error
	if errors.As(err, &reported) || !begun && fault.Is(err, fault.Refused) {
		return err
	}
	return fault.New(fault.Unknown, "%s was lost before the command had ended; it may have run, whole or in part: %s", host, fault.Brief(err)).
		WithHint("where the host goes on without us, it ends the command")
}

func resultOf(exit *schema.Exit) schema.HostRecord {
	record := schema.HostRecord{Outcome: schema.HostFailed, Exit: exit}
	switch {
	case exit.TimedOut:
		record.Error = "it took too long and was ended"
	case exit.Signal != 0:
		record.Error = fmt.Sprintf("killed by signal %d", exit.Signal)
	case exit.Status != 0:
		record.Error = fmt.Sprintf("exit status %d", exit.Status)
	default:
		record.Outcome = schema.HostRan
	}
	return record
}
