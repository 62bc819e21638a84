package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

func rollbackCommand() *cli.Command {
	return &cli.Command{
		Name:      "rollback",
		Usage:     "make hosts what one of their generations was",
		ArgsUsage: "[FLEET]",
		Description: `Needs nothing but the hosts: they keep the manifests, texts and packages of their last generations.
How they are reached is taken from --plan, or from the inventory of FLEET (the current directory);
nothing is evaluated. On each host it is a change as any other: undone where it fails or is not
confirmed, restarting only what it must, in the history. It makes a new generation with the old content.

--to is "previous", the number of a generation, or eight or more digits of a plan's or manifest's
digest; nixfleet history tells them. "previous" is the generation before the one in effect; one that
a rollback brought back stands for itself, so doing it twice goes further back, and never forward
to what was left. Packages that apt has installed meanwhile are not rolled back; where there are
some, that is said.

Shows what would change, then asks. Without a terminal --yes is needed. A host on which it fails keeps
none of the others from it.

Exit status: 0 done or nothing to do, 1 an error of ours or of a file, 2 wrong usage, 3 refused and
nothing touched, 4 hosts failed, 5 hosts left out, 130 cut.

Examples: nixfleet rollback --host web-1 --to previous
          nixfleet rollback --group web --to 3f9c1a27 --plan plan.json --dry-run`,
		Flags: append(backFlags(), &cli.StringFlag{Name: "to", Usage: "previous, the `GENERATION`'s number, or digits of a digest"}),
		Action: func(c *cli.Context) error {
			to := c.String("to")
			if to == "" {
				return ui.Usagef("to which generation?\nhint: --to previous, or a number that nixfleet history tells")
			}
			if err := executor.CheckGeneration(to); err != nil {
				return ui.Usagef("--to %w", err)
			}
			w := &wayBack{
				task: "rollback to " + to,
				foresee: func(ctx context.Context, hosts schema.Hosts, options executor.LookOptions, deps executor.Deps, report func(executor.Seen)) error {
					return executor.ForeseeRollback(ctx, hosts, to, options, deps, report)
				},
				carryOut: func(ctx context.Context, hosts schema.Hosts, options executor.BackOptions, deps executor.Deps) (*schema.Record, error) {
					return executor.Rollback(ctx, hosts, to, options, deps)
				},
				question: func(hosts []schema.HostName) (string, func(string) bool) {
					return fmt.Sprintf("Roll %s back? [y/N] ", human.Count(len(hosts), "host")), isYes
				},
			}
			_, err := w.run(c)
			return err
		},
	}
}
