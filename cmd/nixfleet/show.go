package main

import (
	"bufio"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/review"
	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor"
)

func showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "show a plan to people: hosts, what will be there, what restarts when what changes",
		ArgsUsage: "plan.json",
		Description: `Hosts that shall be alike are shown together. Reads the plan and nothing else.

Examples: nixfleet show plan.json
          nixfleet show plan.json --host web-1 --contents`,
		Flags: append(selection.Flags(),
			&cli.BoolFlag{Name: "contents", Usage: "with the texts of files and units"},
			&cli.BoolFlag{Name: "json", Usage: "as JSON, texts included"},
		),
		Action: show,
	}
}

func show(c *cli.Context) error {
	name, err := ui.OneArgument(c, "plan.json", "a plan")
	if err != nil {
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
	summary, err := review.Summarize(plan)
	if err != nil {
		return err
	}
	if chosen.Narrows() {
		// The same words for a selection as execute has, so that the same is seen as will be done.
		hosts, err := executor.Select(plan, chosen)
		if err != nil {
			return err
		}
		summary.Select(hosts)
	}
	out := bufio.NewWriter(c.App.Writer)
	if c.Bool("json") {
		err = ui.WriteJSON(out, summary)
	} else {
		err = summary.WriteText(out, c.Bool("contents"))
	}
	if err != nil {
		return err
	}
	return out.Flush()
}
