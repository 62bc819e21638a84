package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

func compileCommand() *cli.Command {
	return &cli.Command{
		Name:      "compile",
		Usage:     "evaluate a fleet, build its closures and freeze the result into a plan",
		ArgsUsage: "[FLEET]",
		Description: `FLEET is a directory with a flake.nix (default: the current one), or any flake reference. In a git
checkout, only files tracked by git are visible. The same fleet gives the same plan on any machine.

The fleet's policies (policy/*.jsonnet) are checked before anything is built. If one reports an error, no
plan is written. --replaces gives them the plan to compare with; see docs/guide/policy.md.

Unchanged evaluations come from a cache in $XDG_CACHE_HOME/nixfleet or ~/.cache/nixfleet. You can delete it
at any time: it affects only how long this takes.

A garbage collection of the Nix store may remove store paths that a plan needs. --root-dir protects them
until that directory is deleted. --to copies them to a binary cache, for machines that execute without this
store (nixfleet execute --closures CACHE).

Exit status: 0 the plan is written, 1 the fleet has errors or something failed, 2 wrong usage.

Examples: nixfleet compile -o plan.json
          nixfleet compile my-fleet -o plan.json --group web
          nixfleet compile -o plan.json --input myapp=./build/myapp
          nixfleet compile -o plan.json --replaces main.json
          nixfleet compile -o plan.json --root-dir ./roots --to ./cache`,
		Flags: append(append(compilingFlags(), policyFlags()...),
			&cli.StringSliceFlag{Name: "host", Usage: "select hosts with this `NAME` or pattern (can be repeated)"},
			&cli.StringSliceFlag{Name: "group", Usage: "select hosts of this `GROUP` (can be repeated)"},
			&cli.StringSliceFlag{Name: "input", Usage: "add a file or directory from outside the fleet as inputs.NAME, as `NAME=PATH`; inventory=FILE sets the inventory (can be repeated)"},
			&cli.StringFlag{Name: "inventory", Usage: "use this `FILE` of the fleet's inventory/, if there are several"},
			&cli.StringFlag{Name: "rollout", Usage: "use the policy `NAME` of the fleet's rollouts instead of its rollout"},
			&cli.BoolFlag{Name: "no-build", Usage: "evaluate but build nothing; the result is a preview"},
			&cli.BoolFlag{Name: "no-cache", Usage: "ignore cached evaluations"},
		),
		Action: compile,
	}
}

func buildCommand() *cli.Command {
	return &cli.Command{
		Name:      "build",
		Usage:     "build the closures of a preview to complete the plan",
		ArgsUsage: "preview.json",
		Description: `Completes the preview that "compile --no-build" wrote. The result is the plan that compile would have written
directly. A complete plan stays as it is; --root-dir and --to work for it too.

Examples: nixfleet build preview.json -o plan.json
          nixfleet build preview.json -o plan.json --to ./cache`,
		Flags:  compilingFlags(),
		Action: build,
	}
}

func compilingFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the plan to `FILE`; \"-\" is standard output", Value: "plan.json"},
		&cli.StringFlag{Name: "root-dir", Usage: "protect the plan's store paths from garbage collection with links in this `DIRECTORY`"},
		&cli.StringFlag{Name: "to", Usage: "copy the plan's store paths to this binary `CACHE` (directory or URL)"},
		&cli.BoolFlag{Name: "json", Usage: "print diagnostics as JSON on standard output"},
		&cli.BoolFlag{Name: "trace", Usage: "show Nix's trace of evaluation errors"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print only errors and warnings"},
	}
}

