package executor

import (
	"context"

	"github.com/nixfleet/nixfleet/executor/internal/engine"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/schema"
)

// RebootOptions is what somebody asks for who has hosts reboot.
type RebootOptions struct {
	// Select leaves hosts of the plan out; the zero value takes all.
	Select Selection
	// Parallel lowers how many hosts are taken at once; 0 leaves it to the plan.
	Parallel int
	// Force reboots also hosts that need no reboot. Windows and limits hold all the same.
	Force bool
	// Wait lets hosts wait for their windows.
	Wait bool
	// Operator is who does it, "user@machine", for the records.
	Operator string
	// Stop, once closed, lets the hosts in flight finish and no other start.
	Stop <-chan struct{}
}

// Reboot takes hosts through their reboots as an execution of the plan would, with its
// waves, limits, windows, hooks and health checks, and changes nothing else on them. A
// host on which another manifest is applied than the plan's is refused. The rest is as
// with [Execute].
func Reboot(ctx context.Context, plan *schema.Plan, options RebootOptions, deps Deps) (*schema.Record, error) {
	as := Options{Select: options.Select, Parallel: options.Parallel}
	hosts, err := admit(plan, as)
	if err != nil {
		return nil, err
	}
	run, records, err := unjournalled(deps)
	if err != nil {
		return nil, err
	}
	dialer := transport.NewDialer(deps.env())
	defer dialer.Close()
	x := &execution{
		deps: deps, records: records,
		record: begin(plan, hosts, options.Operator, run, deps.Clock()),
		engine: engine.Run{
			ID: run, Plan: plan, Hosts: hosts, Parallel: parallel(plan, as), OnlyReboot: true, Force: options.Force, Wait: options.Wait,
			Operator: options.Operator, Stop: options.Stop, Dialer: dialer, Binary: deps.Helpers, Network: deps.dial(), Shell: deps.Shell,
			Observe: deps.Observe, Wire: deps.Wire, Now: deps.Clock, Patience: deps.patience,
		},
	}
	x.record.Operation, x.record.Task = schema.OperationReboot, "reboot"
	return x.run(ctx, x.engine.Execute)
}
