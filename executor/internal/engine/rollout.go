package engine

import (
	"context"
	"fmt"
	"slices"

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
}

// Execute takes the hosts and returns what became of each. When ctx ends, hosts
// in flight are cut: those that were being changed end as unknown.
func (r *Run) Execute(ctx context.Context) map[schema.HostName]schema.HostRecord {
	r.frozen = freeze(r.Plan, r.Binary)
	r.records = map[schema.HostName]schema.HostRecord{}
	r.Patience = r.Patience.orDefaults()
	o := &rollout{Run: r, limits: limitsOf(r.Plan, r.Hosts, r.Parallel), failed: map[schema.HostName]bool{}, tasks: map[schema.HostName]*task{}}
	o.gate(ctx, &schema.Wave{})
	for i := range r.Plan.Index.Rollout.Waves {
		wave := &r.Plan.Index.Rollout.Waves[i]
		hosts := slices.DeleteFunc(slices.Clone([]schema.HostName(wave.Hosts)), func(name schema.HostName) bool { return !r.Hosts[name] })
		if len(hosts) > 0 {
			o.wave(ctx, wave, hosts)
		}
	}
	return r.records
}

// wave takes the hosts of a wave, or holds them where the rollout has halted.
func (o *rollout) wave(ctx context.Context, wave *schema.Wave, hosts []schema.HostName) {
	if o.halted == "" {
		o.emit(schema.Event{Kind: schema.WaveStarted, Wave: wave.Name})
	}
	before := o.halted
	o.take(ctx, wave, slices.Clone(hosts))
	if stopped := o.stopped(ctx); stopped != "" {
		o.halt(wave, stopped)
	}
	if wave.FailureBudget == nil && slices.ContainsFunc(hosts, func(name schema.HostName) bool { return o.failed[name] }) {
		o.halt(wave, "not every host of wave "+wave.Name+" is as the plan says")
	}
	if o.halted == "" && !o.DryRun && wave.Soak != "" {
		o.soak(ctx, wave, hosts)
	}
	o.gate(ctx, wave)
	if o.halted != before {
		o.rollBack(ctx, wave)
	}
}

// ended is a host's turn as it is handed in, with its record.
type ended struct {
	*task
	record schema.HostRecord
}

// take takes hosts side by side, in their order, as limits let them.
func (o *rollout) take(ctx context.Context, wave *schema.Wave, waiting []schema.HostName) {
	turns := make(chan ended)
	stop, cut := o.Stop, ctx.Done()
	for {
		if stopped := o.stopped(ctx); stopped != "" && len(waiting) > 0 {
			o.halt(wave, stopped)
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
// rollout has halted it holds them all.
func (o *rollout) begin(ctx context.Context, wave *schema.Wave, waiting []schema.HostName, turns chan<- ended) []schema.HostName {
	if o.halted != "" {
		for _, host := range waiting {
			o.hold(host, o.halted)
		}
		return nil
	}
	for i := o.limits.next(waiting); i >= 0; i = o.limits.next(waiting) {
		host := waiting[i]
		waiting = slices.Delete(waiting, i, i+1)
		o.limits.begin(host)
		o.emit(schema.Event{Kind: schema.HostStarted, Host: host})
		go func() {
			t := o.host(ctx, host)
			if wave.OnFailure == schema.RollbackHost && t.result.Outcome == schema.HostUnhealthy {
				t.goBack(ctx, t.result.Error)
			}
			turns <- ended{t, t.result}
		}()
	}
	return waiting
}

// end counts a host that has ended.
func (o *rollout) end(wave *schema.Wave, e ended) {
	o.limits.end(e.name)
	o.tasks[e.name] = e.task
	if e.record.Outcome == schema.HostUnreachable && wave.Offline == schema.OfflineHold {
		e.record.Outcome = schema.HostHeld
		e.record.Error = "held for a later execution, because it cannot be reached: " + e.record.Error
		o.offline++
	}
	o.finish(e.name, e.record)
	if !reached(e.record.Outcome) && e.record.Outcome != schema.HostHeld {
		o.fail(wave, e.name)
	}
}

// fail counts a host that failed, and halts where that is one too many.
func (o *rollout) fail(wave *schema.Wave, host schema.HostName) {
	o.failed[host] = true
	if reason := o.overspent(wave); reason != "" {
		o.halt(wave, reason)
	}
}

// overspent says which budget more hosts have failed than it has; empty where none.
func (o *rollout) overspent(wave *schema.Wave) string {
	if most := wave.FailureBudget; most != nil {
		if n := o.failures(func(name schema.HostName) bool { return slices.Contains(wave.Hosts, name) }); n > *most {
			return fmt.Sprintf("%s of wave %s failed, and its budget is %d", countHosts(n), wave.Name, *most)
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
			return fmt.Sprintf("%s%s failed, and the rollout's budget is %d", countHosts(n), of, budget.Hosts)
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

func countHosts(n int) string {
	if n == 1 {
		return "1 host"
	}
	return fmt.Sprintf("%d hosts", n)
}

// halt lets nothing more begin. The first reason stays.
func (o *rollout) halt(wave *schema.Wave, reason string) {
	if o.halted == "" {
		o.halted = reason
		o.emit(schema.Event{Kind: schema.RunHalted, Wave: wave.Name, Error: reason})
	}
}
