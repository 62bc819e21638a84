package nix_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/schema"
)

// withNixpkgs is the flake of a fleet, which is beside it as fleet.nix, that gets
// nixpkgs as a flake input and gives it to mkFleet.
const withNixpkgs = `{
  inputs.nixpkgs.url = "path:%NIXPKGS%";
  outputs =
    { nixpkgs, ... }:
    {
      nixfleet =
        given:
        ((import ./fleet.nix).outputs { }).nixfleet (
          given
          // {
            nixfleet = given.nixfleet // {
              mkFleet = args: given.nixfleet.mkFleet (args // { inherit nixpkgs; });
            };
          }
        );
    };
}
`

// Fleets have the same plan, but for its source, with nixpkgs given to mkFleet.
//
// The directory lib is a flake itself. It has no packages, so that packages are
// NixFleet's own with it too. Where it is part of a whole nixpkgs, fleets that use
// no packages are compiled with that as well.
func TestFleetsUnderNixpkgs(t *testing.T) {
	lib := os.Getenv(nixpkgsLib)
	if lib == "" {
		t.Skipf("%s does not name the directory lib of a nixpkgs", nixpkgsLib)
	}
	needNix(t)
	if _, err := os.Stat(filepath.Join(lib, "flake.nix")); err != nil {
		t.Skipf("the lib of this nixpkgs is no flake: %v", err)
	}
	plans, err := filepath.Glob("../goldens/*/plan.json")
	if err != nil || len(plans) == 0 {
		t.Fatalf("found no goldens: %v", err)
	}
	fleets := []string{"../examples/fleet"}
	for _, plan := range plans {
		fleets = append(fleets, filepath.Join(filepath.Dir(plan), "fleet"))
	}
	for _, fleet := range fleets {
		nixpkgs := []string{lib}
		if whole := filepath.Dir(lib); isWhole(whole) && !usesPackages(t, fleet) {
			nixpkgs = append(nixpkgs, whole)
		}
		t.Run(strings.ReplaceAll(strings.TrimPrefix(fleet, "../"), "/", "-"), func(t *testing.T) {
			t.Parallel()
			ours := planBytes(t, fleet)
			for _, given := range nixpkgs {
				if theirs := planBytes(t, fleetWithNixpkgs(t, fleet, given)); !bytes.Equal(ours, theirs) {
					t.Errorf("the plan with %s is another one:\n%s\nand without:\n%s", given, theirs, ours)
				}
			}
		})
	}
}

func isWhole(nixpkgs string) bool {
	for _, file := range []string{"flake.nix", "pkgs/top-level"} {
		if _, err := os.Stat(filepath.Join(nixpkgs, file)); err != nil {
			return false
		}
	}
	return true
}

func usesPackages(t *testing.T, fleet string) bool {
	t.Helper()
	uses := false
	err := filepath.WalkDir(fleet, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".nix" {
			return err
		}
		text, err := os.ReadFile(path)
		uses = uses || bytes.Contains(text, []byte("pkgs"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return uses
}

func fleetWithNixpkgs(t *testing.T, fleet, nixpkgs string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(fleet)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "flake.nix"), filepath.Join(dir, "fleet.nix")); err != nil {
		t.Fatal(err)
	}
	flake := bytes.ReplaceAll([]byte(withNixpkgs), []byte("%NIXPKGS%"), []byte(nixpkgs))
	if err := os.WriteFile(filepath.Join(dir, "flake.nix"), flake, 0o644); err != nil {
		t.Fatal(err)
	}
	lock := exec.Command("nix", "--extra-experimental-features", "nix-command flakes", "flake", "lock", "path:"+dir)
	lock.Env = environ()
	if out, err := lock.CombinedOutput(); err != nil {
		t.Fatalf("cannot lock the flake: %v\n%s", err, out)
	}
	return dir
}

// planBytes compiles a fleet to a preview and gives it without what tells of its source.
func planBytes(t *testing.T, fleet string) []byte {
	t.Helper()
	plan, found, err := compiler.Compile(context.Background(), compiler.Input{
		Fleet:   "path:" + fleet,
		Library: os.DirFS("lib"),
		Helpers: map[schema.System]schema.Digest{
			schema.X8664Linux:   schema.DigestOf([]byte("x86_64-linux")),
			schema.AArch64Linux: schema.DigestOf([]byte("aarch64-linux")),
		},
		NoBuild: true,
	}, compiler.Deps{Environ: environ(), TempDir: t.TempDir()})
	if err != nil {
		t.Fatalf("cannot compile %s: %v\n%v", fleet, err, found)
	}
	plan.Index.Source = schema.Source{}
	if err := plan.Seal(); err != nil {
		t.Fatal(err)
	}
	data, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}
