package executor

import (
	"context"
	"strings"

	"github.com/nixfleet/nixfleet/executor/internal/engine"
	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/record"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// BackOptions is what somebody asks for who takes hosts back.
type BackOptions struct {
	// Fleet is the fleet's name, for the record; may be empty.
	Fleet string
	// Select leaves hosts out; the zero value takes all.
	Select Selection
	// Parallel is how many hosts are taken at once; 0 stands for [BackParallel].
	Parallel int
	// Operator is who does it, "user@machine", for the records.
	Operator string
	// Stop, once closed, lets the hosts in flight finish and no other start.
	Stop <-chan struct{}
}

// BackParallel is how many hosts are taken back at once where nothing else is said.
const BackParallel = 10

// Rollback makes hosts what one of their generations was: "previous", a number, or
// the beginning of a manifest's or plan's digest. It needs only the hosts, which need
// not be of a plan. The rest is as with [Execute]; a host on which it fails keeps none
// of the others from it.
func Rollback(ctx context.Context, hosts schema.Hosts, to string, options BackOptions, deps Deps) (*schema.Record, error) {
	if err := CheckGeneration(to); err != nil {
		return nil, err
	}
	return back(ctx, hosts, protocol.BackRequest{To: to}, schema.OperationRollback, "to "+to, options, deps)
}

// CheckGeneration refuses what cannot name a generation.
func CheckGeneration(to string) error {
	if !protocol.IsTo(to) {
		return fault.New(fault.Refused, "%q names no generation", to).
			WithHint(`expected "previous", a generation's number, or eight or more digits of a manifest's or plan's digest; nixfleet history tells them`)
	}
	return nil
}

// Release takes hosts out of the fleet: what was adopted comes back, all else that is
// managed goes, and then NixFleet itself. It may be repeated. The rest is as with
// [Rollback].
func Release(ctx context.Context, hosts schema.Hosts, options BackOptions, deps Deps) (*schema.Record, error) {
	return back(ctx, hosts, protocol.BackRequest{Release: true}, schema.OperationRelease, "", options, deps)
}

func back(ctx context.Context, hosts schema.Hosts, where protocol.BackRequest, operation schema.Operation, object string, options BackOptions, deps Deps) (*schema.Record, error) {
	return withoutPlan(ctx, hosts, operation, object, BackParallel, options, deps, func(ctx context.Context, run *engine.Run, chosen []engine.LookHost) map[schema.HostName]schema.HostRecord {
		return run.Back(ctx, chosen, where)
	})
}

// withoutPlan does something to hosts that needs no plan, and keeps a record of it.
// object is what the operation is about, for people; parallel is how many hosts it takes
// at once if the options do not say.
func withoutPlan(ctx context.Context, hosts schema.Hosts, operation schema.Operation, object string, parallel int, options BackOptions, deps Deps,
	do func(context.Context, *engine.Run, []engine.LookHost) map[schema.HostName]schema.HostRecord,
) (*schema.Record, error) {
	chosen, err := chooseFrom(hosts, "fleet", options.Select)
	if err != nil {
		return nil, err
	}
	if err := checkParallel(options.Parallel); err != nil {
		return nil, err
	}
	if options.Parallel == 0 {
		options.Parallel = parallel
	}
	run, records, err := unjournalled(deps)
	if err != nil {
		return nil, err
	}
	dialer := transport.NewDialer(deps.env())
	defer dialer.Close()
	x := &execution{
		deps: deps, records: records,
		engine: engine.Run{
			ID: run, Parallel: options.Parallel, Operator: options.Operator, Stop: options.Stop,
			Dialer: dialer, Observe: deps.Observe, Wire: deps.Wire, Now: deps.Clock, Patience: deps.patience,
		},
	}
	none := &schema.Plan{Index: schema.Index{Fleet: options.Fleet}}
	x.record = begin(none, chosen, options.Operator, run, deps.Clock())
	x.record.Operation, x.record.Task = operation, strings.TrimSpace(string(operation)+" "+object)
	return x.run(ctx, func(ctx context.Context) map[schema.HostName]schema.HostRecord {
		return do(ctx, &x.engine, lookHosts(hosts, chosen))
	})
}

// unjournalled names a run that cannot be resumed, and opens the store of records.
func unjournalled(deps Deps) (run string, records *record.Store, err error) {
	if run, err = record.NewRun(deps.Clock(), deps.Random); err != nil {
		return "", nil, err
	}
	records, err = record.Open(deps.StateDir)
	return run, records, err
}

// ForeseeRollback asks hosts what [Rollback] would do to them, and ForeseeRelease what
// [Release] would. The rest is as with [Look].
func ForeseeRollback(ctx context.Context, hosts schema.Hosts, to string, options LookOptions, deps Deps, report func(Seen)) error {
	if err := CheckGeneration(to); err != nil {
		return err
	}
	return foresee(ctx, hosts, protocol.BackRequest{To: to}, options, deps, report)
}

// ForeseeRelease is described with [ForeseeRollback].
func ForeseeRelease(ctx context.Context, hosts schema.Hosts, options LookOptions, deps Deps, report func(Seen)) error {
	return foresee(ctx, hosts, protocol.BackRequest{Release: true}, options, deps, report)
}

func foresee(ctx context.Context, hosts schema.Hosts, where protocol.BackRequest, options LookOptions, deps Deps, report func(Seen)) error {
	chosen, err := chooseFrom(hosts, "fleet", options.Select)
	if err != nil {
		return err
	}
	return look(ctx, &engine.Look{Hosts: lookHosts(hosts, chosen), Back: &where}, options, deps, report)
}

// History asks hosts for their last changes, all where the limit is 0, and for the
// generations that they keep. The rest is as with [Look].
func History(ctx context.Context, hosts schema.Hosts, limit int, options LookOptions, deps Deps, report func(Seen)) error {
	if limit < 0 {
		return fault.New(fault.Refused, "cannot list %d changes of a host: expected 0, for all of them, or more", limit)
	}
	chosen, err := chooseFrom(hosts, "fleet", options.Select)
	if err != nil {
		return err
	}
	return look(ctx, &engine.Look{Hosts: lookHosts(hosts, chosen), History: &limit}, options, deps, report)
}
