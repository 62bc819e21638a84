package policy

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/compiler/internal/bounded"
)

// write writes a fleet's files, by name, into a new directory.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func cases(t testing.TB, dir string) *Answer {
	t.Helper()
	answer, err := Test(context.Background(), bounded.Here(Serve), Source{dir, Directory})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// report is an answer as a text.
func report(answer *Answer) string {
	var out strings.Builder
	for _, c := range answer.Cases {
		if c.Passed() {
			continue
		}
		out.WriteString(c.File + ": " + c.Name + "\n")
		for _, m := range c.Missing {
			out.WriteString("  missing " + string(m) + "\n")
		}
		for _, v := range c.Unexpected {
			out.WriteString("  unexpected " + v.Diagnostic().String() + "\n")
		}
		if c.Fault != nil {
			out.WriteString("  " + c.Fault.String() + "\n")
		}
	}
	for _, v := range answer.Violations {
		out.WriteString(v.Diagnostic().String() + "\n")
	}
	for _, d := range answer.Faults {
		out.WriteString(d.String() + "\n")
	}
	return out.String()
}

// TestGuardrails carries out the tests of the ready rules, which are tests as fleets
// have them.
func TestGuardrails(t *testing.T) {
	answer := cases(t, "testdata/guardrails")
	if text := report(answer); text != "" || len(answer.Cases) < 20 {
		t.Errorf("%d cases\n%s", len(answer.Cases), text)
	}
}
