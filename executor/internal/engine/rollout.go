package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// rollout is where an execution stands: which hosts may begin, and whether any still
// may. One goroutine, that of [Run.Execute], has it; hosts at work only hand their
// records in. So nothing begins between a failure and the halt that it means.
type rollout struct {
	*Run
	limits *limits
	failed map[schema.HostName]bool
	// tasks are the hosts that had their turn.
	tasks map[schema.HostName]*task
	// waiting are the hosts whose reboots wait for a window.
	waiting map[schema.HostName]*task
	// story is what happened before this process; of a run that begins, nothing.
	story *Story
}

// Execute takes the hosts and returns what became of each. When ctx ends, hosts
// in flight are cut: those that were being changed end as unknown.
func (r *Run) Execute(ctx context.Context) map[schema.HostName]schema.HostRecord {
	r.frozen = freeze(r.Plan, r.Binary)
	r.records = map[schema.HostName]schema.HostRecord{}
	r.Patience = r.Patience.orDefaults()
	o := &rollout{Run: r, limits: limitsOf(r.Plan, r.Hosts, r.Parallel), failed: map[schema.HostName]bool{}, tasks: map[schema.HostName]*task{}, waiting: map[schema.HostName]*task{}, story: r.Story}
	if o.story == nil {
		o.story = &Story{}
	}
	r.prepareReboots(o.story)
	o.begins(ctx)
	for i := range r.Plan.Index.Rollout.Waves {
		wave := &r.Plan.Index.Rollout.Waves[i]
		hosts := slices.DeleteFunc(slices.Clone([]schema.HostName(wave.Hosts)), func(name schema.HostName) bool { return !r.Hosts[name] })
		if len(hosts) > 0 {
			o.wave(ctx, wave, hosts)
		}
	}
	r.downs.finish()
	return r.records
}

// begins asks the gate before the first wave, or tells how far the rollout was.
func (o *rollout) begins(ctx context.Context) {
	if o.story.Halted != "" {
		o.halted, o.haltReason = o.story.Halted, o.story.haltReason
		o.emit(schema.Event{Kind: schema.RunHalted, Wave: o.story.wave, Error: o.halted, Reason: o.haltReason})
		return
	}
	first := &schema.Wave{}
	if !o.story.waves[first.Name] {
		o.gate(ctx, first)
		o.over(first)
	}
}

// wave takes the hosts of a wave, or holds them where the rollout has halted.
func (o *rollout) wave(ctx context.Context, wave *schema.Wave, hosts []schema.HostName) {
	before := o.halted
	if o.story.wave == wave.Name { // it halted here, in an earlier process
		before = ""
	}
	if o.halted == "" {
		o.emit(schema.Event{Kind: schema.WaveStarted, Wave: wave.Name})
		o.keep(schema.Entry{Kind: schema.WaveBegun, Wave: wave.Name})
	}
	waiting := o.recall(wave, hosts)
	o.takeBackOwed(ctx, wave, hosts)
	over := o.story.waves[wave.Name] && len(waiting) == 0
	o.take(ctx, wave, waiting)
	o.later(ctx, wave)
	if o.stopped(ctx) {
		o.halt(wave, schema.ReasonOperatorStopped, stoppedByOperator)
	}
	o.haltUnlessAll(wave, hosts)
	if !over {
		if o.halted == "" && !o.DryRun && wave.Soak != "" && o.worthWatching(hosts) {
			o.soak(ctx, wave, hosts)
			o.haltUnlessAll(wave, hosts)
		}
		o.gate(ctx, wave)
		o.over(wave)
	}
	if o.halted != before {
		o.rollBack(ctx, wave)
	}
}

// haltUnlessAll halts after a wave without a budget in which hosts failed.
func (o *rollout) haltUnlessAll(wave *schema.Wave, hosts []schema.HostName) {
	if wave.FailureBudget == nil && slices.ContainsFunc(hosts, func(name schema.HostName) bool { return o.failed[name] }) {
		o.halt(wave, schema.ReasonBudgetSpent, "not every host of wave "+wave.Name+" is as the plan says")
	}
}

