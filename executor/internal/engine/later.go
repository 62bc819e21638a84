package engine

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

// later reboots the hosts of a wave that wait for a window, when all others have had
// their turns. Until a window opens they are not at work: they hold up nobody.
func (o *rollout) later(ctx context.Context, wave *schema.Wave) {
	for len(o.waiting) > 0 {
		if o.stopped(ctx) {
			o.halt(wave, schema.ReasonOperatorStopped, stoppedByOperator)
		}
		var open []schema.HostName
		next := time.Time{}
		for _, host := range slices.Sorted(maps.Keys(o.waiting)) {
			until := o.waiting[host].waits
			if o.halted != "" || !until.After(o.Now()) {
				open = append(open, host)
			}
			if next.IsZero() || until.Before(next) {
				next = until
			}
		}
		if len(open) == 0 {
			// In pieces: this machine may sleep, or its clock be put right.
			o.pause(ctx, min(next.Sub(o.Now()), o.Patience.Slot))
			continue
		}
		o.take(ctx, wave, open)
	}
}

// setAside lets a host wait for its window, and others work.
func (o *rollout) setAside(t *task) {
	t.emit(schema.Event{Kind: schema.HostStage, Stage: schema.StageWindow, Until: moment(t.waits)})
	o.waiting[t.name] = t
}

// leaveOut ends the turn of a host that may not begin, or not go on with its reboot.
func (o *rollout) leaveOut(wave *schema.Wave, host schema.HostName) {
	t := o.waiting[host]
	if t == nil {
		o.leave(wave, host)
		return
	}
	delete(o.waiting, host)
	t.result.Reboot.Error += "; then " + o.halted
	if err := t.keepRecord(schema.HostEnded); err != nil {
		o.halt(wave, schema.ReasonJournal, err.Error())
	}
	o.tasks[host] = t
	o.count(wave, t)
}

// leave says of a host that has no turn in this process what is known of it: of one that
// an earlier process had begun with it is more than that it is held.
func (o *rollout) leave(wave *schema.Wave, host schema.HostName) {
	turn, ended := o.story.Ended[host]
	switch past, begun := o.story.begun[host]; {
	case begun:
		what := "it may have been changed"
		if past.down() {
			what = "it may be drained, or down for a reboot"
		}
		o.finish(host, schema.HostRecord{Outcome: schema.HostUnknown, Reason: o.haltReason,
			Error: "its turn had begun when the run was interrupted before, and nobody has looked at it since, " + what + ": " + o.halted})
	case ended && turn.Record.Outcome != schema.HostHeld:
		o.remember(wave, host, turn)
	default:
		o.hold(host, o.haltReason, o.halted)
	}
}

// worthWatching reports whether there is something about a wave to see: where hosts
// only reboot, it is that one did.
func (o *rollout) worthWatching(hosts []schema.HostName) bool {
	return !o.OnlyReboot || slices.ContainsFunc(hosts, func(name schema.HostName) bool {
		t := o.tasks[name]
		return t != nil && t.result.Reboot != nil && t.result.Reboot.State == schema.RebootDone
	})
}
