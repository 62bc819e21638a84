package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/helper"
	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/planview"
	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/cmd/internal/wiring"
	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/nix"
	"github.com/nixfleet/nixfleet/schema"
)

// exitChanges is what --detailed-exitcode says where hosts would be changed.
const exitChanges = 2

const detailedExitcode = "detailed-exitcode"

func planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "preview an execution: desired against actual state, including manual changes",
		ArgsUsage: "[FLEET|plan.json]",
		Description: `Asks the hosts and compares: files with their mode and owner, line by line; accounts; units that would stop,
start, restart or reload, and why; packages by version and size; what would be copied. A fleet's directory is
compiled first. Manual changes since the last apply are shown separately from what the plan changes. Hosts
with the same changes are shown together.

Nothing changes on any host: no file, no cache, no lock. Contents of files that not every user on the host may
read are neither requested nor shown, unless you pass --show-sensitive.

Exit status: 0 all hosts answered and an execution would not refuse, 1 otherwise. With --detailed-exitcode:
0 nothing to do, 2 changes, 1 any error.

Examples: nixfleet plan --host web-1
          nixfleet plan plan.json --group web --detailed-exitcode
          nixfleet plan my-fleet --markdown >comment.md`,
		Flags: append(append(append(selection.Flags(), lookFlags()...), policyFlags()...),
			&cli.BoolFlag{Name: "show-sensitive", Usage: "include contents of files that not every user on the host may read"},
			&cli.BoolFlag{Name: detailedExitcode, Usage: "exit with 2 if there are changes, 1 for any error"},
			&cli.BoolFlag{Name: "json", Usage: "print JSON (docs/reference/forecast-format.md)"},
			&cli.BoolFlag{Name: "markdown", Usage: "print Markdown for a pull request, with collapsible sections"},
			maxSizeFlag(),
			&cli.StringSliceFlag{Name: "input", Usage: "add a file or directory from outside the fleet, as `NAME=PATH` (can be repeated)"},
			&cli.StringFlag{Name: "inventory", Usage: "use this `FILE` of the fleet's inventory/"},
			&cli.BoolFlag{Name: "no-cache", Usage: "ignore cached evaluations"},
			&cli.BoolFlag{Name: "trace", Usage: "show Nix's trace of evaluation errors"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "no progress output"},
		),
		Action: planAction,
	}
}

// lookFlags are those of the commands that only look at hosts.
func lookFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "parallel", Usage: "ask at most `N` hosts at once", Value: executor.LookParallel},
		&cli.DurationFlag{Name: "timeout", Usage: "give up on a host after this `TIME`", Value: time.Minute},
		&cli.BoolFlag{Name: "debug-wire", Usage: "print every message to and from the helpers, including file contents"},
	}
}

func lookOptions(c *cli.Context) (executor.LookOptions, error) {
	if c.Int("parallel") < 1 {
		return executor.LookOptions{}, ui.Usagef("--parallel %d: expected 1 or more", c.Int("parallel"))
	}
	if c.Duration("timeout") <= 0 {
		return executor.LookOptions{}, ui.Usagef("--timeout %s: expected more than nothing, as 30s", c.Duration("timeout"))
	}
	chosen, err := selection.Of(c)
	return executor.LookOptions{
		Select: chosen, Parallel: c.Int("parallel"), Timeout: c.Duration("timeout"), Operator: wiring.Operator(),
	}, err
}

func viewer(c *cli.Context) executor.Deps {
	deps := wiring.Viewer()
	if c.Bool("debug-wire") {
		deps.Wire = wiring.Wire(os.Stderr)
	}
	return deps
}

func planAction(c *cli.Context) error {
	subject := "."
	if c.NArg() > 0 {
		var err error
		if subject, err = ui.OneArgument(c, "plan.json", "a plan or a fleet"); err != nil {
			return err
		}
	}
	if err := checkForm(c); err != nil {
		return err
	}
	options, err := lookOptions(c)
	if err != nil {
		return err
	}
	ctx, release := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer release()
	plan, err := planOf(ctx, c, subject)
	if err != nil {
		return err
	}
	told, err := foresee(ctx, c, plan, options)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ui.WithCode(ui.ExitInterrupted, errors.New("interrupted; no host was touched"))
	}
	if err := report(c, told, func() document.Document { return planview.Document(told) }); err != nil {
		return err
	}
	return judgeForecast(c, told)
}

