package compiler_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/schema"
)

// compileWith compiles with deps and says whether Nix evaluated for it.
func compileWith(t *testing.T, in compiler.Input, d compiler.Deps) (plan *schema.Plan, found []compiler.Diagnostic, evaluated bool) {
	t.Helper()
	d.Progress = func(text string) { evaluated = evaluated || text == "evaluating" }
	plan, found, err := compiler.Compile(context.Background(), in, d)
	if err != nil {
		t.Fatal(err, found)
	}
	return plan, found, evaluated
}

// TestCacheChangesNothingButTime spoils the cache in all ways.
func TestCacheChangesNothingButTime(t *testing.T) {
	needNix(t)
	t.Parallel()
	dir := fleet(t, twoHosts+`modules = [ ({ inputs, ... }: { warnings = [ "old" ]; nixfleet.files."/etc/x".text = builtins.readFile inputs.app; }) ];`)
	app := filepath.Join(t.TempDir(), "app")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(app, "1\n")
	in := input("path:" + dir)
	in.Inputs = map[string]string{"app": app}
	d := deps(t)
	d.CacheDir = filepath.Join(t.TempDir(), "cache")
	entry := func() string {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(d.CacheDir, "*"))
		if err != nil || len(names) != 1 {
			t.Fatalf("the cache holds %v, %v", names, err)
		}
		return names[0]
	}
	plan, found, evaluated := compileWith(t, in, d)
	if !evaluated || len(found) != 1 {
		t.Fatal("nothing was evaluated", found)
	}
	want := encode(t, plan)
	same := func(what string, evaluates bool) {
		t.Helper()
		plan, found, evaluated := compileWith(t, in, d)
		if encode(t, plan) != want || len(found) != 1 {
			t.Errorf("%s: the plan or its warnings differ", what)
		}
		if evaluated != evaluates {
			t.Errorf("%s: evaluated is %v", what, evaluated)
		}
	}
	same("unchanged", false)
	moved := filepath.Join(t.TempDir(), "elsewhere")
	write(moved, "1\n")
	in.Inputs["app"] = moved
	same("the input lies elsewhere", false)
	whole, err := os.ReadFile(entry())
	if err != nil {
		t.Fatal(err)
	}
	write(entry(), string(whole[:len(whole)/2]))
	same("cut off", true)
	write(entry(), string(bytes.Replace(whole, []byte("10.0.1.11"), []byte("10.0.1.99"), 1)))
	same("altered", true)
	if err := os.RemoveAll(d.CacheDir); err != nil {
		t.Fatal(err)
	}
	same("deleted", true)
	for _, plan := range []func(){
		func() { in.Hosts = []string{"web-1"} },
		func() { write(moved, "2\n") },
		func() { write(filepath.Join(dir, "new"), "") },
	} {
		plan()
		if _, _, evaluated := compileWith(t, in, d); !evaluated {
			t.Error("a change was not seen")
		}
	}
	write(d.CacheDir+"-file", "")
	d.CacheDir += "-file"
	compileWith(t, in, d)
}

