package inventory

import (
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// TestBounds has what would take all of the stack, all of the memory or all day.
func TestBounds(t *testing.T) {
	const deep = "cannot read the inventory: it is nested more than 500 levels deep [inventory-syntax]\n  at a."
	for _, c := range []struct{ name, text, want string }{
		{"a.json", strings.Repeat("[", 2_000_000), deep},
		{"a.jsonnet", strings.Repeat("[", 2_000_000), deep},
		{"a.yaml", strings.Repeat("[", 2_000_000), deep},
		{"a.jsonnet", strings.Repeat("{a+:", 1_000_000), deep},
		{"a.jsonnet", strings.Repeat("(", 1_000_000), deep},
		{"a.jsonnet", strings.Repeat("! -", 1_000_000) + "1", deep},
		{"a.json", strings.Repeat("[", 501) + strings.Repeat("]", 501), deep},
		{"a.jsonnet", strings.Repeat("1+", 500_000) + "1", "it is a Jsonnet program of 1000001 bytes: expected at most 524288; keep data in a file of JSON, and import that"},
		{"a.jsonnet", strings.Repeat("-", 1000) + "1", "[inventory-"},
		{"a.jsonnet", strings.Repeat("1+", 100_000) + "1", "[inventory-"},
		{"a.jsonnet", strings.Repeat("local x=1;", 50_000) + "1", "[inventory-"},
		{"a.jsonnet", strings.Repeat("if true then ", 40_000) + "1", "[inventory-"},
		{"a.jsonnet", strings.Repeat("-", 100_000) + "1", deep},
	} {
		start := time.Now()
		_, err := load(t, c.name, c.text)
		if list, ok := diagnostic.Of(err); !ok || !strings.Contains(list.Error(), c.want) {
			t.Errorf("%s of %.20q gives\n%v\nwant\n%s", c.name, c.text, err, c.want)
		}
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("%s of %.20q took %v", c.name, c.text, took)
		}
	}
}

// TestLargeJSON is a line of ten megabytes: to count lines anew for each of its
// values would take hours.
func TestLargeJSON(t *testing.T) {
	text := `{"hosts": {"a": {"vars": {"x": [` + strings.Repeat("0,", 1_000_000) + "0]}}}}"
	start := time.Now()
	if _, err := parseJSON([]byte(text), "a.json"); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}
