package inventory

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/compiler/internal/bounded"
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
		_, err := load(t, c.name, c.text)
		if list, ok := diagnostic.Of(err); !ok || !strings.Contains(list.Error(), c.want) {
			t.Errorf("%s of %.20q gives\n%v\nwant\n%s", c.name, c.text, err, c.want)
		}
	}
}

// TestLargeJSON is a line of ten megabytes: counting its lines again for each value
// would read terabytes.
func TestLargeJSON(t *testing.T) {
	text := `{"hosts": {"a": {"vars": {"x": [` + strings.Repeat("0,", 1_000_000) + "0]}}}}"
	if _, err := parseJSON([]byte(text), "a.json"); err != nil {
		t.Error(err)
	}
}

// TestMain makes the test binary a worker when it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "serve-inventory" {
		cpu, err := time.ParseDuration(os.Args[2])
		if err == nil {
			err = bounded.Serve(limits(cpu), Serve, os.Stdin, os.Stdout)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func limits(cpu time.Duration) bounded.Limits {
	return bounded.Limits{CPU: cpu, Clock: time.Hour, Memory: 256 << 20, Output: 1 << 20}
}

// TestPrograms has inventories in Jsonnet that would take all of the stack, all of the
// memory or all day.
func TestPrograms(t *testing.T) {
	const (
		grows   = "\nhint: look for a function that calls itself without end, or a list or a string that grows"
		enough  = 5 * time.Minute
		summary = "error: cannot evaluate the inventory: "
	)
	for name, c := range map[string]struct {
		cpu           time.Duration
		program, want string
	}{
		"endless depth": {
			enough, "local f(n) = 1 + f(n + 1);\n{ hosts: f(0) }",
			"more than 500 calls are in each other [inventory-syntax]\n  at a.jsonnet:1:18\nhint: look for a function that calls itself without end",
		},
		"endless calls from the end": {
			enough, "local f(n) = if n < 0 then n else f(n + 1) tailstrict;\n{ hosts: f(0) }",
			"a function calls itself too often, or a value is nested too deep [inventory-syntax]\n  at a.jsonnet" + grows,
		},
		"an endless loop": {
			time.Second, "local n = std.range(1, 2000), sum(f) = std.foldl(function(a, b) a + f(b), n, 0);\n" +
				"{ hosts: sum(function(x) sum(function(y) sum(function(z) x + y + z))) }",
			"it takes more than 1s of CPU time [inventory-syntax]\n  at a.jsonnet" + grows,
		},
		"all memory at once": {
			enough, "{ hosts: std.makeArray(2000000000, function(i) {}) }",
			"it takes more than 256 MiB of memory [inventory-syntax]\n  at a.jsonnet" + grows,
		},
		"a huge value": {
			enough, "{ hosts: { a: std.foldl(function(s, n) s + s, std.range(1, 21), 'x') } }",
			"its result is larger than 1 MiB [inventory-syntax]\n  at a.jsonnet" + grows,
		},
		"an unknown native function": {
			enough, "{ hosts: std.native('exec')('id') }", "Unexpected type null, expected function [inventory-syntax]\n  at a.jsonnet:1:10",
		},
		"an import": {
			enough, "import 'b.libsonnet'",
			"cannot import \"b.libsonnet\": an inventory that came with --input is one file and imports nothing [inventory-syntax]\n  at a.jsonnet:1:1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := bounded.Process([]string{os.Args[0], "serve-inventory", c.cpu.String()}, limits(c.cpu))
			_, err := Load(context.Background(), run, Source{Name: "a.jsonnet", Shown: "a.jsonnet", Data: []byte(c.program)})
			if err == nil || err.Error() != summary+c.want {
				t.Errorf("found\n%v\nwant\n%s", err, summary+c.want)
			}
		})
	}
}