// over says that a wave is, where the rollout goes on after it.
func (o *rollout) over(wave *schema.Wave) {
	if o.halted != "" {
		return
	}
	o.keep(schema.Entry{Kind: schema.WaveEnded, Wave: wave.Name})
	if wave.Name != "" {
		o.emit(schema.Event{Kind: schema.WaveFinished, Wave: wave.Name})
	}
}

// recall counts the hosts whose turns were over before this process, as their ends
// counted then, and returns the others.
func (o *rollout) recall(wave *schema.Wave, hosts []schema.HostName) (waiting []schema.HostName) {
	for _, host := range hosts {
		turn, over := o.story.Ended[host]
		if !over || turn.again() && o.story.Halted == "" {
			waiting = append(waiting, host)
			continue
		}
		o.remember(wave, host, turn)
	}
	// Those that are down come first: the others would wait for them.
	slices.SortStableFunc(waiting, func(a, b schema.HostName) int { return cmp.Compare(o.downs.rank(a), o.downs.rank(b)) })
	return waiting
}

// remember counts a host whose turn was over before this process.
func (o *rollout) remember(wave *schema.Wave, host schema.HostName, turn Turn) {
	t := o.task(host)
	t.result, t.before, t.changed = turn.Record, turn.Before, turn.Changed
	o.tasks[host] = t
	o.count(wave, t)
}

// ended is a host's turn as it is handed in.
type ended struct {
	*task
	// unkept is why the journal does not have it.
	unkept error
}

// take takes hosts side by side, in their order, as limits let them.
func (o *rollout) take(ctx context.Context, wave *schema.Wave, waiting []schema.HostName) {
	turns := make(chan ended)
	stop, cut := o.Stop, ctx.Done()
	for {
		if o.stopped(ctx) && len(waiting) > 0 {
			o.halt(wave, schema.ReasonOperatorStopped, stoppedByOperator)
		}
		waiting = o.begin(ctx, wave, waiting, turns)
		if o.limits.atWork == 0 {
			return
		}
		select {
		case <-stop:
			stop = nil
		case <-cut:
			cut = nil
		case e := <-turns:
			o.end(wave, e)
		}
	}
}

// begin begins as many hosts as may, and returns those that still wait. Where the
// rollout has halted it holds them all, but for those that an earlier process had begun.
func (o *rollout) begin(ctx context.Context, wave *schema.Wave, waiting []schema.HostName, turns chan<- ended) []schema.HostName {
	if o.halted != "" {
		stopped := o.stopped(ctx)
		waiting = slices.DeleteFunc(waiting, func(host schema.HostName) bool {
			if _, begun := o.story.begun[host]; begun && !stopped && o.waiting[host] == nil {
				return false
			}
			o.leaveOut(wave, host)
			return true
		})
	}
	for i := o.limits.next(waiting); i >= 0; i = o.limits.next(waiting) {
		host := waiting[i]
		waiting = slices.Delete(waiting, i, i+1)
		o.limits.begin(host)
		waited := o.waiting[host]
		delete(o.waiting, host)
		if waited == nil {
			o.emit(schema.Event{Kind: schema.HostStarted, Host: host, Wave: wave.Name})
		}
		go func() { turns <- o.turn(ctx, wave, host, waited) }()
	}
	return waiting
}

// turn takes one host from its first connection to its verdict and, where the wave says
// so, back.
func (o *rollout) turn(ctx context.Context, wave *schema.Wave, host schema.HostName, waited *task) ended {
	if waited != nil {
		waited.timed(func() { waited.goOn(ctx) })
		return o.close(ctx, wave, waited)
	}
	t := o.task(host)
	t.past = o.story.begun[host]
	if turn, over := o.story.Ended[host]; over {
		t.past = turn.past()
	}
	if err := t.write(schema.Entry{Kind: schema.HostBegun}); err != nil {
		t.result = schema.HostRecord{Outcome: schema.HostHeld, Reason: schema.ReasonJournal, Error: err.Error()}
		return ended{t, err}
	}
	if back := t.past.goingBack; back != nil {
		t.result, t.before, t.changed = *back, t.past.before, true
	} else {
		t.timed(func() { t.make(ctx) })
	}
	return o.close(ctx, wave, t)
}

