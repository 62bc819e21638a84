package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/execution"
	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
)

func watchCommand() *cli.Command {
	return &cli.Command{
		Name:      "watch",
		Usage:     "look on while hosts are changed, by whomever",
		ArgsUsage: "[plan.json | FLEET]",
		Description: `Shows what is being done to hosts: what has happened so far, and then as it goes on, up to the verdict.
The hosts are those of a plan, any that has them, or of the inventory file of FLEET (the current
directory): they only say how hosts are reached. Nothing changes on any host, and ending this ends
nothing else.

Exit status: 0 every change that was watched is done, or nothing was at work; 1 an error of ours or of a
file, 2 wrong usage, 4 a change was rolled back, failed, or could not be seen, 130 interrupted.

Examples: nixfleet watch plan.json --host web-1
          nixfleet watch --group web
          nixfleet watch plan.json --json`,
		Flags:  append(append(selection.Flags(), rosterFlags()...), execution.WatchFlags()...),
		Action: watchAction,
	}
}

func watchAction(c *cli.Context) error {
	hosts, err := watchedHosts(c)
	if err != nil {
		return err
	}
	return execution.Watch(c, hosts)
}

// watchedHosts are those of a plan where the argument is a file.
func watchedHosts(c *cli.Context) (schema.Hosts, error) {
	name := c.Args().First()
	if info, err := os.Stat(name); err != nil || info.IsDir() {
		asked, err := rosterOf(c.Context, c)
		if err != nil {
			return nil, err
		}
		return asked.hosts, nil
	}
	if c.NArg() > 1 || c.IsSet("plan") || c.IsSet("inventory") || c.IsSet("input") {
		return nil, ui.Usagef("%s is a plan: hosts are taken from it alone", name)
	}
	plan, err := planfile.Read(name)
	if err != nil {
		return nil, err
	}
	return plan.Index.Hosts, nil
}
