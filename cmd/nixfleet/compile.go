package main

import (
	"context"
	"encoding/json"
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
		Description: `FLEET is a directory with a flake.nix (default: this one), or any flake reference. In a git
checkout only files that git knows are seen. The same fleet gives the same plan anywhere.

The fleet's policies (policy/*.jsonnet) are asked before anything is built, and have the last word: with an
error of theirs there is no plan. --replaces gives them the plan to compare with; docs/guide/policy.md.

What was evaluated before and is unchanged is taken from a cache, in $XDG_CACHE_HOME/nixfleet or
~/.cache/nixfleet. It may be deleted at any time: it decides how long this takes, and nothing else.
A garbage collection of the Nix store may remove what a plan needs before it is executed; --root-dir
keeps it, until that directory is deleted. --to copies it into a binary cache, for machines that
execute without this store (nixfleet execute --closures CACHE).

Exit status: 0 there is a plan, 1 the fleet has errors or something failed, 2 wrong usage.

Examples: nixfleet compile -o plan.json
          nixfleet compile my-fleet -o plan.json --group web
          nixfleet compile -o plan.json --input myapp=./build/myapp
          nixfleet compile -o plan.json --replaces main.json
          nixfleet compile -o plan.json --root-dir ./roots --to ./cache`,
		Flags: append(append(compilingFlags(), policyFlags()...),
			&cli.StringSliceFlag{Name: "host", Usage: "only hosts of this `NAME` or pattern (may be repeated)"},
			&cli.StringSliceFlag{Name: "group", Usage: "only hosts of this `GROUP` (may be repeated)"},
			&cli.StringSliceFlag{Name: "input", Usage: "`NAME=PATH` of a file or directory from outside, seen as inputs.NAME; inventory=FILE is the inventory (may be repeated)"},
			&cli.StringFlag{Name: "inventory", Usage: "which `FILE` of the fleet's inventory/, where it has several"},
			&cli.StringFlag{Name: "rollout", Usage: "take the policy of this `NAME` from the fleet's rollouts, in place of its rollout"},
			&cli.BoolFlag{Name: "no-build", Usage: "make a preview: evaluate, but build nothing"},
			&cli.BoolFlag{Name: "no-cache", Usage: "evaluate even what was evaluated before"},
		),
		Action: compile,
	}
}

func buildCommand() *cli.Command {
	return &cli.Command{
		Name:      "build",
		Usage:     "build the closures of a preview, which completes it to a plan",
		ArgsUsage: "preview.json",
		Description: `Completes what "compile --no-build" made; the result is what compile would have made at once.

A plan that is complete stays as it is; --root-dir and --to work on it as on any.

Examples: nixfleet build preview.json -o plan.json
          nixfleet build preview.json -o plan.json --to ./cache`,
		Flags:  compilingFlags(),
		Action: build,
	}
}

func compilingFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the plan to `FILE`; \"-\" is standard output", Value: "plan.json"},
		&cli.StringFlag{Name: "root-dir", Usage: "keep what the plan needs from the garbage collector, by links in this `DIRECTORY`"},
		&cli.StringFlag{Name: "to", Usage: "copy what the plan needs into this binary `CACHE` (directory or URL)"},
		&cli.BoolFlag{Name: "json", Usage: "print diagnostics as JSON on standard output"},
		&cli.BoolFlag{Name: "trace", Usage: "with Nix's own trace of evaluation errors"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors and warnings only"},
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
		encoder := json.NewEncoder(c.App.Writer)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(found)
	}
	style := ui.StyleFor(os.Stderr)
	for _, d := range found {
		ui.PrintDiagnostic(os.Stderr, style, string(d.Severity), d.String())
	}
	return nil
}
