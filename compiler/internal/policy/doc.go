// Package policy has a fleet's policies say what they have against a plan.
//
// A policy is a file policy/*.jsonnet of the fleet: an object of named rules, or one
// rule. A rule is a pure function from the plan, the plan it replaces and what else is
// given to a list of violations. It sees nothing but these: files of the fleet and the
// library that comes along may be imported, and there is no clock, no network and no
// environment in Jsonnet.
//
// Jsonnet cannot be interrupted, and may take all memory at once. So policies are
// evaluated in a process of their own (see package bounded) that reports line by line how
// far it is.
package policy

import (
	"encoding/json"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// Directory is where a fleet keeps its policies.
const Directory = "policy"

// Violation is what a rule has against a plan.
type Violation struct {
	// Policy is the policy's file, relative to the fleet.
	Policy string `json:"policy"`
	// Rule is the rule's name in it.
	Rule string `json:"rule"`
	// Severity is "error", which no plan may have, or "warning".
	Severity diagnostic.Severity `json:"severity"`
	// Host is the host it is about; empty for the plan.
	Host schema.HostName `json:"host,omitempty"`
	// Message says in one line what is wrong.
	Message string `json:"message"`
	// Hint says what to do about it; empty where the policy does not say.
	Hint string `json:"hint,omitempty"`
}

// Diagnostic is the violation as the compiler tells of faults.
func (v Violation) Diagnostic() diagnostic.Diagnostic {
	return diagnostic.Diagnostic{
		Code: diagnostic.PolicyViolation, Severity: v.Severity, Host: v.Host, Option: v.Rule,
		Position: diagnostic.Position{File: v.Policy}, Summary: v.Message, Hint: v.Hint,
	}
}

// Subject is what rules are asked about.
type Subject struct {
	Plan *schema.Plan
	// Previous is the plan that Plan replaces; nil where nobody said.
	Previous *schema.Plan
	// Date is the day, as "2026-12-24", for which the question is asked; empty where
	// nobody said. It is never the clock's by itself.
	Date string
}

// Case is what came of one case of a policy's test.
type Case struct {
	// File is the test's file, relative to the fleet, and Name the case in it.
	File string `json:"file"`
	Name string `json:"name"`
	// Missing are expected violations, as the test writes them, that are not there.
	Missing []json.RawMessage `json:"missing,omitempty"`
	// Unexpected are violations that the test does not expect.
	Unexpected []Violation `json:"unexpected,omitempty"`
	// Fault is why the case could not be judged.
	Fault *diagnostic.Diagnostic `json:"fault,omitempty"`
}

// Passed reports whether it is as the test expects.
func (c Case) Passed() bool {
	return len(c.Missing) == 0 && len(c.Unexpected) == 0 && c.Fault == nil
}

// Answer is all that came of a question.
type Answer struct {
	// Violations are in the order of files, rules, and what a rule returns.
	Violations []Violation
	// Cases are those of tests.
	Cases []Case
	// Faults are policies that could not be asked.
	Faults diagnostic.List
	// Traces are what std.trace wrote.
	Traces []string
}

// Diagnostics are the violations and faults as the compiler tells of faults.
func (a *Answer) Diagnostics() diagnostic.List {
	list := append(diagnostic.List{}, a.Faults...)
	for _, violation := range a.Violations {
		list = append(list, violation.Diagnostic())
	}
	return list
}
