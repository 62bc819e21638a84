package engine

import (
	"context"
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
	if o.DryRun || o.stopped(ctx) != "" {
		return
	}
	because := func(*task) string { return "the rollout halted: " + o.halted }
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

// takeBack takes back those of the hosts that this run changed, as limits let them.
func (o *rollout) takeBack(ctx context.Context, wave *schema.Wave, hosts []schema.HostName, because func(*task) string) {
	waiting := slices.DeleteFunc(slices.Clone(hosts), func(host schema.HostName) bool {
		t := o.tasks[host]
		return t == nil || !t.changed || t.result.Outcome != schema.HostChanged && t.result.Outcome != schema.HostUnhealthy
	})
	if len(waiting) > 0 {
		o.emit(schema.Event{Kind: schema.WaveStage, Wave: wave.Name, Stage: "roll back"})
	}
	returned := make(chan *task)
	for {
		if o.stopped(ctx) != "" {
			waiting = nil // they stay as they are
		}
		for i := o.limits.next(waiting); i >= 0; i = o.limits.next(waiting) {
			t := o.tasks[waiting[i]]
			waiting = slices.Delete(waiting, i, i+1)
			o.limits.begin(t.name)
			o.emit(schema.Event{Kind: schema.HostReturning, Host: t.name, Wave: wave.Name})
			go func() {
				t.goBack(ctx, because(t))
				returned <- t
			}()
		}
		if o.limits.atWork == 0 {
			return
		}
		t := <-returned
		o.limits.end(t.name)
		o.amend(t)
		o.emit(schema.Event{Kind: schema.HostReturned, Host: t.name, Wave: wave.Name, Outcome: t.result.Outcome, Error: t.result.Error})
	}
}

// goBack makes the host what it was before the run, in a transaction of its own. What
// that cannot be is said in the record.
func (t *task) goBack(ctx context.Context, because string) {
	switch {
	case !t.changed:
		return
	case t.before == 0:
		t.result.Error = because + "\nit stays as it is: before this run it was not managed, so there is no generation to go back to"
		return
	case t.before == t.result.Generation:
		t.result.Error = because + "\nit stays as it is: the run brought no new generation, it put right what had drifted"
		return
	}
	// If we crash here, the host is what it was before the run or what that made of it,
	// and the run, resumed, takes it back then.
	if err := t.write(schema.Entry{Kind: schema.HostGoingBack, Record: &t.result, Before: t.before}); err != nil {
		t.result.Error = because + "\nit stays as it is: " + err.Error()
		return
	}
	// Under a name of its own: what the host tells of the run's last change is then of this one.
	run := &Run{
		ID: t.ID + "-back", Operator: t.Operator, Dialer: t.Dialer, Wire: t.Wire, Now: t.Now, Patience: t.Patience,
		Observe: func(e schema.Event) { t.Run.emit(e) },
	}
	back := &task{Run: run, name: t.name, host: schema.Host{Connection: t.host.Connection, Manifest: schema.DigestOf(nil)}, helper: &session.Helper{}}
	b := &returning{task: back, where: protocol.Back{To: strconv.Itoa(t.before)}}
	if err := back.tries(ctx, b.attempt); err != nil {
		back.conclude(ctx, err)
	}
	t.returned(&back.result, because)
}

// returned turns the record of the way back into that of the host.
func (t *task) returned(back *schema.HostRecord, because string) {
	if reached(back.Outcome) {
		t.changed = false
		t.result.Outcome, t.result.Generation = schema.HostRolledBack, back.Generation
		t.result.Changes = append(t.result.Changes, back.Changes...)
		t.result.Error = because + fmt.Sprintf("\nit went back to what it was before, generation %d", t.before)
		return
	}
	t.result.Outcome = schema.HostFailed
	if back.Outcome == schema.HostUnknown {
		t.result.Outcome = schema.HostUnknown
	}
	t.result.Error = because + fmt.Sprintf("\nand it could not be taken back to generation %d: %s", t.before, back.Error)
}
