package engine

import (
	"context"
	"errors"

	"github.com/nixfleet/nixfleet/executor/health"
	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/session"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Shell runs a line for sh on the controller, with variables beside its own, and returns
// the end of what it wrote.
type Shell func(ctx context.Context, line string, environment []string) (output []byte, err error)

// asker asks from the controller.
func (t *task) asker() health.Asker {
	a := health.Asker{Place: schema.OnController, Address: t.address(), Dial: t.Network}
	if t.Shell != nil {
		a.Shell = func(ctx context.Context, line string) ([]byte, error) {
			return t.Shell(ctx, line, []string{"NIXFLEET_RUN=" + t.ID, "NIXFLEET_HOST=" + string(t.name), "NIXFLEET_ADDRESS=" + a.Address})
		}
	}
	return a
}

// address is how the host is reached.
func (t *task) address() string {
	if address := t.host.Connection.Address; address != "" {
		return address
	}
	return string(t.name)
}

// askHost asks the host itself, over a session of it.
func (t *task) askHost(ctx context.Context, s *session.Session) error {
	checks := health.Asker{Place: schema.OnHost}.Concerned(t.part.manifest.HealthChecks)
	if len(checks) == 0 {
		return nil
	}
	t.stage(schema.StageHealth)
	reply, err := session.Call(ctx, s, protocol.Health, protocol.HealthRequest{Manifest: t.host.Manifest}, session.Options{Deadline: health.Longest(checks) + t.Patience.Begin, OnEvent: t.relay})
	if err == nil && reply.Failure != "" {
		t.unhealthy(errors.New(reply.Failure))
	}
	return err
}

// askFromHere asks from the controller, where the host is well as far as it knows itself.
func (t *task) askFromHere(ctx context.Context) {
	a := t.asker()
	if t.DryRun || !reached(t.result.Outcome) || len(a.Concerned(t.part.manifest.HealthChecks)) == 0 {
		return
	}
	t.stage(schema.StageHealth)
	if err := a.Ask(ctx, t.part.manifest.HealthChecks, t.note); err != nil {
		t.unhealthy(err)
	}
}

// unhealthy says that the host is as the plan says, and not well.
func (t *task) unhealthy(err error) {
	t.blame(err)
	t.result.Outcome = schema.HostUnhealthy
}

// askAgain asks once more, of a host whose turn is over. The task's record says how it is.
func (t *task) askAgain(ctx context.Context) {
	err := t.tries(ctx, func(ctx context.Context) error {
		if len((health.Asker{Place: schema.OnHost}).Concerned(t.part.manifest.HealthChecks)) == 0 {
			return nil
		}
		conn, s, err := t.look(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		defer conn.CloseWhenDone(ctx)()
		defer s.Close()
		return t.askHost(ctx, s)
	})
	if err != nil {
		t.unhealthy(errors.New("cannot be asked whether it is well: " + fault.Brief(err)))
	}
	t.askFromHere(ctx)
}
