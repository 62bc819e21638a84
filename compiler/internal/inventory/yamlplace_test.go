package inventory

import (
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// TestPlacesOfBrokenYAML has a "▶" where the fault is.
func TestPlacesOfBrokenYAML(t *testing.T) {
	for what, text := range map[string]string{
		"a bracket of another kind":       "hosts:\n  web-1: ▶{base: ubuntu, addr: a]\n",
		"a bracket that nobody closes":    "hosts:\n  web-1:\n    addr: ▶[10.0.0.1\n  web-2: {}\n  web-3: {}\n",
		"a line that is nothing":          "hosts: {web-1: {base: ubuntu, addr: a}}\n▶foo\n",
		"too little indented":             "hosts:\n  web-1:\n    base: ubuntu\n   ▶addr: a\n",
		"a colon too many":                "hosts:\n  web-1:\n    addr: a▶: b\n",
		"a quote that nobody closes":      "hosts:\n  web-1:\n    addr: ▶\"a\n    base: ubuntu\n",
		"no space after the colon":        "hosts:\n  web-1:\n    addr:a\n    base▶: ubuntu\n",
		"a reserved character":            "hosts:\n  web-1:\n    addr: ▶@a\n",
		"an alias of nothing":             "hosts:\n  web-1: ▶*nobody\n",
		"a list item among fields":        "hosts:\n  web-1: {}\n  ▶- web-2\n",
		"at the very end":                 "hosts:\n  web-1: ▶{",
		"with the line ends of Windows":   "hosts:\r\n  web-1: ▶{base: ubuntu, addr: a]\r\n",
		"after a document that is in use": "---\nhosts: {}\nx: ▶[\n",
	} {
		before, after, _ := strings.Cut(text, "▶")
		_, err := parseYAML([]byte(before+after), "inventory/prod.yaml")
		if err == nil {
			t.Errorf("%s: it was read", what)
			continue
		}
		line := 1 + strings.Count(before, "\n")
		column := len(before) - strings.LastIndex(before, "\n")
		if at := first(t, err).Position; at.Line != line || at.Column != column {
			t.Errorf("%s: found %v, want %d:%d (%v)", what, at, line, column, err)
		}
	}
}

// TestBrokenYAMLOfManyLines is still told of soon.
func TestBrokenYAMLOfManyLines(t *testing.T) {
	text := "hosts:\n" + strings.Repeat("  h: {base: ubuntu, addr: a, port: 22}\n", 5_000) + "  x: [\n"
	start := time.Now()
	if _, err := parseYAML([]byte(text), "x.yaml"); err == nil {
		t.Error("it was read")
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

func first(t *testing.T, err error) diagnostic.Diagnostic {
	t.Helper()
	list, ok := diagnostic.Of(err)
	if !ok || len(list) == 0 {
		t.Fatalf("found %v, want a diagnostic", err)
	}
	return list[0]
}
