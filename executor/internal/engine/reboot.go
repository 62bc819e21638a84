package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// rebooting is a host on its way through a reboot.
type rebooting struct {
	*task
	rule   *rebootRule
	record *schema.RebootRecord
	// seen is what the host told before.
	seen *protocol.RebootReply
	// baseline are the units that had failed before; nil where nobody knows.
	baseline map[schema.UnitName]bool
	// closes is when the window that is open closes; zero where it never does.
	closes time.Time
	// drained says that hooks before the reboot have begun.
	drained bool
	// slots are those that were taken of other controllers.
	slots []slot
}

// ending is why a reboot has not come to its good end.
type ending struct {
	state schema.RebootOutcome
	why   string
	// hint is what to do about it; may be empty.
	hint string
	// until is when a window opens for it again; zero where that is not known.
	until time.Time
	// gone says that the host went down and is not back, and cut that nobody waited for it
	// as long as the plan says.
	gone, cut bool
}

func failed(format string, args ...any) *ending {
	return &ending{state: schema.RebootFailed, why: fmt.Sprintf(format, args...)}
}

func held(format string, args ...any) *ending {
	return &ending{state: schema.RebootHeld, why: fmt.Sprintf(format, args...)}
}

// reboot takes the host through its reboot, where the plan lets it and something asks
// for it. What became of that is in the record.
func (t *task) reboot(ctx context.Context) (rebooted bool) {
	t.waits = time.Time{}
	if t.DryRun || !reached(t.result.Outcome) {
		return false
	}
	rule := t.rules[t.name]
	if rule == nil && !t.OnlyReboot {
		return false
	}
	b := &rebooting{task: t, rule: rule, record: &schema.RebootRecord{}}
	b.drained = t.past.down()
	end := b.run(ctx)
	b.conclude(end)
	b.giveBack(ctx, end)
	return end == nil
}

// run is the whole way, top to bottom. A step that returns an ending is the last one
// before the hooks after the reboot.
func (b *rebooting) run(ctx context.Context) *ending {
	end := b.ask(ctx)
	if end != nil {
		return b.restore(ctx, end)
	}
	steps := []func(context.Context) *ending{
		b.needed,  // does something ask for it?
		b.planned, // does the plan let it?
		b.allowed, // is a window open?
		b.place,   // may one more host be down, here and for other controllers?
		b.drain,   // the hooks before the reboot
		b.allowed, // that may have taken its time
		b.goDown,  // until it is back, in another boot
		b.settle,  // is it still well after a while?
	}
	if b.isBack() { // an earlier process of this run had it reboot
		steps = []func(context.Context) *ending{b.goOn, b.settle}
	}
	for _, step := range steps {
		if end = step(ctx); end != nil {
			break
		}
	}
	return b.restore(ctx, end)
}

// ask asks for the boot that the host is in, and whether it needs another.
func (b *rebooting) ask(ctx context.Context) *ending {
	if b.seen = b.task.boot; b.seen == nil {
		err := b.tries(ctx, func(ctx context.Context) (err error) {
			b.seen, _, err = b.glance(ctx)
			return err
		})
		if err != nil && ctx.Err() != nil {
			return held("the run was cut before its reboot")
		}
		if err != nil {
			return failed("it cannot be asked whether it needs one: %s", err)
		}
	}
	b.task.boot = nil // the next time it is asked again
	b.record.Before, b.record.Because = b.seen.Boot, b.seen.State.Because
	b.baseline = map[schema.UnitName]bool{}
	for _, unit := range b.seen.Failed {
		b.baseline[unit] = true
	}
	return nil
}

// glance asks the host over a new connection, and returns the key that it showed.
func (t *task) glance(ctx context.Context) (reply *protocol.RebootReply, key string, err error) {
	conn, s, err := t.look(ctx)
	if err != nil {
		return nil, "", err
	}
	defer conn.Close()
	defer conn.CloseWhenDone(ctx)()
	defer s.Close()
	reply, err = t.currentBoot(ctx, s)
	return reply, conn.HostKey(), err
}

