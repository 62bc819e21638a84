package executor

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/engine"
	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/record"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/schema"
)

// LookOptions is what somebody asks for who only looks.
type LookOptions struct {
	// Select leaves hosts out; the zero value takes all.
	Select Selection
	// Parallel is how many hosts are asked at once; 0 stands for [LookParallel].
	Parallel int
	// Timeout is how long one host may take in all; 0 is for as long as it takes.
	Timeout time.Duration
	// Sensitive asks for the contents of files that not everybody on a host may read.
	Sensitive bool
	// Operator is who asks, "user@machine".
	Operator string
}

// LookParallel is how many hosts are asked at once where nothing else is said.
const LookParallel = 50

// Seen is what was seen of one host.
type Seen = engine.Seen

// Look asks hosts, which need not be of a plan, what was applied to them, by whom,
// and whether that is still so. Report is told of each as it answers, one at a time.
// Nothing changes on any host. An error means that none was asked.
func Look(ctx context.Context, hosts schema.Hosts, options LookOptions, deps Deps, report func(Seen)) error {
	chosen, err := chooseFrom(hosts, "fleet", options.Select)
	if err != nil {
		return err
	}
	return look(ctx, &engine.Look{Hosts: lookHosts(hosts, chosen)}, options, deps, report)
}

// Propose asks the hosts of a plan what an execution of it would do to them. The
// rest is as with [Look].
func Propose(ctx context.Context, plan *schema.Plan, options LookOptions, deps Deps, report func(Seen)) error {
	if plan.Index.Preview {
		return fault.New(fault.Refused, "cannot compare the plan with hosts: it is a preview, whose closures are not built").
			WithHint("nixfleet build completes it; or compile without --no-build")
	}
	if err := plan.Verify(); err != nil {
		return fault.New(fault.Refused, "cannot compare the plan with hosts: %w", err)
	}
	chosen, err := choose(plan, options.Select)
	if err != nil {
		return err
	}
	hosts := lookHosts(plan.Index.Hosts, chosen)
	for i, host := range hosts {
		hosts[i].System = plan.Manifests[plan.Index.Hosts[host.Name].Manifest].System
	}
	return look(ctx, &engine.Look{Hosts: hosts, Plan: plan}, options, deps, report)
}

// SelectFrom is [Select] for hosts of an inventory.
func SelectFrom(hosts schema.Hosts, selection Selection) ([]schema.HostName, error) {
	chosen, err := chooseFrom(hosts, "fleet", selection)
	return slices.Sorted(maps.Keys(chosen)), err
}

func lookHosts(hosts schema.Hosts, chosen map[schema.HostName]bool) []engine.LookHost {
	var list []engine.LookHost
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		list = append(list, engine.LookHost{Name: name, Connection: hosts[name].Connection})
	}
	return list
}

func look(ctx context.Context, l *engine.Look, options LookOptions, deps Deps, report func(Seen)) error {
	if err := checkParallel(options.Parallel); err != nil {
		return err
	}
	id, err := record.NewRun(deps.Clock(), deps.Random)
	if err != nil {
		return err
	}
	dialer := transport.NewDialer(deps.env())
	defer dialer.Close()
	l.ID, l.Sensitive, l.Timeout, l.Operator = id, options.Sensitive, options.Timeout, options.Operator
	l.Parallel = options.Parallel
	if l.Parallel == 0 {
		l.Parallel = LookParallel
	}
	l.Dialer, l.Wire, l.Now, l.Patience, l.Report = dialer, deps.Wire, deps.Clock, deps.patience, report
	l.Do(ctx)
	return nil
}
