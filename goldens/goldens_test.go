// Package goldens_test compiles the fleets in this directory and compares what
// comes out, byte by byte, with the files beside them: plan.json, or
// diagnostics.txt for a fleet that is refused.
package goldens_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hexops/gotextdiff"
	"github.com/hexops/gotextdiff/myers"
	"github.com/hexops/gotextdiff/span"

	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/validate"
)

var update = flag.Bool("update", false, "write the golden files anew")

// renderers write further views of a plan beside it, each into its file.
var renderers = map[string]func(*schema.Plan) (string, error){}

// helpers stand for the host helpers, whose hashes change with every build.
var helpers = map[schema.System]schema.Digest{
	schema.X8664Linux:   schema.DigestOf([]byte("nixfleet-host x86_64-linux")),
	schema.AArch64Linux: schema.DigestOf([]byte("nixfleet-host aarch64-linux")),
}

func TestGoldens(t *testing.T) {
	needNix(t)
	fleets, err := filepath.Glob("*/fleet")
	if err != nil || len(fleets) == 0 {
		t.Fatalf("found no golden fleets: %v", err)
	}
	for _, fleet := range fleets {
		t.Run(filepath.Dir(fleet), func(t *testing.T) {
			t.Parallel()
			check(t, filepath.Dir(fleet))
		})
	}
}

func needNix(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("nix"); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("nix is not installed, and CI must not skip the goldens")
	}
	t.Skip("nix is not installed")
}

func check(t *testing.T, dir string) {
	plan, found, err := compiler.Compile(context.Background(), compiler.Input{
		Fleet:   "path:" + filepath.Join(dir, "fleet"), // whatever git says of our own checkout
		Library: os.DirFS("../nix/lib"),
		Helpers: helpers,
	}, compiler.Deps{Environ: environ(), TempDir: t.TempDir()})
	if err != nil && !errors.Is(err, compiler.ErrRefused) {
		t.Fatal(err)
	}
	var report strings.Builder
	for _, d := range found {
		report.WriteString(d.String() + "\n")
	}
	compare(t, filepath.Join(dir, "diagnostics.txt"), report.String())
	views := []string{"plan.json"}
	for file := range renderers {
		views = append(views, file)
	}
	if plan == nil {
		for _, file := range views {
			compare(t, filepath.Join(dir, file), "")
		}
		return
	}
	plan = asBefore(t, filepath.Join(dir, "plan.json"), plan)
	data, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	compare(t, filepath.Join(dir, "plan.json"), string(data))
	for file, render := range renderers {
		view, err := render(plan)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, filepath.Join(dir, file), view)
	}
}

// asBefore gives the plan the library hash of its golden file: the library's own
// tests watch its text, and goldens change only where a plan does.
func asBefore(t *testing.T, file string, plan *schema.Plan) *schema.Plan {
	data, err := os.ReadFile(file)
	if err != nil {
		return plan
	}
	before, err := validate.Plan(data)
	if err != nil {
		if !*update {
			t.Errorf("%s: %v", file, err)
		}
		return plan
	}
	same := *plan
	same.Index.Source.Library = before.Index.Source.Library
	if err := same.Seal(); err != nil {
		t.Fatal(err)
	}
	return &same
}

// compare compares a golden file with what there should be; nothing means no file.
func compare(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		var err error
		if want == "" {
			if err = os.Remove(file); errors.Is(err, os.ErrNotExist) {
				err = nil
			}
		} else {
			err = os.WriteFile(file, []byte(want), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	found, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if string(found) != want {
		edits := myers.ComputeEdits(span.URIFromPath(file), string(found), want)
		t.Errorf("%s is not what the compiler gives now; `make goldens` writes it anew\n%s",
			file, gotextdiff.ToUnified("golden", "now", string(found), edits))
	}
}

// environ is our environment on a machine without build users and without a network.
func environ() []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "NIX_CONFIG=") {
			env = append(env, entry)
		}
	}
	return append(env, "NIX_CONFIG=build-users-group =\nsubstituters =\nsandbox = false\n"+os.Getenv("NIX_CONFIG"))
}
