// Package execution is the command that carries out a plan, as `nixfleet execute`
// and as nixfleet-execute have it: flags, a question, progress, a summary. It
// depends on nothing that compiles.
package execution

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/cmd/internal/version"
	"github.com/nixfleet/nixfleet/cmd/internal/wiring"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// Command returns the command.
func Command() *cli.Command {
	return &cli.Command{
		Name:      "execute",
		Usage:     "apply a plan to its hosts",
		ArgsUsage: "plan.json",
		Description: `Verifies the plan, then changes its hosts wave by wave, several at once. Hosts that already match the plan are
left alone. The first Ctrl-C lets hosts at work finish and starts no others; the second cuts them off. A
record and a journal of the run are kept in the state directory.

--resume continues a run that was stopped or killed, or that has held hosts: finished hosts are not touched,
uncertain ones are checked again, and waves and budgets count as before. It needs the same plan and the same
version of nixfleet. nixfleet runs lists runs.

On a host, the change continues even if this command or the connection ends. If it fails there, or is not
confirmed over a new connection in time, the host undoes it and reports "rolled-back". nixfleet watch follows
it from another terminal.

Exit status: 0 done, 1 an error of ours or of a file, 2 wrong usage, 3 refused and nothing
touched, 4 hosts failed, 5 halted and hosts left out, 6 hosts held for later, 130 interrupted twice.

Examples: nixfleet execute plan.json --dry-run
          nixfleet execute plan.json --group web --parallel 5
          nixfleet execute plan.json --closures ./cache --yes --json
          nixfleet execute plan.json --resume`,
		Flags: append(append(selection.Flags(), RunFlags()...),
			&cli.IntFlag{Name: "parallel", Usage: "change at most `N` hosts at once; can only lower the plan's limit", DefaultText: "what the plan says"},
			&cli.StringFlag{Name: "closures", Usage: "take store paths from this binary `CACHE` (directory or URL), or from the hosts' \"substituters\", instead of the local Nix store"},
			&cli.BoolFlag{Name: "dry-run", Usage: "show what would change on which host, and change nothing"},
			WaitFlag(),
			&cli.BoolFlag{Name: "resume", Usage: "continue the plan's latest unfinished run"},
			&cli.StringFlag{Name: "run", Usage: "with --resume: continue run `R`"},
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "skip the confirmation, which only a terminal gets"},
		),
		Action: execute,
	}
}

func execute(c *cli.Context) error {
	name, err := ui.OneArgument(c, "plan.json", "a plan")
	if err != nil {
		return err
	}
	if c.IsSet("parallel") && c.Int("parallel") < 1 {
		return ui.Usagef("--parallel %d: expected 1 or more", c.Int("parallel"))
	}
	plan, err := planfile.Read(name)
	if err != nil {
		return ui.WithCode(ui.ExitRefused, err)
	}
	chosen, err := selection.Of(c)
	if err != nil {
		return err
	}
	options := executor.Options{
		Select:   chosen,
		Parallel: c.Int("parallel"),
		Closures: c.String("closures"),
		DryRun:   c.Bool("dry-run"),
		Wait:     c.Bool("wait"),
	}
	if c.Bool("resume") || c.String("run") != "" {
		return resume(c, plan, options)
	}
	hosts, err := executor.Select(plan, options.Select)
	if err != nil {
		return ui.WithCode(ui.ExitRefused, err)
	}
	if !options.DryRun {
		tellUnfinished(c, plan)
	}
	question := fmt.Sprintf("Apply plan %s to %s?", plan.Digest.Short(), human.Count(len(hosts), "host"))
	if !options.DryRun {
		if err := confirm(c, question); err != nil {
			return err
		}
	}
	return CarryOut(c, plan, hosts, options)
}

// Confirm asks a question on the terminal. It returns an error unless the answer agrees.
func Confirm(question string, agrees func(answer string) bool) error {
	fmt.Fprint(os.Stderr, question)
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	switch {
	case err != nil && err != io.EOF:
		return err
	case !agrees(strings.TrimSpace(answer)):
		return ui.WithCode(ui.ExitRefused, errors.New("not confirmed; nothing was touched"))
	}
	return nil
}

// IsYes reports whether an answer to a question with [y/N] agrees.
func IsYes(answer string) bool { return answer == "y" || answer == "Y" || answer == "yes" }

// confirm asks unless --yes is given. Without a terminal the plan's approval is the answer.
func confirm(c *cli.Context, question string) error {
	if c.Bool("yes") || !ui.IsTerminal(os.Stdin) || !ui.IsTerminal(os.Stderr) {
		return nil
	}
	return Confirm(question+" [y/N] ", IsYes)
}

// CarryOut executes a plan on hosts of it and tells of it.
func CarryOut(c *cli.Context, plan *schema.Plan, hosts []schema.HostName, options executor.Options) error {
	options.Operator, options.Program = wiring.Operator(), version.Version
	what := "executing"
	switch {
	case options.DryRun:
		what = "dry run of"
	case options.Resume != "":
		what = "going on with run " + options.Resume + " of"
	}
	head := fmt.Sprintf("%s plan %s on %s", what, plan.Digest.Short(), human.Count(len(hosts), "host"))
	_, err := run(c, head, progress.ShapeOf(plan, hosts, options.Parallel), func(ctx context.Context, stop <-chan struct{}, deps executor.Deps) (*schema.Record, error) {
		options.Stop = stop
		return executor.Execute(ctx, plan, options, deps)
	})
	return err
}

// exitCode is a run's.
func exitCode(verdict schema.Verdict) int {
	switch verdict {
	case schema.Done:
		return ui.ExitDone
	case schema.Refused:
		return ui.ExitRefused
	case schema.Halted:
		return ui.ExitHalted
	case schema.Held:
		return ui.ExitHeld
	}
	return ui.ExitHostsFailed
}
