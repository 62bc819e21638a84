package execution

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/wiring"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// WaitFlag is that of the commands that can wait for the windows of reboots.
func WaitFlag() cli.Flag {
	return &cli.BoolFlag{Name: "wait", Usage: "wait for reboot windows instead of holding reboots outside them"}
}

// Reboot has hosts of a plan reboot and tells of it. On a terminal it asks before.
func Reboot(c *cli.Context, plan *schema.Plan, hosts []schema.HostName, options executor.RebootOptions) (*schema.Record, error) {
	question := fmt.Sprintf("Reboot those of %s that need it and may?", human.Count(len(hosts), "host"))
	if options.Force {
		question = fmt.Sprintf("Reboot %s, in need or not?", human.Count(len(hosts), "host"))
	}
	if err := confirm(c, question); err != nil {
		return nil, err
	}
	options.Operator = wiring.Operator()
	head := fmt.Sprintf("reboots of plan %s on %s", plan.Digest.Short(), human.Count(len(hosts), "host"))
	return run(c, head, progress.ShapeOf(plan, hosts, options.Parallel), func(ctx context.Context, stop <-chan struct{}, deps executor.Deps) (*schema.Record, error) {
		options.Stop = stop
		return executor.Reboot(ctx, plan, options, deps)
	})
}
