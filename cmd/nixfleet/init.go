package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/scaffold"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
)

func initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "create a fleet that compiles, with comments and CI workflows",
		ArgsUsage: "[DIR]",
		Description: `Writes a small fleet into DIR (default: the current directory), which must be empty or a fresh git
repository; nothing is overwritten. The fleet compiles without a network. Its addresses are placeholders:
put your own into inventory/prod.yaml.

Examples: nixfleet init my-fleet
          git init && nixfleet init`,
		Action: func(c *cli.Context) error {
			dir := "."
			if c.NArg() > 0 {
				var err error
				if dir, err = ui.OneArgument(c, "DIR", "a directory"); err != nil {
					return err
				}
			}
			if err := scaffold.Write(dir); err != nil {
				return schema.WithHint(err, "nixfleet init NEW-DIRECTORY")
			}
			_, err := fmt.Fprint(c.App.Writer, afterInit(dir))
			return err
		},
	}
}

// afterInit says what there is and what to type next.
func afterInit(dir string) string {
	steps := [][2]string{
		{"nixfleet compile", "evaluates and builds: plan.json"},
		{"nixfleet show plan.json", "what will be on the hosts"},
		{"nixfleet golden --update", "keeps that as files, to be read in pull requests"},
	}
	if inRepository(dir) {
		steps = append([][2]string{{"git add .", "in a git repository only what git knows is compiled"}}, steps...)
	}
	where := "This directory"
	if dir != "." {
		where = dir
		steps = append([][2]string{{"cd " + dir, ""}}, steps...)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s is a fleet now. Next:\n\n", where)
	for _, step := range steps {
		fmt.Fprintln(&out, strings.TrimRight(fmt.Sprintf("  %-26s%s", step[0], step[1]), " "))
	}
	out.WriteString("\nThen put your hosts into inventory/prod.yaml; README.md there says how a change reaches them.\n")
	return out.String()
}

// inRepository reports whether a directory is part of a git checkout.
func inRepository(dir string) bool {
	dir, err := filepath.Abs(dir)
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, ".git")); missing == nil {
			return true
		}
		above := filepath.Dir(dir)
		if above == dir {
			break
		}
		dir = above
	}
	return false
}
