package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/nixfleet/nixfleet/executor/internal/session"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// rollBack does what the wave says of a rollout that halts in it, or at its gate.
// Where the operator halted it, that is no failure.
func (o *rollout) rollBack(ctx context.Context, wave *schema.Wave) {
	if o.DryRun || o.stopped(ctx) {
		return
	}
	because := func(t *task) cause {
		if t.result.Outcome == schema.HostUnhealthy { // it is one of those for whom the rollout halted
			return t.ownCause()
		}
		return cause{"the rollout halted: " + o.halted, schema.ReasonRolloutHalted}
	}
	waves := o.Plan.Index.Rollout.Waves
	at := slices.IndexFunc(waves, func(w schema.Wave) bool { return w.Name == wave.Name })
	switch wave.OnFailure {
	case schema.RollbackWave:
		o.takeBack(ctx, &waves[at], waves[at].Hosts, because)
	case schema.RollbackAll:
		for ; at >= 0; at-- {
			o.takeBack(ctx, &waves[at], waves[at].Hosts, because)
		}
	}
}

// takeBackOwed takes back the hosts whose way back after their turns an earlier process
// did not come to, where each that is not well goes back.
func (o *rollout) takeBackOwed(ctx context.Context, wave *schema.Wave, hosts []schema.HostName) {
	if wave.OnFailure != schema.RollbackHost {
		return
	}
	owed := slices.DeleteFunc(slices.Clone(hosts), func(host schema.HostName) bool {
		t := o.tasks[host]
		return t == nil || t.result.Outcome != schema.HostUnhealthy || t.stays() != nil
	})
	o.takeBack(ctx, wave, owed, (*task).ownCause)
}

// takeBack takes back those of the hosts that this run changed, as limits let them.
func (o *rollout) takeBack(ctx context.Context, wave *schema.Wave, hosts []schema.HostName, because func(*task) cause) {
	waiting := slices.DeleteFunc(slices.Clone(hosts), func(host schema.HostName) bool {
		t := o.tasks[host]
		return t == nil || !t.changed || t.result.Outcome != schema.HostChanged && t.result.Outcome != schema.HostUnhealthy
	})
	if len(waiting) > 0 {
		o.emit(schema.Event{Kind: schema.WaveStage, Wave: wave.Name, Stage: schema.StageRollback})
	}
	type end struct {
		*task
		stopped bool
	}
	returned := make(chan end)
	for {
		if o.stopped(ctx) {
			o.putOff(waiting, because)
			waiting = nil
		}
		for i := o.limits.next(waiting); i >= 0; i = o.limits.next(waiting) {
			t := o.tasks[waiting[i]]
			waiting = slices.Delete(waiting, i, i+1)
			o.limits.begin(t.name)
			o.emit(schema.Event{Kind: schema.HostReturning, Host: t.name, Wave: wave.Name})
			go func() {
				returned <- end{t, t.goBack(ctx, because(t))}
			}()
		}
		if o.limits.atWork == 0 {
			return
		}
		t := <-returned
		o.limits.end(t.name)
		if t.stopped { // the journal's last word is that it goes back
			o.record(t.task)
		} else {
			o.amend(t.task)
		}
		o.emit(schema.Event{Kind: schema.HostReturned, Host: t.name, Wave: wave.Name, Outcome: t.result.Outcome, Error: t.result.Error, Hint: t.result.Hint, Reason: t.result.Reason})
	}
}

// putOff keeps of hosts that the operator did not let go back that they are to: who
// resumes the run goes on with it.
func (o *rollout) putOff(hosts []schema.HostName, because func(*task) cause) {
	for _, host := range hosts {
		t := o.tasks[host]
		cause := because(t)
		if stays := t.stays(); stays != nil {
			t.remains(cause, stays)
			o.amend(t)
			continue
		}
		if err := t.write(schema.Entry{Kind: schema.HostGoingBack, Record: &t.result, Before: t.before}); err != nil {
			t.remains(cause, &staying{err.Error(), schema.ReasonJournal})
		} else {
			t.putOff(cause)
		}
		o.record(t)
	}
}

