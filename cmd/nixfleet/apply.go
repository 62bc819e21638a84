package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/execution"
	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/planview"
	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/cmd/internal/wiring"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

func applyCommand() *cli.Command {
	return &cli.Command{
		Name:      "apply",
		Usage:     "compile a fleet, preview the change, ask, and execute in one step",
		ArgsUsage: "[FLEET]",
		Description: `Compiles FLEET (default: the one in the current directory), asks the hosts what would change, shows a summary,
asks once, and executes exactly the plan it has shown. If every host already matches the plan, it does not ask.
--output keeps the plan. If someone else reviews, compile, show them the plan, and execute it instead.

As with compile and plan, --host and --group select what is compiled, and the waves have only these hosts. The
other selections leave hosts out of the waves. Without a terminal, --yes is required; it then previews and
continues. Ctrl-C before you confirm leaves every host as it is; after that it works as with execute.

Exit status: 0 done or nothing to do, 1 the fleet has errors, or an error of ours or of a file, 2 wrong
usage, 3 refused and nothing touched, 4 hosts failed, 5 halted and hosts left out, 6 hosts held for later,
130 interrupted.

Examples: nixfleet apply --group web --parallel 20
          nixfleet apply my-fleet --host web-1 -o plan.json
          nixfleet apply --tag zone=a --yes --json`,
		Flags: append(append(append(selection.Flags(), execution.RunFlags()...), policyFlags()...),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "also write the plan to `FILE`"},
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask for confirmation; required without a terminal"},
			&cli.IntFlag{Name: "parallel", Usage: "change at most `N` hosts at once; can only lower the plan's limit", DefaultText: "what the plan says"},
			execution.WaitFlag(),
			&cli.DurationFlag{Name: "timeout", Usage: "give up on a host that does not finish its preview within `TIME`", Value: time.Minute},
			&cli.StringFlag{Name: "rollout", Usage: "use the fleet's rollout policy `NAME`, as in compile"},
			&cli.StringSliceFlag{Name: "input", Usage: "add a file or directory from outside the fleet, as `NAME=PATH` (can be repeated)"},
			&cli.StringFlag{Name: "inventory", Usage: "use this `FILE` of the fleet's inventory/"},
			&cli.BoolFlag{Name: "no-cache", Usage: "ignore cached evaluations"},
			&cli.BoolFlag{Name: "trace", Usage: "show Nix's trace of evaluation errors"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "no progress output before the execution"},
		),
		Action: applyAction,
	}
}

func applyAction(c *cli.Context) error {
	fleet := "."
	if c.NArg() > 0 {
		var err error
		if fleet, err = ui.OneArgument(c, "FLEET", "a fleet"); err != nil {
			return err
		}
	}
	if c.IsSet("parallel") && c.Int("parallel") < 1 {
		return ui.Usagef("--parallel %d: expected 1 or more", c.Int("parallel"))
	}
	if c.Duration("timeout") <= 0 {
		return ui.Usagef("--timeout %s: expected more than nothing, as 30s", c.Duration("timeout"))
	}
	if info, err := os.Stat(fleet); err == nil && !info.IsDir() {
		return schema.WithHint(ui.Usagef("apply compiles a fleet, and %q is a file", fleet), "nixfleet execute %s applies a plan", fleet)
	}
	if !c.Bool("yes") && (!ui.IsTerminal(os.Stdin) || !ui.IsTerminal(os.Stderr)) {
		return ui.WithCode(ui.ExitRefused, schema.WithHint(errors.New("apply asks before it changes hosts, and there is no terminal to ask on; nothing was done"), "--yes does it unasked; nixfleet plan only looks"))
	}
	chosen, err := selection.Of(c)
	if err != nil {
		return err
	}
	plan, err := applyPlan(c, fleet)
	if err != nil {
		return err
	}
	hosts, err := executor.Select(plan, chosen)
	if err != nil {
		return ui.WithCode(ui.ExitRefused, err)
	}
	agreed, err := lookAndAsk(c, plan, chosen, hosts)
	if !agreed || err != nil {
		return err
	}
	return execution.CarryOut(c, plan, hosts, executor.Options{Select: chosen, Parallel: c.Int("parallel"), Wait: c.Bool("wait")})
}

// applyPlan compiles the plan, and keeps it where that is asked for.
func applyPlan(c *cli.Context, fleet string) (*schema.Plan, error) {
	output := c.String("output")
	if output != "" {
		if output == "-" {
			return nil, schema.WithHint(ui.Usagef("--output -: a plan on standard output has no reader here"), "nixfleet compile -o - only compiles")
		}
		if err := planfile.CheckTarget(output); err != nil {
			return nil, err
		}
	}
	ctx, release := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer release()
	context.AfterFunc(ctx, release) // a second one ends us at once: nothing is touched
	plan, err := planOf(ctx, c, fleet)
	if err != nil {
		return nil, err
	}
	if output != "" {
		if err := planfile.Write(output, plan); err != nil {
			return nil, err
		}
	}
	return plan, nil
}

// lookAndAsk shows what the plan would change, and asks where that is something.
func lookAndAsk(c *cli.Context, plan *schema.Plan, chosen executor.Selection, hosts []schema.HostName) (agreed bool, err error) {
	told, err := applyForecast(c, plan, chosen)
	if err != nil {
		return false, err
	}
	if err := document.WriteText(os.Stderr, planview.Brief(told), ui.StyleFor(os.Stderr)); err != nil {
		return false, err
	}
	verdicts := map[schema.ForecastVerdict]int{}
	for _, host := range told.Hosts {
		verdicts[host.Verdict]++
	}
	switch {
	case verdicts[schema.WouldNothing] == len(hosts):
		fmt.Fprintf(os.Stderr, "nothing to do: plan %s is what %s\n", plan.Digest.Short(), is(len(hosts)))
		return false, nil
	case c.Bool("yes"):
		return true, nil // of hosts that refuse, the execution decides as the plan says
	case verdicts[schema.WouldRefuse] == len(hosts) || len(told.Unsupported) > 0:
		return false, ui.WithCode(ui.ExitRefused, errors.New("that is not possible as hosts are; nothing was touched"))
	}
	err = execution.Confirm(question(plan, len(hosts), verdicts[schema.WouldRefuse]+verdicts[schema.NotAsked]), execution.IsYes)
	return err == nil, err
}

// question says how many hosts may not come along; a host that has no helper yet
// cannot be asked, and may well.
func question(plan *schema.Plan, hosts, doubtful int) string {
	text := fmt.Sprintf("Apply plan %s to %s", plan.Digest.Short(), human.Count(hosts, "host"))
	if doubtful > 0 {
		text += fmt.Sprintf(", of which %d may refuse or not answer", doubtful)
	}
	return text + "? [y/N] "
}

func is(hosts int) string {
	if hosts == 1 {
		return "the host is"
	}
	return fmt.Sprintf("all %d hosts are", hosts)
}

// applyForecast asks the hosts. Nothing is touched yet, so an interrupt simply ends.
func applyForecast(c *cli.Context, plan *schema.Plan, chosen executor.Selection) (*schema.Forecast, error) {
	ctx, release := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer release() // from then on an interrupt ends the question as any program
	told, err := foresee(ctx, c, plan, executor.LookOptions{
		Select: chosen, Parallel: executor.LookParallel, Timeout: c.Duration("timeout"), Operator: wiring.Operator(),
	})
	if err == nil && ctx.Err() != nil {
		err = ui.WithCode(ui.ExitInterrupted, errors.New("interrupted; no host was touched"))
	}
	return told, err
}
