package diff

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/validate"
	"github.com/nixfleet/nixfleet/schema/validate/validatetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

const goldens = "../../../goldens/diffs"

// TestGoldens compiles the fleet of goldens/diffs/before, and the same with each
// change.patch, and compares what diff tells of the two plans with the files beside it.
func TestGoldens(t *testing.T) {
	for _, program := range []string{"nix", "git"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	patches, err := filepath.Glob(goldens + "/*/change.patch")
	if err != nil || len(patches) < 12 {
		t.Fatalf("found %d changes: %v", len(patches), err)
	}
	before := compile(t, filepath.Join(goldens, "before"))
	for _, file := range patches {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			after := compile(t, changed(t, file))
			difference := Compare(before, after)
			compareWithGolden(t, filepath.Join(dir, "diff.txt"), func(out *bytes.Buffer) error {
				return document.WriteText(out, Document(difference), ui.Style{})
			})
			compareWithGolden(t, filepath.Join(dir, "diff.md"), func(out *bytes.Buffer) error {
				return document.WriteMarkdown(out, Document(difference), document.CommentLimit, document.Line("All of it: nixfleet diff."))
			})
			compareWithGolden(t, filepath.Join(dir, "diff.json"), func(out *bytes.Buffer) error {
				return ui.WriteJSON(out, difference)
			})
			validatetest.MustBeAsPublished(t, validate.DifferenceSchema, difference)
		})
	}
}

// changed returns a copy of the fleet with a change.
func changed(t *testing.T, patch string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(goldens, "before"))); err != nil {
		t.Fatal(err)
	}
	patch, err := filepath.Abs(patch)
	if err != nil {
		t.Fatal(err)
	}
	apply := exec.Command("git", "apply", patch)
	apply.Dir = dir
	apply.Env = append(os.Environ(), "GIT_DIR=/nowhere", "GIT_CEILING_DIRECTORIES="+dir)
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v\n%s", err, out)
	}
	return dir
}

// compile compiles a fleet. What changes with every build is stood in for.
func compile(t *testing.T, fleet string) *schema.Plan {
	t.Helper()
	plan, found, err := compiler.Compile(context.Background(), compiler.Input{
		Fleet: "path:" + fleet, Library: os.DirFS("../../../nix/lib"),
		Helpers: map[schema.System]schema.Digest{schema.X8664Linux: schema.DigestOf([]byte("nixfleet-host"))},
	}, compiler.Deps{
		Environ: append(os.Environ(), "NIX_CONFIG=build-users-group =\nsubstituters =\nsandbox = false\n"+os.Getenv("NIX_CONFIG")), TempDir: t.TempDir(),
	})
	if err != nil {
		t.Fatalf("%v: %v", err, found)
	}
	plan.Index.Source.Library = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	if err := plan.Seal(); err != nil {
		t.Fatal(err)
	}
	return plan
}

func compareWithGolden(t *testing.T, file string, write func(*bytes.Buffer) error) {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if found, err := os.ReadFile(file); err != nil || !bytes.Equal(found, out.Bytes()) {
		t.Errorf("%s is not what diff says now (%v); run `make goldens` and read the difference:\n%s", file, err, firstDifference(string(found), out.String()))
	}
}

func firstDifference(old, now string) string {
	lines := strings.Split(now, "\n")
	for i, line := range strings.Split(old, "\n") {
		if i >= len(lines) || lines[i] != line {
			return "- " + line + "\n+ " + strings.Join(lines[min(i, len(lines)-1):min(i+1, len(lines))], "")
		}
	}
	return ""
}