// cause is why a host is rolled back.
type cause struct {
	text   string
	reason schema.Reason
}

// ownCause is that the host itself is not well.
func (t *task) ownCause() cause { return cause{t.result.Error, t.result.Reason} }

// putOff says that the host is still to be rolled back.
func (t *task) putOff(because cause) {
	t.result.Reason = schema.ReasonRollbackPending
	t.result.Error = because.text + fmt.Sprintf("\nit is to go back to generation %d, and the run was stopped before that", t.before)
}

// staying is why a host that the run has changed cannot be rolled back.
type staying struct {
	why    string
	reason schema.Reason
}

// stays returns why the host cannot be rolled back; nil if it can.
func (t *task) stays() *staying {
	switch t.before {
	case 0:
		return &staying{"before this run it was not managed, so there is no generation to go back to", schema.ReasonNotManaged}
	case t.result.Generation:
		return &staying{"the run brought no new generation, it put right what had drifted", schema.ReasonSameGeneration}
	}
	return nil
}

// remains says that the host is not rolled back, and why.
func (t *task) remains(because cause, stays *staying) {
	t.result.Error, t.result.Reason = because.text+"\nit stays as it is: "+stays.why, stays.reason
}

// goBack makes the host what it was before the run, in a transaction of its own. What
// that cannot be is said in the record. Where it was cut the host is still to go back.
func (t *task) goBack(ctx context.Context, because cause) (stopped bool) {
	if !t.changed {
		return false
	}
	if stays := t.stays(); stays != nil {
		t.remains(because, stays)
		return false
	}
	// If we crash here, the host is what it was before the run or what that made of it,
	// and the run, resumed, takes it back then.
	if err := t.write(schema.Entry{Kind: schema.HostGoingBack, Record: &t.result, Before: t.before}); err != nil {
		t.remains(because, &staying{err.Error(), schema.ReasonJournal})
		return false
	}
	// Under a name of its own: what the host tells of the run's last change is then of this one.
	run := &Run{
		ID: t.ID + "-back", Operator: t.Operator, Dialer: t.Dialer, Wire: t.Wire, Now: t.Now, Patience: t.Patience,
		Observe: func(e schema.Event) { t.Run.emit(e) },
	}
	back := &task{Run: run, name: t.name, host: schema.Host{Connection: t.host.Connection, Manifest: schema.DigestOf(nil)}, helper: &session.Helper{}}
	b := &returning{task: back, where: protocol.BackRequest{To: strconv.Itoa(t.before)}, from: t.result.Generation}
	err := back.tries(ctx, b.attempt)
	var overtaken *overtakenError
	switch {
	case errors.As(err, &overtaken):
		t.changed = false
		t.remains(because, &staying{err.Error(), schema.ReasonOvertaken})
		return false
	case err != nil:
		back.conclude(ctx, err)
	}
	if back.result.Outcome == schema.HostHeld { // it was cut before it began
		t.putOff(because)
		return true
	}
	t.returned(&back.result, because)
	return ctx.Err() != nil && t.result.Outcome == schema.HostUnknown
}

// returned turns the record of the way back into that of the host.
func (t *task) returned(back *schema.HostRecord, because cause) {
	t.result.Reason = because.reason
	if reached(back.Outcome) {
		t.changed = false
		t.result.Outcome, t.result.Generation = schema.HostRolledBack, back.Generation
		t.result.Changes = append(t.result.Changes, back.Changes...)
		t.result.Error = because.text + fmt.Sprintf("\nit went back to what it was before, generation %d", t.before)
		return
	}
	t.result.Outcome, t.result.Hint = schema.HostFailed, back.Hint
	if back.Outcome == schema.HostUnknown {
		t.result.Outcome = schema.HostUnknown
	}
	t.result.Error = because.text + fmt.Sprintf("\nand it could not be taken back to generation %d: %s", t.before, back.Error)
}
