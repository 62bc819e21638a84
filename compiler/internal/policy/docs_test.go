package policy

import (
	"context"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/compiler/internal/bounded"
	"github.com/nixfleet/nixfleet/schema"
)

// Every policy of the page is one, and its tests pass.
func TestDocumentedPolicies(t *testing.T) {
	page, err := os.ReadFile("../../../docs/guide/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, match := range regexp.MustCompile("(?s)```jsonnet\n// (\\S+)\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		files[match[1]] = match[2]
	}
	if len(files) != strings.Count(string(page), "```jsonnet") || len(files) < 5 {
		t.Fatalf("found %d policies and tests", len(files))
	}
	dir := write(t, files)
	answer := cases(t, dir)
	if text := report(answer); text != "" || len(answer.Cases) != 4 {
		t.Errorf("%d cases\n%s", len(answer.Cases), text)
	}
	plan := largePlan(1, false, "a")
	for name, host := range plan.Index.Hosts {
		host.Groups = []string{"db"}
		plan.Index.Hosts[name] = host
	}
	asked, err := Check(context.Background(), bounded.Here(Serve), Source{dir, Directory}, Subject{Plan: plan}, true)
	if err != nil || len(asked.Faults) > 0 || len(asked.Violations) != 3 { // no health check, no previous plan, no day
		t.Error(asked, err)
	}
	// What the page says of the test that fails is what is said.
	files["policy/fleet_test.jsonnet"] = strings.Replace(files["policy/fleet_test.jsonnet"], "host: 'db-1'", "host: 'db-2'", 1)
	failing := cases(t, write(t, files))
	for _, c := range failing.Cases {
		for _, missing := range c.Missing {
			if !strings.Contains(string(page), "- "+string(missing)) {
				t.Errorf("the page does not have %s", missing)
			}
		}
	}
}

// The page tells of all that rules see of a plan and a host, and of every guardrail
// with its parameters.
func TestPageIsWhole(t *testing.T) {
	page, err := os.ReadFile("../../../docs/guide/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	known := newTables()
	seen, err := known.add(largePlan(1, false, "a"))
	if err != nil {
		t.Fatal(err)
	}
	fields := slices.Collect(maps.Keys(seen.(map[string]any)))
	host := seen.(map[string]any)["hosts"].(map[string]any)["h0"]
	fields = append(fields, slices.Collect(maps.Keys(host.(map[string]any)))...)
	for _, field := range append(fields, "manifest", "changed", "previous") {
		if !strings.Contains(string(page), "`"+field+"`") {
			t.Errorf("the page does not tell of %s", field)
		}
	}
	library, err := library.ReadFile("lib/guardrails.libsonnet")
	if err != nil {
		t.Fatal(err)
	}
	rules := regexp.MustCompile(`(?m)^  (\w+\(.*\)):`).FindAllStringSubmatch(string(library), -1)
	for _, match := range rules {
		rule := strings.NewReplacer(", severity='error'", "", "severity='error'", "").Replace(match[1])
		if !strings.Contains(string(page), rule) {
			t.Errorf("the page does not tell of %s", rule)
		}
	}
	if len(rules) != 10 {
		t.Errorf("found %d functions of the library", len(rules))
	}
}

// A partial plan of a test has the fields of a whole one, no more and no less.
func TestPartialPlansAreWhole(t *testing.T) {
	known := newTables()
	plan := largePlan(1, false, "a")
	seen, err := known.add(plan)
	if err != nil {
		t.Fatal(err)
	}
	keys := func(value any, without ...string) string {
		list := slices.Sorted(maps.Keys(value.(map[string]any)))
		return strings.Join(slices.DeleteFunc(list, func(key string) bool { return slices.Contains(without, key) }), " ")
	}
	sample := samples()
	whole := seen.(map[string]any)
	if found, want := keys(sample["plan"]), keys(whole, "hosts", "groups", "manifests", "rollout"); found != want {
		t.Errorf("a plan: found %s, want %s", found, want)
	}
	host := whole["hosts"].(map[string]any)["h0"]
	if found, want := keys(sample["host"]), keys(host, "name", "digest", "base", "system"); found != want {
		t.Errorf("a host: found %s, want %s", found, want)
	}
	manifest := known.Manifests[host.(map[string]any)["digest"].(string)].(map[string]any)
	if found, want := keys(sample["manifest"]), keys(manifest); found != want {
		t.Errorf("a manifest: found %s, want %s", found, want)
	}
	for _, name := range []string{"files", "units", "packages"} {
		item := manifest[name].([]any)[0]
		if found, want := keys(sample["lists"].(map[string]any)[name], "text"), keys(item); found != want {
			t.Errorf("%s: found %s, want %s", name, found, want)
		}
	}
	for name, value := range manifest { // every list of things can be written in parts
		plain := name == "masks" || name == "holds" // lists of names have no parts
		if _, isList := value.([]any); isList && !plain && sample["lists"].(map[string]any)[name] == nil {
			t.Errorf("there is no sample of %s", name)
		}
	}
	if _, isTree := tree(schema.Rollout{}).(map[string]any)["reboots"].(map[string]any); isTree {
		t.Error("reboots that are absent are not null")
	}
}
