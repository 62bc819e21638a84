package executor

import (
	"context"

	"github.com/nixfleet/nixfleet/executor/internal/engine"
	"github.com/nixfleet/nixfleet/executor/internal/record"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/schema"
)

// Watch shows the changes that are at work on hosts, by whomever, as they go on:
// what has happened is told first. It returns what became of each. On a host with
// nothing at work that is [schema.HostRefused], with the reason. Nothing changes on
// any host. An error means that none was asked.
func Watch(ctx context.Context, hosts schema.Hosts, options LookOptions, deps Deps) (map[schema.HostName]schema.HostRecord, error) {
	chosen, err := chooseFrom(hosts, "plan", options.Select)
	if err != nil {
		return nil, err
	}
	id, err := record.NewRun(deps.Clock(), deps.Random)
	if err != nil {
		return nil, err
	}
	dialer := transport.NewDialer(deps.env())
	defer dialer.Close()
	run := engine.Run{
		ID: id, Operator: options.Operator, Parallel: LookParallel,
		Dialer: dialer, Observe: deps.Observe, Wire: deps.Wire, Now: deps.Clock, Patience: deps.patience,
	}
	return run.Watch(ctx, lookHosts(hosts, chosen)), nil
}