func (b *rebooting) needed(context.Context) *ending {
	switch {
	case b.seen.State.Needed:
		return nil
	case b.Force:
		b.record.Because = []string{"asked for"}
		return nil
	}
	return &ending{state: schema.RebootNotNeeded}
}

// planned is of hosts that somebody else asks for than an execution of the plan.
func (b *rebooting) planned(context.Context) *ending {
	if b.rule == nil {
		return held("the plan does not let it reboot (reboot.auto)")
	}
	return nil
}

// allowed asks the windows, by the clock of this machine.
func (b *rebooting) allowed(ctx context.Context) *ending {
	if b.stopped(ctx) {
		return held("the run was stopped before its reboot")
	}
	if because := b.downs.isClosed(); because != "" {
		return held("%s", because)
	}
	now := b.Now()
	opening := b.rule.windows.Next(now, b.rule.zone)
	switch {
	case len(b.rule.windows) > 0 && opening == schema.Opening{}:
		return held("no window opens in the next two weeks")
	case opening.Contains(now):
		b.closes = opening.End
		return nil
	}
	end := held("no window is open; the next one opens on %s", human.Time(opening.Start, b.rule.zone))
	end.until = opening.Start
	return end
}

// drain runs the hooks before the reboot.
func (b *rebooting) drain(ctx context.Context) *ending {
	b.emit(schema.Event{Kind: schema.HostStage, Stage: schema.StageDrain, Until: moment(b.closes)})
	b.drained = true
	if err := b.hooks(ctx, schema.BeforeReboot, "", nil); err != nil {
		return failed("%s", err)
	}
	return nil
}

// restore runs the hooks after the reboot, also where there was none after those before it.
func (b *rebooting) restore(ctx context.Context, end *ending) *ending {
	if !b.drained && b.record.After == "" || ctx.Err() != nil {
		return end
	}
	because := ""
	if end != nil && end.state == schema.RebootFailed {
		because = firstLine(end.why)
	}
	b.gone = end != nil && end.gone
	err := b.hooks(ctx, schema.AfterReboot, because, nil)
	switch {
	case err == nil:
	case because != "":
		b.note(err.Error())
	default:
		return failed("%s", err)
	}
	return end
}

// conclude turns the end of the way into the host's record.
func (b *rebooting) conclude(end *ending) {
	b.result.Reboot = b.record
	b.record.State = schema.RebootDone
	if end != nil {
		b.record.State, b.record.Error, b.record.Hint = end.state, end.why, end.hint
		b.record.Until = moment(end.until)
	}
	switch {
	case end == nil || end.state == schema.RebootNotNeeded:
	case end.state == schema.RebootHeld && b.Wait && !end.until.IsZero():
		b.waits = end.until
	case end.gone:
		b.gone = !end.cut
		b.result.Outcome, b.result.Error, b.result.Hint, b.result.Reason = schema.HostUnknown, end.why, end.hint, schema.ReasonRebootFailed
	case end.state == schema.RebootFailed:
		b.unhealthy(errors.New("its reboot failed: " + end.why))
		b.result.Hint, b.result.Reason = end.hint, schema.ReasonRebootFailed
	}
	if b.record.State != schema.RebootNotNeeded {
		b.emit(schema.Event{Kind: schema.HostNote, Note: inLine(b.record), Reboot: b.record})
	}
}

// inLine tells of a reboot in one line.
func inLine(r *schema.RebootRecord) string {
	switch r.State {
	case schema.RebootDone:
		return "rebooted, away for " + human.Seconds(r.Seconds)
	case schema.RebootHeld:
		return "its reboot is held: " + firstLine(r.Error)
	}
	return "its reboot failed: " + firstLine(r.Error)
}

// cut is the end of a reboot that the operator no longer waits for.
func (b *rebooting) cut(ctx context.Context) *ending {
	end := failed("the run was cut while it rebooted: %s", fault.Brief(context.Cause(ctx)))
	end.gone, end.cut = true, true
	return end
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
