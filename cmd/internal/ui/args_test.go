package ui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestInterleaveWithoutCommands(t *testing.T) {
	app := &cli.App{Flags: []cli.Flag{&cli.StringSliceFlag{Name: "host"}, &cli.BoolFlag{Name: "yes"}}}
	found := strings.Join(Interleave(app, strings.Fields("nf plan.json --host a --yes")), " ")
	if want := "nf --host a --yes plan.json"; found != want {
		t.Errorf("expected %q, found %q", want, found)
	}
}

func TestInterleave(t *testing.T) {
	app := &cli.App{
		Flags: []cli.Flag{&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}}},
		Commands: []*cli.Command{{
			Name:  "compile",
			Flags: []cli.Flag{&cli.StringFlag{Name: "output", Aliases: []string{"o"}}, &cli.BoolFlag{Name: "no-build"}},
		}},
	}
	for in, want := range map[string]string{
		"nf":                                      "nf",
		"nf compile":                              "nf compile",
		"nf compile F -o p":                       "nf compile -o p F",
		"nf compile F --output=p --no-build":      "nf compile --output=p --no-build F",
		"nf -v compile F -o p":                    "nf -v compile -o p F",
		"nf compile -o p F":                       "nf compile -o p F",
		"nf compile F --unknown":                  "nf compile --unknown F",
		"nf compile F -- -o p":                    "nf compile -- F -o p",
		"nf compile F -o":                         "nf compile -o F",
		"nf compile -":                            "nf compile -",
		"nf nothing -o p":                         "nf nothing -o p",
		"nf compile F --generate-bash-completion": "nf compile F --generate-bash-completion",
	} {
		if found := strings.Join(Interleave(app, strings.Fields(in)), " "); found != want {
			t.Errorf("Interleave(%s): expected %q, found %q", in, want, found)
		}
	}
}

// What follows "--" is another program's, whatever it looks like.
func TestVerbatim(t *testing.T) {
	for in, want := range map[string]string{
		"nf run":                                 "[] [] false",
		"nf run uptime":                          "[uptime] [] false",
		"nf run --":                              "[] [] true",
		"nf run F --host a -- ls -l --host -- b": "[F] [ls -l --host -- b] true",
		"nf run --host a -- ls":                  "[] [ls] true",
	} {
		var found string
		app := &cli.App{Commands: []*cli.Command{{
			Name: "run", Flags: []cli.Flag{&cli.StringFlag{Name: "host"}},
			Action: func(c *cli.Context) error {
				before, after, dashes := Verbatim(c)
				found = fmt.Sprint(before, after, dashes)
				return nil
			},
		}}}
		if err := app.Run(Interleave(app, strings.Fields(in))); err != nil || found != want {
			t.Errorf("%s: expected %s, found %s, %v", in, want, found, err)
		}
	}
}
