package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/helper"
	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/nix"
	"github.com/nixfleet/nixfleet/schema"
)

func compileCommand() *cli.Command {
	return &cli.Command{
		Name:      "compile",
		Usage:     "evaluate a fleet, build its closures and freeze the result into a plan",
		ArgsUsage: "[FLEET]",
		Description: `FLEET is a directory with a flake.nix (default: this one), or any flake reference. In a git
checkout only files that git knows are seen. The same fleet gives the same plan anywhere.

Exit status: 0 there is a plan, 1 the fleet has errors or something failed, 2 wrong usage.

Examples: nixfleet compile -o plan.json
          nixfleet compile my-fleet -o plan.json --group web
          nixfleet compile -o plan.json --input myapp=./build/myapp`,
		Flags: append(compilingFlags(),
			outputFlag(),
			&cli.StringSliceFlag{Name: "host", Usage: "only hosts of this `NAME` or pattern (may be repeated)"},
			&cli.StringSliceFlag{Name: "group", Usage: "only hosts of this `GROUP` (may be repeated)"},
			&cli.StringSliceFlag{Name: "input", Usage: "`NAME=PATH` of a file or directory from outside, seen as inputs.NAME; inventory=FILE is the inventory (may be repeated)"},
			&cli.StringFlag{Name: "inventory", Usage: "which `FILE` of the fleet's inventory/, where it has several"},
			&cli.BoolFlag{Name: "no-build", Usage: "make a preview: evaluate, but build nothing"},
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

Example: nixfleet build preview.json -o plan.json`,
		Flags:  append(compilingFlags(), outputFlag()),
		Action: build,
	}
}

func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the plan to `FILE`; \"-\" is standard output", Value: "plan.json"}
}

func compilingFlags() []cli.Flag {
	return []cli.Flag{
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
	inputs, err := parseInputs(c.StringSlice("input"))
	if err != nil {
		return err
	}
	helpers, err := helper.Digests()
	if err != nil {
		return err
	}
	library, err := fs.Sub(nix.Lib, "lib")
	if err != nil {
		return err
	}
	in := compiler.Input{
		Fleet: fleet, Hosts: c.StringSlice("host"), Groups: c.StringSlice("group"), Inputs: inputs,
		Inventory: c.String("inventory"), NoBuild: c.Bool("no-build"), Library: library, Helpers: helpers,
	}
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
	progress := ui.NewProgress(os.Stderr, c.Bool("quiet"))
	plan, found, err := produce(ctx, compiler.Deps{Environ: os.Environ(), Progress: progress.Say, Trace: c.Bool("trace")})
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
		fmt.Fprintf(os.Stderr, "%s: %s, %s of %s\n", output, plan.Digest, ui.Count(len(plan.Index.Hosts), "host"), ui.Count(len(plan.Manifests), "kind"))
	}
	return nil
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
