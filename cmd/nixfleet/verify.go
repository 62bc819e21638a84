package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "check that a plan is intact and keeps policies",
		ArgsUsage: "plan.json",
		Description: `Checks the plan's schema, digest, manifests, payloads and closures. Reads only the plan and, with --policy,
policies: no host, no Nix. Policies are checked as in compile, for example before an execution with today's
date, or with the policies of your organization. See docs/guide/policy.md.

Exit status: 0 the plan is intact and keeps the policies, 1 otherwise.

Examples: nixfleet verify plan.json
          nixfleet verify plan.json --policy my-fleet --replaces main.json
          nixfleet verify plan.json --policy my-fleet --policy-date 2026-12-24`,
		Flags: append(policyFlags(),
			&cli.StringFlag{Name: "digest", Usage: "also require this approved `DIGEST`"},
			&cli.StringFlag{Name: "policy", Usage: "also check the policies in `DIR`, a fleet or a directory of policies"},
			&cli.BoolFlag{Name: "json", Usage: "print JSON: digest, number of hosts, preview, violations, diagnostics"},
		),
		Action: verify,
	}
}

// verified is what verify --json prints.
type verified struct {
	Digest  schema.Digest `json:"digest"`
	Hosts   int           `json:"hosts"`
	Preview bool          `json:"preview"`
	// Violations are one for each host; Diagnostics tell of those alike as one, and of
	// policies that could not be asked.
	Violations  []compiler.Violation  `json:"violations"`
	Diagnostics []compiler.Diagnostic `json:"diagnostics"`
}

func verify(c *cli.Context) error {
	name, err := ui.OneArgument(c, "plan.json", "a plan")
	if err != nil {
		return err
	}
	if c.IsSet("replaces") && !c.IsSet("policy") {
		return ui.Usagef("--replaces is for policies to compare with, and there is no --policy")
	}
	plan, err := planfile.Read(name)
	if err != nil {
		return err
	}
	if want := c.String("digest"); want != "" && want != string(plan.Digest) {
		return fmt.Errorf("plan %q is whole, but another one: expected %s, found %s", name, want, plan.Digest)
	}
	report, failed := &compiler.PolicyReport{}, error(nil)
	if c.IsSet("policy") {
		replaces, date, err := policyGiven(c)
		if err != nil {
			return err
		}
		if report, failed = askPolicies(c, c.String("policy"), plan, replaces, date); report == nil {
			return failed
		}
	}
	if err := tellVerified(c, name, plan, report); err != nil {
		return err
	}
	if errors.Is(failed, compiler.ErrViolated) {
		return ui.WithCode(ui.ExitError, ui.ErrReported)
	}
	return failed
}

func tellVerified(c *cli.Context, name string, plan *schema.Plan, report *compiler.PolicyReport) error {
	if c.Bool("json") {
		told := verified{Digest: plan.Digest, Hosts: len(plan.Index.Hosts), Preview: plan.Index.Preview, Violations: report.Violations, Diagnostics: report.Diagnostics}
		if told.Violations == nil {
			told.Violations = []compiler.Violation{}
		}
		if told.Diagnostics == nil {
			told.Diagnostics = []compiler.Diagnostic{}
		}
		return ui.WriteJSON(c.App.Writer, told)
	}
	state := ""
	if plan.Index.Preview {
		state = ", a preview: nothing is built yet"
	}
	_, err := fmt.Fprintf(c.App.Writer, "%s is whole: %s, %s%s\n", name, plan.Digest, human.Count(len(plan.Index.Hosts), "host"), state)
	printDiagnostics(report.Diagnostics)
	return err
}
