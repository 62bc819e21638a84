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
		Usage:     "follow changes in progress on hosts",
		ArgsUsage: "[plan.json | FLEET]",
		Description: `Shows what has happened so far in the changes in progress, and follows them to their verdicts. Hosts come from
any plan that has them, or from the inventory file of FLEET (default: the current directory). Nothing changes
on any host, and ending this command ends nothing else.

Exit status: 0 every followed change succeeded, or there was none; 1 an error of ours or of a
file, 2 wrong usage, 4 a change was rolled back, failed, or could not be followed, 130 interrupted.

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