func compile(c *cli.Context) error {
	fleet := "."
	if c.NArg() > 0 {
		var err error
		if fleet, err = ui.OneArgument(c, "FLEET", "a fleet"); err != nil {
			return err
		}
	}
	for _, flag := range []string{"root-dir", "to"} {
		if c.Bool("no-build") && c.String(flag) != "" {
			return ui.Usagef("--no-build leaves nothing for --%s; give it to `nixfleet build`", flag)
		}
	}
	in, err := compilerInput(c, fleet)
	if err != nil {
		return err
	}
	in.NoBuild = c.Bool("no-build")
	return producePlan(c, func(ctx context.Context, deps compiler.Deps) (*schema.Plan, []compiler.Diagnostic, error) {
		return compiler.Compile(ctx, in, deps)
	})
}

func build(c *cli.Context) error {
	name, err := ui.OneArgument(c, "preview.json", "a preview")
	if err != nil {
		return err
	}
	preview, err := planfile.Read(name)
	if err != nil {
		return err
	}
	return producePlan(c, func(ctx context.Context, deps compiler.Deps) (*schema.Plan, []compiler.Diagnostic, error) {
		return compiler.Build(ctx, preview, deps)
	})
}

// parseInputs reads NAME=PATH flags.
func parseInputs(flags []string) (map[string]string, error) {
	inputs := map[string]string{}
	for _, flag := range flags {
		name, path, ok := strings.Cut(flag, "=")
		switch {
		case !ok || name == "" || path == "":
			return nil, ui.Usagef("--input %q: expected NAME=PATH, as --input myapp=./build/myapp", flag)
		case inputs[name] != "":
			return nil, ui.Usagef("--input %s is given twice: %q and %q", name, inputs[name], path)
		}
		inputs[name] = path
	}
	return inputs, nil
}

type producer func(context.Context, compiler.Deps) (*schema.Plan, []compiler.Diagnostic, error)

// producePlan makes a plan, tells what was found on the way, and writes it.
func producePlan(c *cli.Context, produce producer) error {
	output := c.String("output")
	if err := planfile.CheckTarget(output); err != nil {
		return err
	}
	ctx, release := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer release()
	context.AfterFunc(ctx, release) // a second one ends us at once
	progress := ui.NewProgress(os.Stderr, c.Bool("quiet"))
	plan, found, err := produce(ctx, compiler.Deps{
		Environ: os.Environ(), Progress: progress.Say, Trace: c.Bool("trace"),
		CacheDir: cacheDir(c.Bool("no-cache")), RootDir: c.String("root-dir"), CopyTo: c.String("to"), Worker: worker(),
	})
	progress.Close()
	if reported := reportDiagnostics(c, found); reported != nil {
		return reported
	}
	switch {
	case ctx.Err() != nil:
		return ui.WithCode(ui.ExitInterrupted, errors.New("interrupted; no plan was written"))
	case errors.Is(err, compiler.ErrRefused):
		return ui.WithCode(ui.ExitError, ui.ErrReported)
	case err != nil:
		return err
	}
	if err := planfile.Write(output, plan); err != nil {
		return err
	}
	if !c.Bool("quiet") && output != "-" {
		of := ""
		if plan.Index.Source.Dirty {
			of = ", with changes that are not committed"
		}
		fmt.Fprintf(os.Stderr, "%s: %s, %s of %s%s\n", output, plan.Digest, human.Count(len(plan.Index.Hosts), "host"), human.Count(len(plan.Manifests), "kind"), of)
	}
	return nil
}

// cacheDir is where evaluations are kept; empty where they shall not or cannot be:
// a home that is not there is not made.
func cacheDir(none bool) string {
	dir, err := os.UserCacheDir()
	if none || err != nil {
		return ""
	}
	if _, err := os.Stat(filepath.Dir(dir)); err != nil {
		return ""
	}
	return filepath.Join(dir, "nixfleet", "evaluations")
}

func reportDiagnostics(c *cli.Context, found []compiler.Diagnostic) error {
	if c.Bool("json") && c.String("output") != "-" {
		if found == nil {
			found = []compiler.Diagnostic{}
		}
		return ui.WriteJSON(c.App.Writer, found)
	}
	printDiagnostics(found)
	return nil
}