// close ends a host's turn, unless it waits for a window.
func (o *rollout) close(ctx context.Context, wave *schema.Wave, t *task) ended {
	if !t.waits.IsZero() {
		return ended{t, nil}
	}
	if t.cutShort(ctx) {
		return ended{t, nil} // the journal's last word is that its turn has begun
	}
	if t.result.Outcome == schema.HostUnreachable && wave.Offline == schema.OfflineHold {
		t.offline = true
		t.result.Outcome, t.result.Reason = schema.HostHeld, schema.ReasonOffline
		t.result.Error = "held for a later execution, because it cannot be reached: " + t.result.Error
	}
	if wave.OnFailure == schema.RollbackHost && t.result.Outcome == schema.HostUnhealthy {
		if stopped := t.goBack(ctx, t.ownCause()); stopped {
			return ended{t, nil} // the journal's last word is that it goes back
		}
	}
	return ended{t, t.keepRecord(schema.HostEnded)}
}

// cutShort reports whether the run was cut while hooks ran or checks were asked: that they
// did not come to their end is no failure of the host.
func (t *task) cutShort(ctx context.Context) bool {
	unhealthy := t.result.Outcome == schema.HostUnhealthy
	if ctx.Err() == nil || !unhealthy && !reached(t.result.Outcome) {
		return false
	}
	if unhealthy {
		t.result.Reason = schema.ReasonOperatorStopped
		t.result.Outcome, t.result.Error = schema.HostUnknown, "the run was cut before the host's turn was over: "+t.result.Error
	}
	return true
}

// end counts a host that has ended.
func (o *rollout) end(wave *schema.Wave, e ended) {
	o.limits.end(e.name)
	if !e.waits.IsZero() {
		o.setAside(e.task)
		return
	}
	o.tasks[e.name] = e.task
	o.count(wave, e.task)
	if e.unkept != nil {
		o.halt(wave, schema.ReasonJournal, e.unkept.Error())
	}
}

// count counts what became of a host.
func (o *rollout) count(wave *schema.Wave, t *task) {
	if t.offline {
		o.offline++
	}
	o.finish(t.name, t.result)
	if t.gone {
		o.halt(wave, schema.ReasonHostMissing, t.missing())
	}
	if !reached(t.result.Outcome) && t.result.Outcome != schema.HostHeld {
		o.fail(wave, t.name)
	}
}

// fail counts a host that failed, and halts where that is one too many.
func (o *rollout) fail(wave *schema.Wave, host schema.HostName) {
	o.failed[host] = true
	if reason := o.overspent(wave); reason != "" {
		o.halt(wave, schema.ReasonBudgetSpent, reason)
	}
}

// overspent says which budget more hosts have failed than it has; empty where none.
func (o *rollout) overspent(wave *schema.Wave) string {
	if most := wave.FailureBudget; most != nil {
		if n := o.failures(func(name schema.HostName) bool { return slices.Contains(wave.Hosts, name) }); n > *most {
			return fmt.Sprintf("%s of wave %s failed, and its budget is %d", human.Count(n, "host"), wave.Name, *most)
		}
	}
	for _, budget := range o.Plan.Index.Rollout.Budgets {
		of := ""
		if budget.Group != "" {
			of = fmt.Sprintf(" of group %q", budget.Group)
		}
		n := o.failures(func(name schema.HostName) bool {
			host := o.Plan.Index.Hosts[name]
			return budget.Group == "" || host.InGroup(budget.Group)
		})
		if n > budget.Hosts {
			return fmt.Sprintf("%s%s failed, and the rollout's budget is %d", human.Count(n, "host"), of, budget.Hosts)
		}
	}
	return ""
}

func (o *rollout) failures(count func(schema.HostName) bool) int {
	n := 0
	for host := range o.failed {
		if count(host) {
			n++
		}
	}
	return n
}

// halt lets nothing more begin. The first reason stays. Where the operator stopped the
// rollout, it can be resumed: the journal knows of no halt.
func (o *rollout) halt(wave *schema.Wave, reason schema.Reason, text string) {
	if o.halted != "" {
		return
	}
	o.halted, o.haltReason = text, reason
	if reason != schema.ReasonOperatorStopped {
		o.keep(schema.Entry{Kind: schema.RunHalting, Wave: wave.Name, Error: text, Reason: reason})
	}
	o.emit(schema.Event{Kind: schema.RunHalted, Wave: wave.Name, Error: text, Reason: reason})
}
