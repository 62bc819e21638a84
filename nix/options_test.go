package nix_test

import (
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write docs/reference/options.md anew")

const optionsPage = "../docs/reference/options.md"

// The reference of the options says what the options say.
func TestOptionsPage(t *testing.T) {
	out, stderr := nixEval(t, "options-doc.nix")
	var page string
	if err := json.Unmarshal(out, &page); err != nil {
		t.Fatalf("cannot make the page: %v\n%s", err, stderr)
	}
	if *update {
		if err := os.WriteFile(optionsPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	found, err := os.ReadFile(optionsPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(found) != page {
		t.Errorf("%s is not what the options say now; `make goldens` writes it anew", optionsPage)
	}
}
