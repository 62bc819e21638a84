package compiler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/policy"
	"github.com/nixfleet/nixfleet/schema"
)

// Violation is what a rule of a policy has against a plan.
type Violation = policy.Violation

// PolicyCase is what came of one case of a test of policies.
type PolicyCase = policy.Case

// PolicyInput says what policies are asked.
type PolicyInput struct {
	// Directory is a fleet, whose policies are in policy/, or a directory of policies.
	Directory string
	// Plan is judged; Replaces is the plan that it replaces, nil where nobody said.
	Plan, Replaces *schema.Plan
	// Date is the day for which is asked, as "2026-12-24"; empty where nobody said.
	Date string
}

// PolicyReport is what policies said.
type PolicyReport struct {
	// Violations are in the order of files, rules, and what a rule returns.
	Violations []Violation
	// Diagnostics are the violations, those alike as one, and the policies that could
	// not be asked, sorted.
	Diagnostics []Diagnostic
	// Cases are those of tests.
	Cases []PolicyCase
	// Traces are what policies wrote with std.trace.
	Traces []string
}

// Unasked are the policies that could not be asked.
func (r *PolicyReport) Unasked() (list []Diagnostic) {
	for _, d := range r.Diagnostics {
		if d.Code != diagnostic.PolicyViolation {
			list = append(list, d)
		}
	}
	return list
}

// CheckPolicies asks policies about a plan. With [ErrViolated] the report has errors.
func CheckPolicies(ctx context.Context, in PolicyInput, deps Deps) (*PolicyReport, error) {
	if err := checkPolicyDate(in.Date); err != nil {
		return nil, err
	}
	source, err := policy.Open(in.Directory)
	if err != nil {
		return reportOf(nil, err)
	}
	subject := policy.Subject{Plan: in.Plan, Previous: in.Replaces, Date: in.Date}
	return reportOf(policy.Check(ctx, deps.runner(policyWork), source, subject, true))
}

// TestPolicies carries out the tests of a directory's policies. With [ErrViolated]
// there are cases that fail, or tests that could not be carried out.
func TestPolicies(ctx context.Context, directory string, deps Deps) (*PolicyReport, error) {
	source, err := policy.Open(directory)
	if err != nil {
		return reportOf(nil, err)
	}
	return reportOf(policy.Test(ctx, deps.runner(policyWork), source))
}

// ErrViolated says that a report of policies has errors.
var ErrViolated = errors.New("policies have something against it")

func reportOf(answer *policy.Answer, err error) (*PolicyReport, error) {
	report := &PolicyReport{}
	list, told := diagnostic.Of(err)
	if err != nil && !told {
		return nil, err
	}
	failed := told
	if answer != nil {
		list = answer.Diagnostics()
		report.Violations, report.Cases, report.Traces = answer.Violations, answer.Cases, answer.Traces
		for _, c := range answer.Cases {
			failed = failed || !c.Passed()
		}
	}
	report.Diagnostics = list.Sorted()
	if failed || list.Failed() {
		return report, ErrViolated
	}
	return report, nil
}

// checkPolicies asks the policies of the fleet's locked source, whether the preview was
// made now or comes out of the cache. They are asked before anything is built, and see
// nothing that building would add.
func (c *compilation) checkPolicies(ctx context.Context, preview *schema.Plan) error {
	source := policy.Source{Root: c.source.Fleet(), Directory: policy.Directory}
	subject := policy.Subject{Plan: preview, Previous: c.in.Replaces, Date: c.in.PolicyDate}
	answer, err := policy.Check(ctx, c.deps.runner(policyWork), source, subject, false)
	if err != nil {
		return err
	}
	c.found = append(c.found, answer.Diagnostics()...)
	return nil
}

// checkPolicyDate refuses what is no day: rules compare days as texts.
func checkPolicyDate(date string) error {
	if _, err := time.Parse(time.DateOnly, date); date != "" && err != nil {
		return fmt.Errorf("%q is no day; expected one as 2026-12-24", date)
	}
	return nil
}

// withoutPolicies is the input as far as it decides what a preview is.
func (in Input) withoutPolicies() Input {
	in.Replaces, in.PolicyDate = nil, ""
	return in
}
