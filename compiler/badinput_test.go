package compiler_test

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	expect(t, found, "error: git does not know \"modules/new.nix\", so it is no part of the fleet [source-not-in-git]\n  at flake.nix:6:13, host db-1 and web-1\nhint: git add modules/new.nix (no commit needed)")
	if strings.Count(found, "new.nix\",") != 1 {
		t.Errorf("it is told twice:\n%s", found)
	}
	git(t, dir, "add", "modules/new.nix")
	compile(t, in)

	// What nothing names is not missed by Nix; it is told of all the same.
	if err := os.Mkdir(filepath.Join(dir, "inventory"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "inventory", "prod.yaml"), []byte("hosts: {web-9: {}}"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, warned, err := compiler.Compile(context.Background(), in, deps(t))
	if err != nil || len(warned) != 1 {
		t.Fatal(err, warned)
	}
	expect(t, warned[0].String(), "warning: git does not know \"inventory/prod.yaml\", so it is no part of the fleet [source-not-in-git]\n  at inventory/prod.yaml\nhint: git add inventory/prod.yaml (no commit needed), or name it in .gitignore")
	git(t, dir, "add", ".")
	expect(t, refused(t, in), "host \"web-9\" has no address")
}

// TestMissingFiles are named whole, by whoever names them.
func TestMissingFiles(t *testing.T) {
	needNix(t)
	t.Parallel()
	for module, want := range map[string]string{
		"./modules/nope.nix":                                               "error: the fleet has no file \"modules/nope.nix\" [eval-failed]\n  at flake.nix:4:13, host db-1 and web-1",
		"{ imports = [ ./modules/sub/nope.nix ]; }":                        "error: the fleet has no file \"modules/sub/nope.nix\" [eval-failed]\n  at flake.nix:4:27, host db-1 and web-1",
		"{ nixfleet.files.\"/x\".source = ./x; }":                          "error: the fleet has no file \"x\" [eval-failed]\n  at flake.nix:4:44, nixfleet.files.\"/x\", host db-1 and web-1",
		"{ imports = [ ../nope.nix ]; }":                                   "error: \"../nope.nix\" lies outside of the fleet [eval-failed]\n  at flake.nix:4:27, host db-1 and web-1\nhint: a fleet reads its own source only",
		"{ imports = [ /etc/nope.nix ]; }":                                 "error: \"/etc/nope.nix\" lies outside of the fleet [eval-failed]\n  at flake.nix:4:27",
		"{ imports = [ \"modules/x.nix\" ]; }":                             "hint: a path of the fleet is written without quotes, as ./modules/web.nix",
		"({ config, ... }: { imports = [ config.x ]; })":                   "error: infinite recursion encountered [eval-failed]\n  at host db-1 and web-1\nhint: imports cannot depend on config: import always, and put what the module says under lib.mkIf",
		"({ config, ... }: { nixfleet.sysctl = config.nixfleet.sysctl; })": "error: infinite recursion encountered [eval-failed]\n  at flake.nix:4, ",
		"({ lib }: { })":                                                   "  at flake.nix:4:14, host db-1 and web-1\nhint: modules are given more than they name: end the list of arguments with `...', as { lib, ... }:",
		"(import <nixpkgs>)":                                               "hint: there is no NIX_PATH; name nixpkgs as an input of the flake, and give it to mkFleet: nixpkgs = inputs.nixpkgs",
		"nope":                                                             "error: undefined variable 'nope' [eval-failed]\n  at flake.nix:4:13",
		"(let f = x: f (x + 1); in { nixfleet = f 0; })":                   "error: stack overflow (possible infinite recursion) [eval-failed]\n  at host db-1 and web-1\nhint: a function calls itself without end; --trace shows which",
	} {
		dir := write(t, map[string]string{"flake.nix": mkFleet("hosts.web-1 = { base = \"ubuntu\"; addr = \"a\"; };\nhosts.db-1 = { base = \"ubuntu\"; addr = \"b\"; };\nmodules = [ " + module + " ];")})
		expect(t, refused(t, input("path:"+dir)), want)
	}
}

// TestFaultsOfTheInventory are told all at once, and those of a group once.
func TestFaultsOfTheInventory(t *testing.T) {
	needNix(t)
	t.Parallel()
	dir := write(t, map[string]string{
		"flake.nix":        mkFleet("hostModules = ./hosts; roles.web = { };\nhosts.nix-1 = {\n  port = 0;\n};\nmodules = [ { nixfleet.files.relative.text = \"x\"; } ];"),
		"hosts/common.nix": "{ }",
		"inventory/prod.yaml": "defaults: {base: ubuntu}\ngroups:\n  web: {roles: [wbe]}\nhosts:\n  a: {addr: a, groups: [web]}\n  b: {addr: b, groups: [web]}\n" +
			"  c: {groups: [wbe]}\n  d: {addr: 300.1.2.3}\n",
	})
	found := refused(t, input("path:"+dir))
	for _, want := range []string{
		"error: there is no role \"wbe\" [unknown-role]\n  at inventory/prod.yaml:3:9, groups.web.roles, host a and b\nhint: did you mean \"web\"? the roles are: web\n",
		"error: host \"c\" has no address [host-no-address]\n  at inventory/prod.yaml:7:3, hosts.c.addr, host c\nhint: write `addr: 10.0.1.11' there, in its groups or in defaults\n",
		"error: there is no group \"wbe\" [unknown-group]\n  at inventory/prod.yaml:7:7, hosts.c.groups, host c\nhint: did you mean \"web\"? the groups are: web\n",
		"error: port is 0: expected integer between 1 and 65535 (both inclusive) [inventory-value]\n  at flake.nix:4, hosts.nix-1.port, host nix-1",
		"error: the path is relative; write it from the root, as \"/relative\" [path-invalid]\n  at flake.nix:6, nixfleet.files.relative, host d",
		"error: there is no host \"common\" [unknown-host]\n  at hosts/common.nix, hostModules.common\n",
		"error: \"300.1.2.3\" is not an address [host-address]\n  at inventory/prod.yaml:8:7, hosts.d.addr, host d\nhint: an IPv4 address is four numbers from 0 to 255",
	} {
		expect(t, found, want)
	}
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
	noneWorksIn(t, d.TempDir)
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
