package show

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema/validate"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestShowGoldens shows every golden plan; the text stands beside the plan.
func TestShowGoldens(t *testing.T) {
	plans, err := filepath.Glob("../../../goldens/*/plan.json")
	if err != nil || len(plans) == 0 {
		t.Fatalf("found no golden plans: %v", err)
	}
	for _, file := range plans {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := validate.Plan(data)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		summary, err := Summarize(plan)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if err := document.WriteText(&text, summary.Document(true), ui.Style{}); err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join(filepath.Dir(file), "show.txt")
		if *update {
			if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if found, err := os.ReadFile(golden); err != nil || string(found) != text.String() {
			t.Errorf("%s is not what show says now (%v); run `make goldens` and read the difference", golden, err)
		}
	}
}
