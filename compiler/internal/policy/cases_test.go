package policy

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	found := []Violation{
		{Policy: "policy/p.jsonnet", Rule: "a", Severity: "error", Host: "h1", Message: "x"},
		{Policy: "policy/p.jsonnet", Rule: "a", Severity: "error", Host: "h2", Message: "x"},
		{Policy: "policy/p.jsonnet", Rule: "b", Severity: "warning", Message: "y"},
	}
	for _, c := range []struct{ expect, want string }{
		{`[{"rule":"a"},{"host":"h1"},{"rule":"b"}]`, "0 missing, 0 unexpected"}, // the first may not take h1
		{`[{"message":"x"},{"message":"x"},{"severity":"warning"}]`, "0 missing, 0 unexpected"},
		{`[{"policy":"p.jsonnet"},{"policy":"p"},{"policy":"policy/p.jsonnet"}]`, "0 missing, 0 unexpected"},
		{`[{"policy":"q"},{"host":"h2"},{"rule":"b"}]`, "1 missing, 1 unexpected"},
		{`[{"host":"h3"}]`, "1 missing, 3 unexpected"},
		{`[{},{},{},{}]`, "1 missing, 0 unexpected"},
		{`[{"host":7}]`, "1 missing, 3 unexpected"},
		{`[]`, "0 missing, 3 unexpected"},
	} {
		var expected []json.RawMessage
		if err := json.Unmarshal([]byte(c.expect), &expected); err != nil {
			t.Fatal(err)
		}
		missing, unexpected := compare(expected, found)
		if text := fmt.Sprintf("%d missing, %d unexpected", len(missing), len(unexpected)); text != c.want {
			t.Errorf("%s: found %s, want %s", c.expect, text, c.want)
		}
	}
}

// What is wrong with a test is told, and never passes.
func TestBadCases(t *testing.T) {
	const policy = "{ a(plan): [{ message: f.path } for h in std.objectValues(plan.hosts) for f in h.manifest.files] }"
	for text, want := range map[string]string{
		"{}":                                    "the test has no cases",
		"3":                                     "the test has no cases",
		"{ c: 3 }":                              `the case "c" is a number; expected an object`,
		"[{ plan: {} }]":                        `the case "case 1" has no expect`,
		"[{ expect: [] }]":                      `the case "case 1" has no plan`,
		"[{ plan: {}, expects: [] }]":           `the case "case 1" has no field "expects"; there are: date, expect, plan, policy, previous, rule`,
		"[{ plan: {}, expect: ['x'] }]":         `the case "case 1" expects a string; expected objects with some of: policy, rule, host, hint, message, severity`,
		"[{ plan: {}, expect: [{ x: 1 }] }]":    `the case "case 1" expects a field "x", which no violation has`,
		"[{ plan: {}, expect: [], rule: 'b' }]": `the case "case 1" is of a rule "b" that policy/p.jsonnet does not have; there are: a`,
		"[{ plan: {}, expect: [], policy: 'q' }]":                                         `cannot import "policy/q": the fleet has no such file: "policy/q"`,
		"[{ plan: { hostz: {} }, expect: [] }]":                                           "the plan of the test: it has no field hostz; there are: fleet, hosts",
		"[{ plan: { hosts: { h: { addr: 1 } } }, expect: [] }]":                           "the plan of the test: host h has no field addr",
		"[{ plan: { hosts: { h: { manifest: { files: {} } } } }, expect: [] }]":           "the plan of the test: files is object; expected a list",
		"[{ plan: { hosts: { h: { manifest: { files: [{ pth: 1 }] } } } }, expect: [] }]": "the plan of the test: an item of files has no field pth",
		"[{ plan: 'plan.json', expect: [] }]":                                             "cannot read the plan of the test",
		"[{ plan: 'bad.json', expect: [] }]":                                              `cannot read the plan "policy/bad.json" of the test`,
		"[{ plan: '../../etc/x.json', expect: [] }]":                                      "cannot read the plan of the test",
		"[{ plan: error 'no', expect: [] }]":                                              "cannot evaluate the policy: no",
		"[":                                                                               "cannot read the policy: ",
	} {
		answer := cases(t, write(t, map[string]string{"policy/p.jsonnet": policy, "policy/p_test.jsonnet": text, "policy/bad.json": "{}"}))
		if found := report(answer); !strings.Contains(found, want) {
			t.Errorf("%s: found\n%s\nwant\n%s", text, found, want)
		}
	}
}

// A test may name a plan as compile writes it.
func TestPlanOfAFile(t *testing.T) {
	plan, err := os.ReadFile("../../../goldens/web-and-db/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	answer := cases(t, write(t, map[string]string{
		"policy/p.jsonnet":      "{ a(plan): [{ host: h.name, message: f.text } for h in std.objectValues(plan.hosts) for f in h.manifest.files if f.path == '/etc/shop/hosts'] }",
		"policy/p_test.jsonnet": "[{ plan: '../plans/plan.json', expect: [{ host: 'web-1' }, { host: 'web-2' }, { host: 'db-1' }] }]",
		"plans/plan.json":       string(plan),
	}))
	if text := report(answer); text != "" || len(answer.Cases) != 1 {
		t.Error(text)
	}
}
