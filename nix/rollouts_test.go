package nix_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
)

// TestRolloutFields holds the page on rollouts and the schema of inventories to the
// fields that a policy has.
func TestRolloutFields(t *testing.T) {
	needNix(t)
	out, err := nixCommand("--expr", "let f = import ./lib/intent/rollout-fields.nix { lib = import ./lib/prelude; }; in builtins.attrNames (f.fleet // f.group // f.host)").Output()
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	if err := json.Unmarshal(out, &fields); err != nil {
		t.Fatal(err)
	}

	page, err := os.ReadFile("../docs/guide/rollouts.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-zA-Z]+)` \\|").FindAllSubmatch(page, -1) {
		told = append(told, string(row[1]))
	}
	if slices.Sort(told); !slices.Equal(told, fields) {
		t.Errorf("docs/guide/rollouts.md tells of %v, a policy has %v", told, fields)
	}

	data, err := os.ReadFile("../schema/validate/inventory.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs struct {
			Rollout struct{ Properties map[string]any }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	if allowed := slices.Sorted(maps.Keys(schema.Defs.Rollout.Properties)); !slices.Equal(allowed, fields) {
		t.Errorf("inventories may have %v, a policy has %v", allowed, fields)
	}
}
