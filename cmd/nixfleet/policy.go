package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// workerName is the command that evaluates Jsonnet for another of our processes.
const workerName = "worker"

func policyCommand() *cli.Command {
	return &cli.Command{
		Name:  "policy",
		Usage: "test the policies that compile and verify apply to plans",
		Description: `A fleet's policies are policy/*.jsonnet: rules that every plan must keep. "compile" checks them for every plan,
"verify --policy" for an existing plan. docs/guide/policy.md explains how to write them, and lists the built-in
rules.

Examples: nixfleet policy test
          nixfleet verify plan.json --policy my-fleet --replaces main.json`,
		Subcommands: []*cli.Command{{
			Name:      "test",
			Usage:     "run the tests of policies",
			ArgsUsage: "[DIR]",
			Description: `DIR is a fleet (default: the current directory) or a directory of policies. Its tests are the files ending in
_test.jsonnet: cases, each with a plan (or the relevant part of one) and the expected violations. Needs no Nix.

Exit status: 0 all cases passed, 1 a case failed or there are none, 2 wrong usage.

Examples: nixfleet policy test
          nixfleet policy test my-fleet --json`,
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "json", Usage: "print JSON: a list of cases with missing and unexpected violations"},
				&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "also print cases that passed"},
			},
			Action: testPolicies,
		}},
		Action: func(c *cli.Context) error {
			return schema.WithHint(ui.Usagef("expected a subcommand"), "%s policy test", c.App.Name)
		},
	}
}

// workerCommand is for our own processes only.
func workerCommand() *cli.Command {
	return &cli.Command{
		Name: workerName, Usage: "evaluate policies or an inventory for another process", Hidden: true,
		Action: func(c *cli.Context) error { return compiler.Work(c.Args().First(), os.Stdin, c.App.Writer) },
	}
}

// worker is the command that starts it.
func worker() []string {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return []string{self, workerName}
}

// policyFlags are those that tell policies what a plan does not say.
func policyFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "replaces", Usage: "the `PLAN` that this one replaces, for policies that compare"},
		policyDateFlag(),
	}
}

func policyDateFlag() cli.Flag {
	return &cli.StringFlag{Name: "policy-date", EnvVars: []string{"NIXFLEET_POLICY_DATE"}, Usage: "check policies as of this `DAY`, for example 2026-12-24; without it they have no date"}
}

// policyGiven reads what the flags give.
func policyGiven(c *cli.Context) (replaces *schema.Plan, date string, err error) {
	if name := c.String("replaces"); name != "" {
		if replaces, err = planfile.Read(name); err != nil {
			return nil, "", err
		}
	}
	date, err = policyDate(c)
	return replaces, date, err
}

func policyDate(c *cli.Context) (string, error) {
	date := c.String("policy-date")
	if date == "" {
		return "", nil
	}
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return "", schema.WithHint(ui.Usagef("--policy-date %q: expected a day as 2026-12-24", date), "--policy-date \"$(date -I)\" is today")
	}
	return date, nil
}

// askPolicies asks the policies in a directory about a plan. With
// [compiler.ErrViolated] the report has errors.
func askPolicies(c *cli.Context, directory string, plan, replaces *schema.Plan, date string) (*compiler.PolicyReport, error) {
	return withWorker(c, func(ctx context.Context, deps compiler.Deps) (*compiler.PolicyReport, error) {
		return compiler.CheckPolicies(ctx, compiler.PolicyInput{Directory: directory, Plan: plan, Replaces: replaces, Date: date}, deps)
	})
}

func withWorker(c *cli.Context, ask func(context.Context, compiler.Deps) (*compiler.PolicyReport, error)) (*compiler.PolicyReport, error) {
	ctx, release := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer release()
	report, err := ask(ctx, compiler.Deps{Worker: worker()})
	if ctx.Err() != nil {
		return nil, ui.WithCode(ui.ExitInterrupted, errors.New("interrupted"))
	}
	if report != nil {
		for _, line := range report.Traces {
			fmt.Fprintln(os.Stderr, ui.Printable(line))
		}
	}
	return report, err
}

func testPolicies(c *cli.Context) error {
	dir := "."
	if c.NArg() > 0 {
		var err error
		if dir, err = ui.OneArgument(c, "DIR", "a fleet"); err != nil {
			return err
		}
	}
	report, err := withWorker(c, func(ctx context.Context, deps compiler.Deps) (*compiler.PolicyReport, error) {
		return compiler.TestPolicies(ctx, dir, deps)
	})
	if report == nil {
		return err
	}
	if c.Bool("json") {
		if err := ui.WriteJSON(c.App.Writer, report.Cases); err != nil {
			return err
		}
	} else if err := writeCases(c.App.Writer, report.Cases, c.Bool("verbose")); err != nil {
		return err
	}
	printDiagnostics(report.Diagnostics)
	if errors.Is(err, compiler.ErrViolated) {
		return ui.WithCode(ui.ExitError, ui.ErrReported)
	}
	return err
}

// writeCases tells of cases that failed, what was expected and what was found as a
// difference, and counts the others.
func writeCases(to io.Writer, cases []compiler.PolicyCase, verbose bool) error {
	var out strings.Builder
	failed := 0
	for _, c := range cases {
		if c.Passed() {
			if verbose {
				fmt.Fprintf(&out, "ok    %s: %s\n", c.File, c.Name)
			}
			continue
		}
		failed++
		fmt.Fprintf(&out, "FAIL  %s: %s\n", c.File, c.Name)
		for _, expected := range c.Missing {
			fmt.Fprintf(&out, "      - %s\n", expected)
		}
		for _, violation := range c.Unexpected {
			fmt.Fprintf(&out, "      + %s\n", asExpectation(violation))
		}
		if c.Fault != nil {
			fmt.Fprintf(&out, "      %s\n", strings.ReplaceAll(c.Fault.String(), "\n", "\n      "))
		}
	}
	if failed > 0 {
		fmt.Fprintf(&out, "%s failed, %d passed (- expected, + found)\n", human.Count(failed, "case"), len(cases)-failed)
	} else if len(cases) > 0 {
		fmt.Fprintf(&out, "%s passed\n", human.Count(len(cases), "case"))
	}
	_, err := io.WriteString(to, out.String())
	return err
}

// asExpectation writes a violation as a test would expect it.
func asExpectation(v compiler.Violation) string {
	fields := []string{}
	for _, field := range []struct{ name, value string }{
		{"rule", v.Rule}, {"severity", string(v.Severity)}, {"host", string(v.Host)}, {"message", v.Message},
	} {
		if field.value != "" {
			text, _ := json.Marshal(field.value) // a string always can
			fields = append(fields, fmt.Sprintf("%q:%s", field.name, text))
		}
	}
	return "{" + strings.Join(fields, ",") + "}"
}
