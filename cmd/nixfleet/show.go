package main

import (
	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/show"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor"
)

func showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "show a plan: its hosts, what they will have, and what restarts on which change",
		ArgsUsage: "plan.json",
		Description: `Hosts with the same manifest are shown together, with their waves. If you select hosts, only their waves are
drawn; a single host is shown in full, with the contents of its files and units. Reads only the plan. To
compare two plans, use nixfleet diff.

Examples: nixfleet show plan.json
          nixfleet show plan.json --host web-1`,
		Flags: append(selection.Flags(),
			&cli.BoolFlag{Name: "contents", Usage: "include the contents of files and units"},
			&cli.BoolFlag{Name: "markdown", Usage: "print Markdown for a pull request, with a collapsible section per kind of host"},
			maxSizeFlag(),
			&cli.BoolFlag{Name: "json", Usage: "print JSON, including contents"},
		),
		Action: showAction,
	}
}

func showAction(c *cli.Context) error {
	name, err := ui.OneArgument(c, "plan.json", "a plan")
	if err != nil {
		return err
	}
	if err := checkForm(c); err != nil {
		return err
	}
	plan, err := planfile.Read(name)
	if err != nil {
		return err
	}
	chosen, err := selection.Of(c)
	if err != nil {
		return err
	}
	summary, err := show.Summarize(plan)
	if err != nil {
		return err
	}
	contents := c.Bool("contents")
	if chosen.Narrows() {
		// The same words for a selection as execute has, so that the same is seen as will be done.
		hosts, err := executor.Select(plan, chosen)
		if err != nil {
			return err
		}
		summary.Select(hosts)
		contents = contents || len(hosts) == 1
	}
	return report(c, summary, func() document.Document { return summary.Document(contents) })
}
