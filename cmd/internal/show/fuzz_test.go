package show

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/validate"
)

// FuzzShow puts anything in the place of any value of a plan, binds the whole anew
// by its hashes, as whoever forges a plan does, and shows what is still accepted.
func FuzzShow(f *testing.F) {
	plans, err := filepath.Glob("../../../goldens/*/plan.json")
	if err != nil || len(plans) == 0 {
		f.Fatalf("found no golden plans: %v", err)
	}
	for n := range plans {
		f.Add(n, 17, `"x"`)
		f.Add(n, 60, `[{"a": 1}]`)
		f.Add(n, 3, `{"web-[1-999999999999]": "10.0.0.[1-999999999999]"}`)
	}
	f.Fuzz(func(t *testing.T, n, place int, text string) {
		data, err := os.ReadFile(plans[abs(n)%len(plans)])
		if err != nil {
			t.Fatal(err)
		}
		var tree, value any
		if json.Unmarshal(data, &tree) != nil || json.Unmarshal([]byte(text), &value) != nil {
			return
		}
		places := listPlaces(tree, nil)
		places[abs(place)%len(places)](value)
		start := time.Now()
		forged, err := json.Marshal(bind(tree.(map[string]any)))
		if err != nil {
			t.Skip(err)
		}
		plan, err := validate.Plan(forged)
		if err == nil {
			var summary *Summary
			if summary, err = Summarize(plan); err == nil {
				err = document.WriteText(io.Discard, summary.Document(true), ui.Style{})
			}
			if err != nil {
				t.Fatalf("a plan that was accepted cannot be shown: %v", err)
			}
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func abs(n int) int { return max(n, -(n + 1)) }

// listPlaces returns what replaces each value of a tree but the tables, which are
// bound by what is in them.
func listPlaces(value any, all []func(any)) []func(any) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(value) {
			all = append(all, func(v any) { value[key] = v })
			all = listPlaces(value[key], all)
		}
	case []any:
		for i := range value {
			all = append(all, func(v any) { value[i] = v })
			all = listPlaces(value[i], all)
		}
	}
	return all
}

func sortedKeys(m map[string]any) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// bind gives payloads, manifests and index the hashes of what they are now.
func bind(plan map[string]any) map[string]any {
	payloads, _ := plan["payloads"].(map[string]any)
	for _, old := range sortedKeys(payloads) {
		payload, _ := payloads[old].(map[string]any)
		if text, ok := payload["text"].(string); ok {
			rename(plan, payloads, old, schema.DigestOf([]byte(text)))
		}
	}
	manifests, _ := plan["manifests"].(map[string]any)
	for _, old := range sortedKeys(manifests) {
		if digest, ok := digestAs(new(schema.Manifest), manifests[old]); ok {
			rename(plan, manifests, old, digest)
		}
	}
	if digest, ok := digestAs(new(schema.Index), plan["index"]); ok {
		plan["digest"] = string(digest)
	}
	return plan
}

// digestAs is the digest of a value that is read as a type of the plan's, where it can be.
func digestAs(typed, value any) (schema.Digest, bool) {
	data, err := json.Marshal(value)
	if err != nil || json.Unmarshal(data, typed) != nil {
		return "", false
	}
	digest, err := schema.DigestOfValue(typed)
	return digest, err == nil
}

// rename gives an entry of a table another key, wherever the old one stands.
func rename(plan, table map[string]any, old string, digest schema.Digest) {
	entry := table[old]
	delete(table, old)
	table[string(digest)] = entry
	replace(plan, old, string(digest))
}

func replace(value any, old, now string) {
	switch value := value.(type) {
	case map[string]any:
		for key, item := range value {
			if text, ok := item.(string); ok && strings.Contains(text, old) {
				value[key] = strings.ReplaceAll(text, old, now)
			}
			replace(item, old, now)
		}
	case []any:
		for i, item := range value {
			if item == old {
				value[i] = now
			}
			replace(item, old, now)
		}
	}
}

// TestBind sees to it that what is bound anew is accepted: else nothing is fuzzed.
func TestBind(t *testing.T) {
	data, err := os.ReadFile("../../../goldens/web-and-db/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal([]byte(strings.Replace(string(data), "Ada, on call", "Ada", 1)), &tree); err != nil {
		t.Fatal(err)
	}
	bound, err := json.Marshal(bind(tree))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := validate.Plan(bound); err != nil {
		t.Errorf("it is refused: %v", err)
	}
}
