package engine

import (
	"context"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/session"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// meet keeps what a host told of itself, and the key that it showed first.
func (t *task) meet(conn *transport.Conn, hello *protocol.HelloReply) {
	t.facts = hello
	if t.key == "" {
		t.key = conn.HostKey()
	}
}

// askBoot asks for its boot a host that may reboot, over the session that is open already.
func (t *task) askBoot(ctx context.Context, s *session.Session) (err error) {
	if (t.OnlyReboot || t.rules[t.name] != nil) && t.past.rebooting == "" {
		t.boot, err = t.currentBoot(ctx, s)
	}
	return err
}

// currentBoot asks the host which boot it is in.
func (t *task) currentBoot(ctx context.Context, s *session.Session) (*protocol.RebootReply, error) {
	return session.Call(ctx, s, protocol.Reboot, protocol.RebootRequest{}, session.Options{Deadline: t.Patience.Begin})
}

// asApplied meets a host that shall only reboot: hooks and checks are the plan's, so
// that is what must have been applied.
func (t *task) asApplied(ctx context.Context) error {
	t.stage(schema.StageConnect)
	conn, err := t.Dialer.Dial(ctx, t.target())
	if err != nil {
		return err
	}
	defer conn.Close()
	defer conn.CloseWhenDone(ctx)()
	s, hello, err := session.Join(ctx, conn, t.identity())
	if err != nil {
		return err
	}
	defer s.Close()
	t.meet(conn, hello)
	switch {
	case hello.Applied == "":
		return fault.New(fault.Refused, "nothing is applied to %s", t.name).WithHint("nixfleet execute applies the plan, and reboots where it says so")
	case hello.Applied != t.host.Manifest:
		return fault.New(fault.Refused, "another manifest is applied to %s than this plan's: expected %s, found %s", t.name, t.host.Manifest.Short(), hello.Applied.Short()).
			WithHint("hooks and health checks of a reboot are the plan's; execute this plan first, or take the one that was executed last")
	case hello.Transaction != nil:
		return fault.New(fault.Refused, "%s is being changed by run %s of %s", t.name, hello.Transaction.Run, hello.Transaction.Operator)
	}
	t.result = schema.HostRecord{Outcome: schema.HostUnchanged, Generation: hello.Generation}
	return t.askBoot(ctx, s)
}