// TestCacheAfterGarbageCollection takes the derivations away that the cache refers to.
func TestCacheAfterGarbageCollection(t *testing.T) {
	needNix(t)
	t.Parallel()
	in := input("path:" + fleet(t, `hosts.h = { base = "ubuntu"; addr = "h"; modules = [
		({ pkgs, ... }: { nixfleet.packages = [ (pkgs.writeScriptBin "x" "`+t.TempDir()+`") ]; }) ]; };`))
	in.NoBuild = true
	d := deps(t)
	d.CacheDir = t.TempDir()
	plan, _, _ := compileWith(t, in, d)
	want := encode(t, plan)
	for _, manifest := range plan.Manifests {
		out, err := exec.Command("nix-store", "--delete", "--ignore-liveness", string(manifest.Closure.Derivation)).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	plan, _, evaluated := compileWith(t, in, d)
	if !evaluated || encode(t, plan) != want {
		t.Errorf("evaluated is %v", evaluated)
	}
}

func TestFailuresAreNotCached(t *testing.T) {
	needNix(t)
	t.Parallel()
	in := input("path:" + fleet(t, twoHosts+`modules = [ { nixfleet.files."/etc/x".text = 7; } ];`))
	d := deps(t)
	d.CacheDir = t.TempDir()
	if _, _, err := compiler.Compile(context.Background(), in, d); !errors.Is(err, compiler.ErrRefused) {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(d.CacheDir); len(entries) != 0 {
		t.Errorf("the cache holds %v", entries)
	}
}

func TestRoots(t *testing.T) {
	needNix(t)
	t.Parallel()
	in := input("path:" + fleet(t, twoHosts+`modules = [ ({ host, pkgs, ... }: { nixfleet.packages = [ (pkgs.writeScriptBin "x" host.name) ]; }) ];`))
	d := deps(t)
	d.RootDir = filepath.Join(t.TempDir(), "new", "roots of the plan")
	links := func() map[string]bool {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(d.RootDir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		targets := map[string]bool{}
		for _, name := range names {
			target, err := os.Readlink(name)
			if err != nil {
				t.Fatal(err)
			}
			targets[target] = true
		}
		return targets
	}
	plan := compileKeeping(t, in, d)
	if targets := links(); len(targets) != 2 {
		t.Errorf("the roots are %v", targets)
	}
	for _, manifest := range plan.Manifests {
		if !links()[string(manifest.Closure.Path)] {
			t.Errorf("%s is not kept", manifest.Closure.Path)
		}
	}
	mine := filepath.Join(d.RootDir, "closure-of-mine")
	if err := os.Symlink("/nix/store/x", mine); err != nil {
		t.Fatal(err)
	}
	in.Hosts = []string{"db-1"}
	compileKeeping(t, in, d)
	if targets := links(); len(targets) != 2 || !targets["/nix/store/x"] {
		t.Errorf("roots of an earlier plan stay, or what is no root goes: %v", targets)
	}
	noneDangles(t, d.TempDir)
	noneDangles(t, d.RootDir)
}

// noneDangles sees to it that Nix remembers no root in a directory that is gone, where
// we may have it forget.
func noneDangles(t *testing.T, dir string) {
	t.Helper()
	const auto = "/nix/var/nix/gcroots/auto"
	if syscall.Access(auto, 2) != nil {
		return // they are the daemon's, which forgets at the next garbage collection
	}
	links, err := filepath.Glob(auto + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		root, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(root, dir+"/") {
			continue
		}
		if _, err := os.Lstat(root); err != nil {
			t.Errorf("%s leads to %s, which is gone", link, root)
		}
	}
}

func compileKeeping(t *testing.T, in compiler.Input, d compiler.Deps) *schema.Plan {
	t.Helper()
	plan, found, err := compiler.Compile(context.Background(), in, d)
	if err != nil {
		t.Fatal(err, found)
	}
	return plan
}

func TestCopyToABinaryCache(t *testing.T) {
	needNix(t)
	t.Parallel()
	in := input("path:" + fleet(t, twoHosts+`modules = [ ({ pkgs, ... }: { nixfleet.packages = [ (pkgs.writeScriptBin "x" "copied") ]; }) ];`))
	in.NoBuild = true
	preview := compile(t, in)
	d := deps(t)
	d.CopyTo = filepath.Join(t.TempDir(), "a cache")
	plan, found, err := compiler.Build(context.Background(), preview, d)
	if err != nil {
		t.Fatal(err, found)
	}
	complete := func() {
		t.Helper()
		for path := range plan.StorePaths {
			name := strings.TrimPrefix(string(path), "/nix/store/")[:32] + ".narinfo"
			if _, err := os.Stat(filepath.Join(d.CopyTo, name)); err != nil {
				t.Errorf("the cache lacks %s: %v", path, err)
			}
		}
	}
	if len(plan.StorePaths) < 3 {
		t.Errorf("the plan has %d paths", len(plan.StorePaths))
	}
	complete()
	d.CopyTo = filepath.Join(t.TempDir(), "another") // of a plan that is complete already
	if again, found, err := compiler.Build(context.Background(), plan, d); err != nil || encode(t, again) != encode(t, plan) {
		t.Fatal(err, found)
	}
	complete()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	d.CopyTo = filepath.Join(file, "cache")
	_, found, err = compiler.Build(context.Background(), plan, d)
	if !errors.Is(err, compiler.ErrRefused) || !strings.Contains(found[0].String(), "cannot copy the closures to") {
		t.Errorf("found %v, %v", found, err)
	}
}
