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
		Usage:     "show a plan to people: hosts, what will be there, what restarts when what changes",
		ArgsUsage: "plan.json",
		Description: `Hosts that shall be alike are shown together, with the waves in which they come. Where hosts are chosen, only
the waves are drawn in which these come; one host is shown in full, with the texts of its files and
units. Reads the plan and nothing else; nixfleet diff tells what is different from another plan.

Examples: nixfleet show plan.json
          nixfleet show plan.json --host web-1`,
		Flags: append(selection.Flags(),
			&cli.BoolFlag{Name: "contents", Usage: "with the texts of files and units"},
			&cli.BoolFlag{Name: "markdown", Usage: "as Markdown, for a pull request: each kind of host opens at a click"},
			maxSizeFlag(),
			&cli.BoolFlag{Name: "json", Usage: "as JSON, texts included"},
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
