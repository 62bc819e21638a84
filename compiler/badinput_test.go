package compiler_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/compiler"
)

// TestUncommittedFile has a new file in a checkout, which flakes do not see.
func TestUncommittedFile(t *testing.T) {
	needNix(t)
	t.Parallel()
	dir := fleet(t, twoHosts+`modules = [ ./modules/new.nix ];`)
	git(t, dir, "init", "-q")
	git(t, dir, "add", "-A")
	if err := os.Mkdir(filepath.Join(dir, "modules"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "modules", "new.nix"), []byte("{ }"), 0o644); err != nil {
		t.Fatal(err)
	}
	in := input(dir)
	in.NoBuild = true
	found := refused(t, in)
	expect(t, found, "error: the fleet has no file \"modules\" [eval-failed]")
	expect(t, found, "hint: where it is there, git does not know it: git add modules")
	git(t, dir, "add", "modules/new.nix")
	compile(t, in)
}

// TestTooMuchMemory evaluates a list that is larger than what the process may have.
func TestTooMuchMemory(t *testing.T) {
	needNix(t)
	t.Parallel()
	dir := fleet(t, `hosts.good = { base = "ubuntu"; addr = "a"; };
		hosts.greedy = { base = "ubuntu"; addr = "b"; modules = [
			{ nixfleet.files."/etc/x".text = toString (builtins.foldl' (a: b: a + b) 0 (builtins.genList (i: i) 100000000)); } ]; };`)
	d := deps(t)
	d.Environ = append(d.Environ, "GC_MAXIMUM_HEAP_SIZE=200000000", "GC_INITIAL_HEAP_SIZE=50000000")
	_, found, err := compiler.Compile(context.Background(), input("path:"+dir), d)
	if !errors.Is(err, compiler.ErrRefused) || len(found) != 1 {
		t.Fatal(err, found)
	}
	expect(t, found[0].String(), "error: the evaluation took more memory than there is [eval-memory]\n  at host greedy\nhint: ")
}

// TestLargeFleets compiles 100,000 files and a text of 50 MB.
func TestLargeFleets(t *testing.T) {
	needNix(t)
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	t.Parallel()
	for what, module := range map[string]string{
		"100,000 files":   `({ lib, ... }: { nixfleet.files = lib.genAttrs (map (n: "/etc/many/${toString n}") (lib.range 1 100000)) (_: { text = "x"; }); })`,
		"a text of 50 MB": `{ nixfleet.files."/etc/x".text = builtins.concatStringsSep "" (builtins.genList (_: "` + strings.Repeat("x", 1000) + `") 50000); }`,
	} {
		in := input("path:" + fleet(t, `hosts.h = { base = "ubuntu"; addr = "a"; }; modules = [ `+module+` ];`))
		in.NoBuild = true
		plan := compile(t, in)
		if files := len(plan.Manifests[plan.Index.Hosts["h"].Manifest].Files); files != 100_000 && files != 1 {
			t.Errorf("%s: the plan has %d", what, files)
		}
	}
}

// TestManyHosts compiles so many hosts that one process does not evaluate them all.
func TestManyHosts(t *testing.T) {
	needNix(t)
	t.Parallel()
	dir := fleet(t, `hosts = builtins.listToAttrs (builtins.genList (i: { name = "h-${toString i}"; value = { base = "ubuntu"; addr = "h${toString i}"; }; }) 2500);
		modules = [ ({ host, lib, ... }: lib.mkIf (lib.elem host.name [ "h-7" "h-2400" ]) { nixfleet.files."/etc/x".text = throw "no"; }) ];`)
	in := input("path:" + dir)
	in.NoBuild = true
	var parts int
	d := deps(t)
	d.Progress = func(text string) {
		if strings.HasPrefix(text, "evaluating: ") {
			parts++
		}
	}
	_, found, err := compiler.Compile(context.Background(), in, d)
	if !errors.Is(err, compiler.ErrRefused) || len(found) != 1 || parts < 3 {
		t.Fatal(err, found, parts)
	}
	expect(t, found[0].String(), `error: no [eval-failed]
  at flake.nix:3, nixfleet.files."/etc/x", host h-2400 and h-7`)
	in.Hosts = []string{"h-1*"}
	if found := len(compile(t, in).Index.Hosts); found != 1111 {
		t.Errorf("%d hosts are selected", found)
	}
}

// TestCancelManyParts cancels while several processes evaluate.
func TestCancelManyParts(t *testing.T) {
	needNix(t)
	t.Parallel()
	dir := fleet(t, `hosts = builtins.listToAttrs (builtins.genList (i: { name = "h-${toString i}"; value = { base = "ubuntu"; addr = "h${toString i}"; }; }) 5000);
		modules = [ { nixfleet.files."/etc/x".text = "x"; } ];`)
	d := deps(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	d.CacheDir = t.TempDir()
	d.Progress = func(text string) {
		if strings.HasPrefix(text, "evaluating: ") {
			cancel()
		}
	}
	start := time.Now()
	plan, found, err := compiler.Compile(ctx, input("path:"+dir), d)
	if !errors.Is(err, context.Canceled) || plan != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	if out, err := exec.Command("pgrep", "-f", d.TempDir).Output(); err == nil {
		t.Errorf("processes live on: %s", out)
	}
	for _, place := range []string{d.TempDir, d.CacheDir} {
		if entries, _ := os.ReadDir(place); len(entries) != 0 {
			t.Errorf("%v was left in %s", entries, place)
		}
	}
}

// TestInventoryBomb expands to billions of values.
func TestInventoryBomb(t *testing.T) {
	needNix(t)
	t.Parallel()
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 10; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	dir := write(t, map[string]string{"flake.nix": mkFleet(""), "inventory/prod.yaml": bomb})
	start := time.Now()
	expect(t, refused(t, input("path:"+dir)), "[inventory-")
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}
