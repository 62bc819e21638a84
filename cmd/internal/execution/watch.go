package execution

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/surroundings"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/schema"
)

// WatchCommand returns the command that looks on while somebody else executes.
func WatchCommand() *cli.Command {
	return &cli.Command{
		Name:      "watch",
		Usage:     "look on while hosts are changed, by whomever",
		ArgsUsage: "plan.json",
		Description: `Shows what is being done to hosts: what has happened so far, and then as it goes on, up to the verdict.
Any plan that has the hosts will do: it only says how they are reached. Nothing changes on any host, and
ending this ends nothing else.

Exit status: 0 every change that was watched is done, or nothing was at work; 1 an error of ours or of a
file, 2 wrong usage, 4 a change was rolled back, failed, or could not be seen, 130 interrupted.

Examples: nixfleet watch plan.json --host web-1
          nixfleet watch plan.json --json`,
		Flags: append(selection.Flags(),
			&cli.BoolFlag{Name: "json", Usage: "print events as lines of JSON, as execute does"},
			&cli.BoolFlag{Name: "verbose", Usage: "tell everything that happens, of many hosts too"},
			&cli.BoolFlag{Name: "debug-wire", Usage: "print every message to and from the hosts' helpers"},
		),
		Action: watch,
	}
}

func watch(c *cli.Context) error {
	name, err := ui.OneArgument(c, "plan.json", "a plan")
	if err != nil {
		return err
	}
	plan, err := planfile.Read(name)
	if err != nil {
		return err
	}
	ctx, release := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer release()
	records, err := watchHosts(ctx, c, plan)
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ui.WithCode(ui.ExitInterrupted, ui.ErrReported)
	}
	for _, record := range records {
		switch record.Outcome {
		case schema.HostChanged, schema.HostUnchanged, schema.HostRefused:
		default:
			return ui.WithCode(ui.ExitHostsFailed, ui.ErrReported)
		}
	}
	return nil
}

func watchHosts(ctx context.Context, c *cli.Context, plan *schema.Plan) (map[schema.HostName]schema.HostRecord, error) {
	chosen, err := selection.Of(c)
	if err != nil {
		return nil, err
	}
	options := executor.LookOptions{Select: chosen, Operator: surroundings.Operator()}
	hosts, err := executor.Select(plan, options.Select)
	if err != nil {
		return nil, err
	}
	deps := surroundings.Viewer()
	if c.Bool("debug-wire") {
		deps.Wire = surroundings.Wire(os.Stderr)
	}
	teller := newTeller(c, progress.Shape{Hosts: len(hosts), Parallel: len(hosts)}, fmt.Sprintf("watching %s", ui.Count(len(hosts), "host")))
	defer teller.close()
	deps.Observe, deps.Passphrase = teller.tell, teller.live.Asking(deps.Passphrase)
	return executor.Watch(ctx, plan.Index.Hosts, options, deps)
}
