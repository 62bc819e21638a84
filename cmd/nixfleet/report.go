package main

import (
	"bufio"
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
)

// maxSizeFlag is of the commands that write what they report as Markdown too.
func maxSizeFlag() cli.Flag {
	return &cli.IntFlag{Name: "max-size", Usage: "with --markdown: shorten the output to `N` characters; 0 means no limit", Value: document.CommentLimit}
}

// checkForm checks what was asked for of how a report is written.
func checkForm(c *cli.Context) error {
	if c.Bool("json") && c.Bool("markdown") {
		return ui.Usagef("--json and --markdown: expected one of them")
	}
	if c.Int("max-size") < 0 || c.IsSet("max-size") && !c.Bool("markdown") {
		return ui.Usagef("--max-size is for --markdown, and 0 or more")
	}
	return nil
}

// report writes a report in the form that was asked for: the value as JSON, or its
// document as Markdown or text.
func report(c *cli.Context, value any, of func() document.Document) (err error) {
	out := bufio.NewWriter(c.App.Writer)
	switch {
	case c.Bool("json"):
		err = ui.WriteJSON(out, value)
	case c.Bool("markdown"):
		whole := document.Line("All of it: ", document.Name("nixfleet "+c.Command.Name), ", or ", document.Name("--max-size 0"), ".")
		err = document.WriteMarkdown(out, of(), c.Int("max-size"), whole)
	default:
		err = document.WriteText(out, of(), ui.StyleFor(c.App.Writer))
	}
	return errors.Join(err, out.Flush())
}
