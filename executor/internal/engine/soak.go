package engine

import (
	"context"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

// soak watches a wave for its time, and then asks all its hosts again whether they are
// well. Each was asked in its own turn.
func (o *rollout) soak(ctx context.Context, wave *schema.Wave, hosts []schema.HostName) {
	length, _ := time.ParseDuration(wave.Soak) // the compiler has read it too
	o.emit(schema.Event{Kind: schema.WaveStage, Wave: wave.Name, Stage: schema.StageSoak, Until: moment(o.Now().Add(length))})
	if !o.pause(ctx, length) {
		o.halt(wave, schema.ReasonOperatorStopped, stoppedByOperator)
		return
	}
	o.emit(schema.Event{Kind: schema.WaveStage, Wave: wave.Name, Stage: schema.StageHealth})
	var failed []schema.HostName
	asked := o.askAll(ctx, hosts)
	if ctx.Err() != nil {
		o.halt(wave, schema.ReasonOperatorStopped, stoppedByOperator)
		return
	}
	for _, t := range asked {
		if reached(t.result.Outcome) {
			continue
		}
		o.amend(t)
		o.emit(schema.Event{Kind: schema.HostUnwell, Host: t.name, Wave: wave.Name, Error: t.result.Error, Hint: t.result.Hint, Reason: t.result.Reason})
		o.fail(wave, t.name)
		failed = append(failed, t.name)
	}
	if wave.OnFailure == schema.RollbackHost {
		o.takeBack(ctx, wave, failed, (*task).ownCause)
	}
}

// pause reports whether all of it went by.
func (o *rollout) pause(ctx context.Context, length time.Duration) bool {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-o.Stop:
	case <-ctx.Done():
	}
	return false
}

// askAll asks the hosts that are as the plan says, as many at once as may be at work.
func (o *rollout) askAll(ctx context.Context, hosts []schema.HostName) (asked []*task) {
	slots := make(chan struct{}, o.limits.parallel)
	var asking sync.WaitGroup
	for _, host := range hosts {
		t := o.tasks[host]
		if t == nil || !reached(t.result.Outcome) || len(t.part.manifest.HealthChecks) == 0 {
			continue
		}
		asked = append(asked, t)
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			before := t.result
			if t.askAgain(ctx); ctx.Err() != nil {
				t.result = before // who was cut has no answer
			}
		})
	}
	asking.Wait()
	return asked
}
