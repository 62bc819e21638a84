package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/execution"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

func rollbackCommand() *cli.Command {
	return &cli.Command{
		Name:      "rollback",
		Usage:     "roll hosts back to an earlier generation",
		ArgsUsage: "[FLEET]",
		Description: `Needs only the hosts: they keep the manifests, texts and packages of their latest generations. Addresses come
from --plan, or from the inventory of FLEET (default: the current directory); nothing is evaluated. A rollback
is a change like any other: it is undone if it fails or is not confirmed, restarts only what it must, and
appears in the history. It creates a new generation with the old content.

--to is "previous", the number of a generation, or eight or more digits of a plan's or manifest's digest, as
nixfleet history lists them. "previous" is the generation before the current one. A generation that a rollback
restored stands for the original, so repeating the command goes further back, never forward. apt packages
installed since then are not rolled back; if there are any, the output says so.

Shows what would change, then asks. Without a terminal, --yes is required. A failure on one host does not stop
the others.

Exit status: 0 done or nothing to do, 1 an error of ours or of a file, 2 wrong usage, 3 refused and
nothing touched, 4 hosts failed, 5 hosts left out, 130 interrupted twice.

Examples: nixfleet rollback --host web-1 --to previous
          nixfleet rollback --group web --to 3f9c1a27 --plan plan.json --dry-run`,
		Flags: append(backFlags(), &cli.StringFlag{Name: "to", Usage: "the target: \"previous\", a `GENERATION` number, or the start of a digest"}),
		Action: func(c *cli.Context) error {
			to := c.String("to")
			if to == "" {
				return schema.WithHint(ui.Usagef("to which generation?"), "--to previous, or a number that nixfleet history tells")
			}
			if err := executor.CheckGeneration(to); err != nil {
				return ui.Usagef("--to %w", err)
			}
			w := &wayBack{
				operation: schema.OperationRollback, task: "rollback to " + to,
				foresee: func(ctx context.Context, hosts schema.Hosts, options executor.LookOptions, deps executor.Deps, report func(executor.Seen)) error {
					return executor.ForeseeRollback(ctx, hosts, to, options, deps, report)
				},
				carryOut: func(ctx context.Context, hosts schema.Hosts, options executor.BackOptions, deps executor.Deps) (*schema.Record, error) {
					return executor.Rollback(ctx, hosts, to, options, deps)
				},
				question: func(hosts []schema.HostName) (string, func(string) bool) {
					return fmt.Sprintf("Roll %s back? [y/N] ", human.Count(len(hosts), "host")), execution.IsYes
				},
			}
			_, err := w.run(c)
			return err
		},
	}
}