// planOf reads a plan, or compiles a fleet: a directory, or what is no file.
func planOf(ctx context.Context, c *cli.Context, subject string) (*schema.Plan, error) {
	info, err := os.Stat(subject)
	isFleet := err == nil && info.IsDir()
	if !isFleet && !(errors.Is(err, os.ErrNotExist) && isFlakeReference(subject)) {
		for _, flag := range []string{"input", "inventory", "no-cache", "trace", "replaces"} {
			if c.IsSet(flag) {
				return nil, ui.Usagef("--%s is for compiling, and %q is no fleet's directory", flag, subject)
			}
		}
		return planfile.Read(subject)
	}
	in, err := compilerInput(c, subject)
	if err != nil {
		return nil, err
	}
	progress := ui.NewProgress(os.Stderr, c.Bool("quiet"))
	plan, found, err := compiler.Compile(ctx, in, compiler.Deps{
		Environ: os.Environ(), Progress: progress.Say, Trace: c.Bool("trace"), CacheDir: cacheDir(c.Bool("no-cache")), Worker: worker(),
	})
	progress.Close()
	printDiagnostics(found)
	switch {
	case ctx.Err() != nil:
		return nil, ui.WithCode(ui.ExitInterrupted, errors.New("interrupted; no host was asked"))
	case errors.Is(err, compiler.ErrRefused):
		return nil, ui.WithCode(ui.ExitError, ui.ErrReported)
	}
	return plan, err
}

// compilerInput is what the flags say of what to compile.
func compilerInput(c *cli.Context, fleet string) (compiler.Input, error) {
	inputs, err := parseInputs(c.StringSlice("input"))
	if err != nil {
		return compiler.Input{}, err
	}
	helpers, err := helper.Digests()
	if err != nil {
		return compiler.Input{}, err
	}
	replaces, date, err := policyGiven(c)
	if err != nil {
		return compiler.Input{}, err
	}
	library, err := fs.Sub(nix.Lib, "lib")
	return compiler.Input{
		Fleet: fleet, Hosts: c.StringSlice("host"), Groups: c.StringSlice("group"), Inputs: inputs, Inventory: c.String("inventory"), Rollout: c.String("rollout"), Library: library, Helpers: helpers, Replaces: replaces, PolicyDate: date,
	}, err
}

func printDiagnostics(found []compiler.Diagnostic) {
	style := ui.StyleFor(os.Stderr)
	for _, d := range found {
		ui.PrintDiagnostic(os.Stderr, style, string(d.Severity), d.String())
	}
}

func foresee(ctx context.Context, c *cli.Context, plan *schema.Plan, options executor.LookOptions) (*schema.Forecast, error) {
	options.Sensitive = c.Bool("show-sensitive")
	chosen, err := executor.Select(plan, options.Select)
	if err != nil {
		return nil, err
	}
	told := planview.New(plan, plan.Unsupported(chosen))
	progress := newAsking(chosen, c.Bool("quiet"))
	err = executor.Propose(ctx, plan, options, viewer(c), func(seen executor.Seen) {
		told.Hosts[seen.Host] = planview.Host(plan, seen, planview.Options{Sensitive: options.Sensitive})
		progress.answered(seen.Host)
	})
	progress.close()
	return told, err
}

// judgeForecast turns what was told into the exit status.
func judgeForecast(c *cli.Context, told *schema.Forecast) error {
	changes, err := planview.Verdict(told)
	switch {
	case err != nil:
		return ui.WithCode(ui.ExitError, ui.ErrReported)
	case changes && c.Bool(detailedExitcode):
		return ui.WithCode(exitChanges, ui.ErrReported)
	}
	return nil
}

// isFlakeReference reports whether a word that names no file can be a fleet.
func isFlakeReference(word string) bool { return strings.Contains(word, ":") }

// planExit keeps 2 for changes where it was asked to mean that: what is wrong with
// the command line is then an error as any other.
func planExit(args []string, err error) int {
	code := ui.ExitCode(err)
	if code == ui.ExitUsage && !errors.Is(err, ui.ErrReported) && slices.Contains(args, "--"+detailedExitcode) {
		return ui.ExitError
	}
	return code
}
