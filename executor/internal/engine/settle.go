package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/session"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// settle watches the host that is back: it must come to the end of its boot and then,
// for the stability time, no unit may have failed that had not before.
func (b *rebooting) settle(ctx context.Context) *ending {
	b.emit(schema.Event{Kind: schema.HostStage, Stage: schema.StageSettle, Until: moment(b.Now().Add(b.rule.stability))})
	w := &watching{task: b.task}
	defer w.close()
	started := time.Now().Add(b.rule.deadline)
	var stable time.Time // its beginning
	for {
		reply, err := w.ask(ctx)
		switch {
		case ctx.Err() != nil:
			return b.cut(ctx)
		case err != nil:
			end := failed("%s came back from its reboot and was lost again: %s", b.name, err)
			end.gone = true
			return end
		case reply.Boot != b.record.After:
			return failed("it has rebooted once more by itself, from boot %s to %s", b.record.After, reply.Boot)
		case reply.Starting && time.Now().After(started):
			return failed("it has not come to the end of its start within %s", b.rule.deadline)
		case reply.Starting:
			stable = time.Time{}
		case stable.IsZero():
			stable = time.Now()
			fallthrough
		default:
			if end := b.newlyFailed(reply); end != nil {
				return end
			}
			if time.Since(stable) >= b.rule.stability {
				return nil
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(b.Patience.Retry):
		}
	}
}

func (b *rebooting) newlyFailed(reply *protocol.RebootReply) *ending {
	if b.baseline == nil {
		b.baseline = map[schema.UnitName]bool{}
		for _, unit := range reply.Failed {
			b.baseline[unit] = true
			b.note(fmt.Sprintf("%s has failed; whether it had before the reboot is not known", unit))
		}
	}
	var units []string
	for _, unit := range reply.Failed {
		if !b.baseline[unit] {
			units = append(units, string(unit))
		}
	}
	if len(units) == 0 {
		return nil
	}
	slices.Sort(units)
	end := failed("after it, these failed that had not before: %s", strings.Join(units, ", "))
	end.hint = "on the host: systemctl status " + units[0]
	return end
}

// watching asks a host again and again, over one connection as long as it lasts.
type watching struct {
	*task
	conn    *transport.Conn
	session *session.Session
}

func (w *watching) close() {
	if w.conn != nil {
		w.session.Close()
		w.conn.Close()
		w.conn = nil
	}
}

// ask asks until an answer comes, or the time is over to reach the host again.
func (w *watching) ask(ctx context.Context) (*protocol.RebootReply, error) {
	for end := time.Now().Add(w.Patience.Reconnect); ; {
		reply, err := w.once(ctx)
		if err == nil || ctx.Err() != nil {
			return reply, err
		}
		w.close()
		if time.Now().After(end) {
			return nil, fmt.Errorf("%s", fault.Brief(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(w.Patience.Retry):
		}
	}
}

func (w *watching) once(ctx context.Context) (reply *protocol.RebootReply, err error) {
	if w.conn == nil {
		conn, s, err := w.look(ctx)
		if err != nil {
			return nil, err
		}
		w.conn, w.session = conn, s
	}
	defer w.conn.CloseWhenDone(ctx)()
	return w.currentBoot(ctx, w.session)
}
