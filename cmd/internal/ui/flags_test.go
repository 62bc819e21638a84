package ui

import (
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/schema"
)

func TestWrongFlags(t *testing.T) {
	for arg, want := range map[string]string{
		"--out=x":      "there is no flag --out\nhint: did you mean --output?",
		"--dryrun":     "there is no flag --dryrun\nhint: did you mean --dry-run?",
		"--frobnicate": "there is no flag --frobnicate\nhint: nf make --help",
		"-x":           "there is no flag -x\nhint: nf make --help",
		"--output":     "the flag --output needs a value\nhint: nf make --help",
		"--parallel=x": "the value \"x\" for --parallel is not possible: it is not of the kind that the flag takes\nhint: nf make --help",
	} {
		app := &cli.App{Name: "nf", Commands: []*cli.Command{{
			Name: "make",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "output", Aliases: []string{"o"}}, &cli.BoolFlag{Name: "dry-run"}, &cli.IntFlag{Name: "parallel"},
			},
			Action: func(*cli.Context) error { return nil },
		}}}
		Configure(app)
		err := app.Run([]string{"nf", "make", arg})
		if err == nil || schema.InFull(err) != want {
			t.Errorf("%s: expected %q, found %v", arg, want, err)
		}
		if code := ExitCode(err); code != ExitUsage {
			t.Errorf("%s: expected exit code %d, found %d", arg, ExitUsage, code)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"compile", "build", "show", "execute"}
	for typed, want := range map[string]string{
		"exec": "execute", "complie": "compile", "biuld": "build", "shwo": "show",
		"foo": "", "x": "", "deploy": "", "": "",
	} {
		if found := nearest(typed, names); found != want {
			t.Errorf("nearest(%q): expected %q, found %q", typed, want, found)
		}
	}
}
