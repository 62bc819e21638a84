package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/golden"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

func goldenCommand() *cli.Command {
	return &cli.Command{
		Name:      "golden",
		Usage:     "keep the compiled output of a fleet in its repository, for pull requests",
		ArgsUsage: "[DIR]",
		Description: `Compiles the fleet and compares the result with the files in DIR (default: golden, in the fleet's directory),
or writes them: each text that hosts get is a file, hosts that are alike appear once, and there is the rollout
and a plan.json for nixfleet diff. If a line changes in a text on 1,000 hosts, git diff shows one line. See
docs/guide/pull-requests.md.

--update also removes files of earlier updates that are no longer needed, and refuses a directory with anything
else in it. Output written with --no-build is checked without building, and does not list the packages.

Exit status: 0 the files are up to date, 1 they are not, or the fleet has errors, 2 wrong usage.

Examples: nixfleet golden --update
          nixfleet golden --check
          nixfleet golden --update --no-build --fleet my-fleet my-fleet/golden`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "check", Usage: "compare and write nothing (the default)"},
			&cli.BoolFlag{Name: "update", Usage: "write the files that are out of date"},
			&cli.StringFlag{Name: "fleet", Usage: "the `FLEET`: a directory with a flake.nix, or any flake reference", Value: "."},
			&cli.BoolFlag{Name: "no-build", Usage: "with --update: evaluate but build nothing, now and in later checks"},
			&cli.StringSliceFlag{Name: "input", Usage: "add a file or directory from outside the fleet, as `NAME=PATH` (can be repeated)"},
			&cli.StringFlag{Name: "inventory", Usage: "use this `FILE` of the fleet's inventory/"},
			&cli.StringFlag{Name: "rollout", Usage: "use the fleet's rollout policy `NAME`, as in compile"},
			&cli.BoolFlag{Name: "no-cache", Usage: "ignore cached evaluations"},
			&cli.BoolFlag{Name: "trace", Usage: "show Nix's trace of evaluation errors"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print only errors, warnings and differences"},
		},
		Action: goldenAction,
	}
}

func goldenAction(c *cli.Context) error {
	switch {
	case c.Bool("check") && c.Bool("update"):
		return ui.Usagef("--check and --update: expected one of them")
	case c.Bool("no-build") && !c.Bool("update"):
		return ui.Usagef("--no-build is for --update; a check builds what the update built")
	}
	name, err := goldenDir(c)
	if err != nil {
		return err
	}
	directory, err := golden.Read(name)
	if err != nil {
		return err
	}
	if err := directory.CheckOwn(); err != nil {
		return err
	}
	if directory.Empty() && !c.Bool("update") {
		return schema.WithHint(fmt.Errorf("there is no golden in %q", name), "nixfleet golden --update%s", goldenWords(c))
	}
	unbuilt := directory.Unbuilt
	if c.Bool("update") && (c.IsSet("no-build") || directory.Empty()) {
		unbuilt = c.Bool("no-build")
	}
	ctx, release := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer release()
	preview, built, err := compileBoth(ctx, c, unbuilt)
	if err != nil {
		return err
	}
	tree, err := golden.Of(preview, built)
	if err != nil {
		return err
	}
	if c.Bool("update") {
		return updateGolden(c, directory, tree, name, unbuilt)
	}
	changes := directory.Compare(tree, unbuilt)
	if len(changes) == 0 {
		tell(c, fmt.Sprintf("%s is what the fleet compiles to", name))
		return nil
	}
	if err := golden.Write(c.App.Writer, changes); err != nil {
		return err
	}
	return schema.WithHint(fmt.Errorf("%s is not what the fleet compiles to: %s", name, differ(len(changes))), "nixfleet golden --update%s", goldenWords(c))
}

func updateGolden(c *cli.Context, directory *golden.Directory, tree golden.Tree, name string, unbuilt bool) error {
	changes, err := directory.Update(tree, unbuilt)
	switch {
	case err != nil:
		return err
	case len(changes) == 0:
		tell(c, fmt.Sprintf("%s is what the fleet compiles to already", name))
	default:
		tell(c, fmt.Sprintf("%s: %s of %d changed; git diff -- %s shows how", name, human.Count(len(changes), "file"), len(tree)+1, name))
	}
	return nil
}

func differ(files int) string {
	if files == 1 {
		return "1 file differs"
	}
	return human.Count(files, "file") + " differ"
}

func tell(c *cli.Context, text string) {
	if !c.Bool("quiet") {
		fmt.Fprintln(os.Stderr, text)
	}
}

// goldenDir is the directory that was named, or the usual one.
func goldenDir(c *cli.Context) (string, error) {
	if c.NArg() > 0 {
		return ui.OneArgument(c, "DIR", "a directory for the golden")
	}
	fleet := c.String("fleet")
	if info, err := os.Stat(fleet); err != nil || !info.IsDir() {
		return "", schema.WithHint(ui.Usagef("%q is no directory, so it has none for a golden", fleet), "nixfleet golden --fleet %s DIR", fleet)
	}
	return filepath.Join(fleet, "golden"), nil
}

// goldenWords are what was given and must be given again.
func goldenWords(c *cli.Context) string {
	words := ""
	for _, flag := range []string{"fleet", "inventory", "rollout"} {
		if c.IsSet(flag) {
			words += " --" + flag + " " + c.String(flag)
		}
	}
	for _, input := range c.StringSlice("input") {
		words += " --input " + input
	}
	if c.NArg() > 0 {
		words += " " + c.Args().First()
	}
	return words
}

// compileBoth makes the preview, which is kept, and builds it for what is in closures.
func compileBoth(ctx context.Context, c *cli.Context, unbuilt bool) (preview, built *schema.Plan, err error) {
	in, err := compilerInput(c, c.String("fleet"))
	if err != nil {
		return nil, nil, err
	}
	in.NoBuild = true
	progress := ui.NewProgress(os.Stderr, c.Bool("quiet"))
	deps := compiler.Deps{Environ: os.Environ(), Progress: progress.Say, Trace: c.Bool("trace"), CacheDir: cacheDir(c.Bool("no-cache")), Worker: worker()}
	preview, found, err := compiler.Compile(ctx, in, deps)
	if err == nil && !unbuilt {
		var more []compiler.Diagnostic
		built, more, err = compiler.Build(ctx, preview, deps)
		found = append(found, more...)
	}
	progress.Close()
	printDiagnostics(found)
	switch {
	case ctx.Err() != nil:
		return nil, nil, ui.WithCode(ui.ExitInterrupted, errors.New("interrupted; nothing was written"))
	case errors.Is(err, compiler.ErrRefused):
		return nil, nil, ui.WithCode(ui.ExitError, ui.ErrReported)
	}
	return preview, built, err
}
