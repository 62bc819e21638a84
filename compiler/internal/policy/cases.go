package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// testSuffix is what the name of a test ends with: fleet_test.jsonnet is of fleet.jsonnet.
const testSuffix = "_test.jsonnet"

// testCase is a case as its file has it, without the plans.
type testCase struct {
	Name   string            `json:"name"`
	Type   string            `json:"type"` // where it is no object
	Fields []string          `json:"fields"`
	Policy string            `json:"policy"`
	Rule   string            `json:"rule"`
	Expect []json.RawMessage `json:"expect"`
}

var caseFields = []string{"date", "expect", "plan", "policy", "previous", "rule"}

// test carries out the cases of a test file.
func (s *server) test(file string) {
	s.start(file)
	var found json.RawMessage
	if err := s.machine.ask("cases", file, &found); err != nil {
		s.fault(faultOf(err, file, ""))
		return
	}
	var cases []testCase
	if err := json.Unmarshal(found, &cases); err != nil || len(cases) == 0 {
		d := wrongResult(file, "", "the test has no cases; expected an object of cases, each { plan: …, expect: […] }")
		s.fault(d)
		return
	}
	for i, c := range cases {
		s.tell(event{Doing: "the case " + c.Name, File: file})
		s.tell(event{Case: s.testCase(file, i, c)})
	}
}

func (s *server) testCase(file string, index int, c testCase) *Case {
	done := &Case{File: file, Name: c.Name}
	failed := func(fault *diagnostic.Diagnostic) *Case {
		done.Fault = fault
		return done
	}
	if problem := c.problem(); problem != "" {
		d := wrongResult(file, "", "the case %q %s", c.Name, problem)
		return failed(&d)
	}
	policy := strings.TrimSuffix(file, testSuffix) + ".jsonnet"
	if c.Policy != "" {
		policy = path.Join(path.Dir(file), c.Policy)
	}
	rules, fault := s.rules(policy)
	if fault != nil {
		return failed(fault)
	}
	if c.Rule != "" && !slices.Contains(rules, c.Rule) {
		d := wrongResult(file, "", "the case %q is of a rule %q that %s does not have; there are: %s", c.Name, c.Rule, policy, strings.Join(rules, ", "))
		return failed(&d)
	}
	if c.Rule != "" {
		rules = []string{c.Rule}
	}
	s.begun = ""
	var results map[string]json.RawMessage
	if err := s.machine.ask("checkCase", policy, &results, rules, file, importOf(file), index); err != nil {
		d := faultOf(err, policy, s.begun)
		return failed(&d)
	}
	var violations []Violation
	for _, rule := range rules {
		more, fault := readViolations(results[rule], policy, rule)
		if fault != nil {
			return failed(fault)
		}
		violations = append(violations, more...)
	}
	done.Missing, done.Unexpected = compare(c.Expect, violations)
	return done
}

// problem says what is wrong with how a case is written; empty where nothing is.
func (c testCase) problem() string {
	if c.Type != "" {
		return "is " + article(c.Type) + "; expected an object"
	}
	for _, field := range c.Fields {
		if !slices.Contains(caseFields, field) {
			return fmt.Sprintf("has no field %q; there are: %s", field, strings.Join(caseFields, ", "))
		}
	}
	for _, field := range []string{"plan", "expect"} {
		if !slices.Contains(c.Fields, field) {
			return fmt.Sprintf("has no %s", field)
		}
	}
	known := append([]string{"policy", "rule"}, fields...)
	for _, item := range c.Expect {
		var object map[string]json.RawMessage
		if json.Unmarshal(item, &object) != nil {
			return fmt.Sprintf("expects %s; expected objects with some of: %s", typeOf(item), strings.Join(known, ", "))
		}
		for name := range object {
			if !slices.Contains(known, name) {
				return fmt.Sprintf("expects a field %q, which no violation has; there are: %s", name, strings.Join(known, ", "))
			}
		}
	}
	return ""
}

// compare matches expectations with violations, one with one; an expectation names
// the fields that count. Where it can be done in several ways, the one that leaves
// least is taken.
func compare(expected []json.RawMessage, found []Violation) (missing []json.RawMessage, unexpected []Violation) {
	takenBy := map[int]int{} // by violation
	var match func(want int, tried map[int]bool) bool
	match = func(want int, tried map[int]bool) bool {
		for i, v := range found {
			if tried[i] || !meets(v, expected[want]) {
				continue
			}
			tried[i] = true
			if other, taken := takenBy[i]; !taken || match(other, tried) {
				takenBy[i] = want
				return true
			}
		}
		return false
	}
	for want := range expected {
		if !match(want, map[int]bool{}) {
			missing = append(missing, expected[want])
		}
	}
	for i, v := range found {
		if _, taken := takenBy[i]; !taken {
			unexpected = append(unexpected, v)
		}
	}
	return missing, unexpected
}

// meets reports whether a violation has all that is expected of it.
func meets(v Violation, expected json.RawMessage) bool {
	want := v
	if err := json.Unmarshal(expected, &want); err != nil {
		return false
	}
	if name := path.Base(v.Policy); want.Policy == name || want.Policy == strings.TrimSuffix(name, path.Ext(name)) {
		want.Policy = v.Policy
	}
	return want == v
}

func sortedKeys[V any](table map[string]V) []string { return slices.Sorted(maps.Keys(table)) }
