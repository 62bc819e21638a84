package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/diff"
	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/schema"
)

// The exit codes of diff, which are those of diff(1).
const (
	exitDiffers     = 1
	exitDiffTrouble = 2
)

func diffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "compare two plans: which hosts change, what, why and when",
		ArgsUsage: "OLD NEW",
		Description: `Reads only the two plans: no host, no fleet, no Nix. Hosts with the same changes are shown together: units that
restart or reload, and why; files and units line by line; packages by version and size; accounts; policies;
waves. First a summary, then everything. The comparison assumes hosts that match the old plan; nixfleet plan
asks the hosts themselves. docs/guide/review.md explains how to read it.

With --policy, it also checks the new plan against policies and shows what they forbid.

Exit status: 0 the plans are the same, 1 they differ, 2 trouble.

Examples: nixfleet diff main.json plan.json
          nixfleet diff main.json plan.json --policy . --markdown >comment.md`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "markdown", Usage: "print Markdown for a pull request, with collapsible sections"},
			maxSizeFlag(),
			&cli.StringFlag{Name: "policy", Usage: "check NEW against the policies in `DIR`, a fleet or a directory of policies"},
			policyDateFlag(),
			&cli.BoolFlag{Name: "json", Usage: "print JSON (docs/reference/difference-format.md)"},
		},
		Action: func(c *cli.Context) error {
			differs, err := diffPlans(c)
			switch {
			case err != nil:
				return ui.WithCode(exitDiffTrouble, err)
			case differs:
				return ui.WithCode(exitDiffers, ui.ErrReported)
			}
			return nil
		},
	}
}

func diffPlans(c *cli.Context) (differs bool, err error) {
	if c.NArg() != 2 {
		return false, schema.WithHint(ui.Usagef("expected two plans, the old one and the new one"), "%s diff OLD NEW", c.App.Name)
	}
	if err := checkForm(c); err != nil {
		return false, err
	}
	old, now := c.Args().Get(0), c.Args().Get(1)
	switch {
	case old == "-" && now == "-":
		return false, ui.Usagef("only one of the two plans can be standard input")
	case isOneFile(old, now):
		return false, schema.WithHint(ui.Usagef("%q and %q are one file, which has nothing to be compared with", old, now), "keep the plan of the main branch, and name it first")
	}
	before, after, err := readBoth(old, now)
	if err != nil {
		return false, err
	}
	difference := diff.Compare(before, after)
	if dir := c.String("policy"); dir != "" {
		violations, err := violationsOf(c, dir, before, after)
		if err != nil {
			return false, err
		}
		difference.Notices = append(violations, difference.Notices...)
	}
	return !difference.Same, report(c, difference, func() document.Document { return diff.Document(difference) })
}

// violationsOf asks policies about the new plan. Those that cannot be asked are trouble.
func violationsOf(c *cli.Context, dir string, before, after *schema.Plan) (notices []schema.Notice, err error) {
	date, err := policyDate(c)
	if err != nil {
		return nil, err
	}
	report, err := askPolicies(c, dir, after, before, date)
	if report == nil {
		return nil, err
	}
	if unasked := report.Unasked(); len(unasked) > 0 {
		printDiagnostics(unasked)
		return nil, ui.ErrReported
	}
	at := map[string]int{}
	for _, v := range report.Violations {
		level, text := schema.NoticeViolation, fmt.Sprintf("%s, %s: %s", v.Policy, v.Rule, v.Message)
		if v.Severity == compiler.Warning {
			level = schema.NoticeCaution
		}
		i, known := at[text]
		if !known {
			i = len(notices)
			at[text] = i
			notices = append(notices, schema.Notice{Level: level, Text: text})
		}
		if v.Host != "" {
			notices[i].Hosts = append(notices[i].Hosts, v.Host)
		}
	}
	slices.SortStableFunc(notices, func(a, b schema.Notice) int { return strings.Compare(string(b.Level), string(a.Level)) })
	return notices, nil
}

// isOneFile reports whether two names are of one file: a slip, which would say that
// nothing is different.
func isOneFile(a, b string) bool {
	first, err := os.Stat(a)
	second, other := os.Stat(b)
	return err == nil && other == nil && os.SameFile(first, second)
}

// readBoth reads the plans side by side: that takes longer than comparing them.
func readBoth(old, now string) (before, after *schema.Plan, err error) {
	other := make(chan error, 1)
	go func() {
		var err error
		after, err = planfile.Read(now)
		other <- err
	}()
	before, err = planfile.Read(old)
	if later := <-other; err == nil {
		err = later
	}
	return before, after, err
}
