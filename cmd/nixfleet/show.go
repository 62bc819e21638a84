package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"path"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/review"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
)

func showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "show a plan to people: hosts, what will be there, what restarts when what changes",
		ArgsUsage: "plan.json",
		Description: `Hosts that shall be alike are shown together. Reads the plan and nothing else.

Examples: nixfleet show plan.json
          nixfleet show plan.json --host web-1 --contents`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "host", Usage: "only hosts of this name or pattern (may be repeated)"},
			&cli.StringSliceFlag{Name: "group", Usage: "only hosts of this group (may be repeated)"},
			&cli.BoolFlag{Name: "contents", Usage: "with the texts of files and units"},
			&cli.BoolFlag{Name: "json", Usage: "as JSON, texts included"},
		},
		Action: show,
	}
}

func show(c *cli.Context) error {
	name, err := ui.OneArgument(c, "plan.json", "a plan")
	if err != nil {
		return err
	}
	for _, pattern := range c.StringSlice("host") {
		if _, err := path.Match(pattern, ""); err != nil {
			return ui.Usagef("--host %q is not a pattern: %w", pattern, err)
		}
	}
	plan, err := planfile.Read(name)
	if err != nil {
		return err
	}
	summary, err := review.Summarize(plan)
	if err != nil {
		return err
	}
	summary.Select(c.StringSlice("host"), c.StringSlice("group"))
	if len(summary.Kinds) == 0 && len(plan.Index.Hosts) > 0 {
		return fmt.Errorf("the plan has no host that --host %q or --group %q names", c.StringSlice("host"), c.StringSlice("group"))
	}
	out := bufio.NewWriter(c.App.Writer)
	if c.Bool("json") {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(summary)
	} else {
		err = summary.WriteText(out, c.Bool("contents"))
	}
	if err != nil {
		return err
	}
	return out.Flush()
}
