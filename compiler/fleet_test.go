package compiler_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/schema"
)

// mkFleet is a flake around the arguments of mkFleet.
func mkFleet(arguments string) string {
	return "{ outputs = _: { nixfleet = { nixfleet, inputs, ... }: nixfleet.mkFleet {\n" + arguments + "\n}; }; }\n"
}

const twoHosts = `hosts.web-1 = { base = "ubuntu"; addr = "10.0.1.11"; groups = [ "web" ]; };
hosts.db-1 = { base = "ubuntu"; addr = "10.0.1.21"; };
groups.web = { };
groups.none = { };
`

// write writes files, by name, into a new directory.
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

func fleet(t *testing.T, arguments string) string {
	t.Helper()
	return write(t, map[string]string{"flake.nix": mkFleet(arguments)})
}

// refused compiles what must be refused and returns what it says.
func refused(t *testing.T, in compiler.Input) string {
	t.Helper()
	plan, found, err := compiler.Compile(context.Background(), in, deps(t))
	if !errors.Is(err, compiler.ErrRefused) || plan != nil {
		t.Errorf("found %v, want ErrRefused and no plan", err)
	}
	var all []string
	for _, d := range found {
		all = append(all, d.String())
	}
	return strings.Join(all, "\n")
}

func expect(t *testing.T, found, want string) {
	t.Helper()
	if !strings.Contains(found, want) {
		t.Errorf("found\n%s\nwant\n%s", found, want)
	}
}

func hosts(plan *schema.Plan) []string {
	var names []string
	for name := range plan.Index.Hosts {
		names = append(names, string(name))
	}
	slices.Sort(names)
	return names
}

func TestBuildCompletesAPreview(t *testing.T) {
	needNix(t)
	t.Parallel()
	in := input("path:../examples/fleet")
	direct := compile(t, in)
	in.NoBuild = true
	preview := compile(t, in)
	if !preview.Index.Preview || len(preview.StorePaths) != 0 {
		t.Error("a plan that is not built is no preview")
	}
	before := encode(t, preview)
	decoded := new(schema.Plan)
	if err := schema.DecodeStrict([]byte(before), decoded); err != nil {
		t.Fatal(err)
	}
	built, found, err := compiler.Build(context.Background(), decoded, deps(t))
	if err != nil {
		t.Fatal(err, found)
	}
	if encode(t, built) != encode(t, direct) {
		t.Error("a preview that was built later differs from a plan that was compiled at once")
	}
	if encode(t, preview) != before {
		t.Error("building changed the preview")
	}
	again, _, err := compiler.Build(context.Background(), built, deps(t))
	if err != nil || encode(t, again) != encode(t, built) {
		t.Errorf("building a whole plan changes it: %v", err)
	}
}

func TestBuildOfAnotherMachinesPreview(t *testing.T) {
	needNix(t)
	t.Parallel()
	in := input("path:" + fleet(t, twoHosts))
	in.NoBuild = true
	preview := compile(t, in)
	for digest, manifest := range preview.Manifests {
		closure := *manifest.Closure
		closure.Derivation = "/nix/store/00000000000000000000000000000000-nixfleet-system.drv"
		manifest.Closure = &closure
		preview.Manifests[digest] = manifest
	}
	_, found, err := compiler.Build(context.Background(), preview, deps(t))
	if !errors.Is(err, compiler.ErrRefused) || len(found) != 1 {
		t.Fatal(err, found)
	}
	expect(t, found[0].String(), "error: a derivation is not in this machine's Nix store [build-missing]")
}

func TestSelection(t *testing.T) {
	needNix(t)
	t.Parallel()
	in := input("path:" + fleet(t, twoHosts))
	in.NoBuild = true
	for _, c := range []struct {
		hosts, groups []string
		want          string
	}{
		{nil, nil, "db-1 web-1"},
		{[]string{"web-*"}, nil, "web-1"},
		{[]string{"?b-[0-9]"}, nil, "db-1"},
		{nil, []string{"web"}, "web-1"},
		{[]string{"db-1"}, []string{"web"}, "db-1 web-1"},
		{nil, []string{"all"}, "db-1 web-1"},
	} {
		in.Hosts, in.Groups = c.hosts, c.groups
		if found := strings.Join(hosts(compile(t, in)), " "); found != c.want {
			t.Errorf("hosts %q and groups %q select %q, want %q", c.hosts, c.groups, found, c.want)
		}
	}
	for _, c := range []struct {
		hosts, groups []string
		want          string
	}{
		{[]string{"wbe-1"}, nil, "error: no host matches \"wbe-1\" [no-host-matches]\nhint: did you mean \"web-1\"?"},
		{[]string{"web-1", "x*"}, nil, "error: no host matches \"x*\" [no-host-matches]\nhint: the hosts are: db-1, web-1"},
		{[]string{"web.1"}, nil, "no host matches \"web.1\""},
		{[]string{"[z-a]"}, nil, "error: \"[z-a]\" is not a pattern of host names"},
		{nil, []string{"wbe"}, "error: there is no group \"wbe\" [unknown-group]\nhint: did you mean \"web\"?"},
		{nil, []string{"none"}, "the group \"none\" has no hosts"},
	} {
		in.Hosts, in.Groups = c.hosts, c.groups
		expect(t, refused(t, in), c.want)
	}
}

func TestRefusedFleets(t *testing.T) {
	needNix(t)
	t.Parallel()
	for _, c := range []struct{ flake, want string }{
		{mkFleet(""), "error: the fleet has no hosts [no-hosts]"},
		{"{ outputs = _: { }; }", "error: the flake has no output \"nixfleet\" [source-no-output]"},
		{"{ outputs = _: { nixfleet = 1; }; }", "the flake output `nixfleet' must be what nixfleet.mkFleet gives"},
		{"{ outputs = _: { nixfleet = }; }", "error: syntax error, unexpected '}' [eval-failed]\n  at flake.nix:1"},
		{"{ inputs.x.url = \"path:/nowhere\"; outputs = _: { }; }", "[source-"},
		{mkFleet("hostz = { };"), "hostz"},
		{mkFleet(twoHosts + "modules = [ /etc/hosts ];"), "hint: a fleet reads its own source only; bring a file from outside in with --input NAME=PATH"},
		{mkFleet(twoHosts + "modules = [ ./gone.nix ];"), "error: the fleet has no file \"gone.nix\" [eval-failed]"},
		{mkFleet(twoHosts + `modules = [ ({ config, ... }: { nixfleet.files."/etc/x".text = config.nixfleet.files."/etc/x".text; }) ];`), "infinite recursion encountered"},
		{mkFleet(twoHosts + `timeZone = "Europe/Berln";`), "\"Europe/Berln\" is not a time zone [time-zone]"},
		{mkFleet(twoHosts + `modules = [ { nixfleet.files."/etc/x".source = "/nix/store/00000000000000000000000000000000-x"; } ];`), "/nix/store/00000000000000000000000000000000-x"},
	} {
		found := refused(t, input("path:"+write(t, map[string]string{"flake.nix": c.flake})))
		expect(t, found, c.want)
		if strings.Contains(found, "/nix/store/") && !strings.Contains(c.want, "/nix/store/") {
			t.Errorf("a store path shows up in\n%s", found)
		}
	}
}

func TestTrace(t *testing.T) {
	needNix(t)
	t.Parallel()
	in := input("path:" + fleet(t, twoHosts+`modules = [ { nixfleet.files."/etc/x".text = throw "no"; } ];`))
	if found := refused(t, in); strings.Contains(found, "…") {
		t.Errorf("there is a trace that nobody asked for:\n%s", found)
	}
	with := deps(t)
	with.Trace = true
	_, found, err := compiler.Compile(context.Background(), in, with)
	if !errors.Is(err, compiler.ErrRefused) || len(found) != 2 {
		t.Fatal(err, found)
	}
	expect(t, found[0].Detail, "… while ")
}

func TestBuildFailureNamesItsHosts(t *testing.T) {
	needNix(t)
	t.Parallel()
	in := input("path:" + fleet(t, twoHosts+`modules = [ ({ host, lib, ... }: lib.mkIf (host.name == "web-1") { nixfleet.packages = [
		(derivation { name = "broken"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo one; echo the reason >&2; exit 3" ]; })
	]; }) ];`))
	found := refused(t, in)
	expect(t, found, "error: cannot build broken: its builder failed with exit code 3 [build-failed]\n  at host web-1\n  one\n  the reason\nhint: the whole log: nix-store --read-log /nix/store/")
	in.NoBuild = true
	compile(t, in)
}

func TestInputs(t *testing.T) {
	needNix(t)
	t.Parallel()
	app := filepath.Join(t.TempDir(), "myapp")
	if err := os.WriteFile(app, []byte("#!/bin/sh\necho hello\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	in := input("path:" + fleet(t, twoHosts+`modules = [ ({ pkgs, ... }: { nixfleet.packages = [ (pkgs.fromFile { name = "myapp"; path = inputs.myapp; }) ]; }) ];`))
	in.Inputs = map[string]string{"myapp": app}
	plan := compile(t, in)
	if len(plan.Index.Source.Inputs) != 1 || plan.Index.Source.Inputs["myapp"] == "" {
		t.Errorf("the plan's inputs are %v", plan.Index.Source.Inputs)
	}
	if strings.Contains(encode(t, plan), app) {
		t.Error("a path of this machine is in the plan")
	}
	in.Inputs = map[string]string{"myapp": app + ".gone"}
	expect(t, refused(t, in), "error: cannot read the input \"myapp\"")
	in.Inputs = nil
	expect(t, refused(t, in), "myapp")
}

// TestInputsWithOddNames takes inputs whose names, or whose files' names, look like
// something else.
func TestInputsWithOddNames(t *testing.T) {
	needNix(t)
	t.Parallel()
	in := input("path:" + fleet(t, twoHosts+`modules = [ { nixfleet.files."/etc/x".text = builtins.readFile "${inputs.odd}/..hidden"; } ];`))
	in.NoBuild = true
	for _, name := range []string{"..site", "a b", `$(x) "y" ${z}`, "-n"} {
		dir := write(t, map[string]string{name + "/..hidden": "found\n", name + "/...": "", name + "/..d/f": "", name + "/line\nbreak": ""})
		in.Inputs = map[string]string{"odd": filepath.Join(dir, name)}
		if text := encode(t, compile(t, in)); !strings.Contains(text, "found") {
			t.Errorf("%q: the file's text is not in the plan", name)
		}
	}
}

func TestInventoryAsInput(t *testing.T) {
	needNix(t)
	t.Parallel()
	given := write(t, map[string]string{
		"hosts.yaml":     "hosts: { lab-1: { base: debian, addr: 10.77.0.2 } }\n",
		"broken.yaml":    "hosts: { lab-1: { bse: debian } }\n",
		"import.jsonnet": "import 'hosts.json'",
	})
	dir := write(t, map[string]string{"flake.nix": mkFleet(""), "inventory/prod.yaml": "hosts: { web-1: { base: ubuntu, addr: a } }\n"})
	in := input("path:" + dir)
	in.Inputs = map[string]string{"inventory": filepath.Join(given, "hosts.yaml")}
	plan := compile(t, in)
	if found := hosts(plan); len(found) != 1 || found[0] != "lab-1" {
		t.Errorf("the hosts are %v", found)
	}
	if found := plan.Index.Source.Inventory; found != "inputs.inventory" {
		t.Errorf("the plan's inventory is %q", found)
	}
	if strings.Contains(encode(t, plan), given) {
		t.Error("a path of this machine is in the plan")
	}
	in.Inputs["inventory"] = filepath.Join(given, "broken.yaml")
	expect(t, refused(t, in), "at "+filepath.Join(given, "broken.yaml")+":1:19, hosts.lab-1.bse")
	in.Inputs["inventory"] = filepath.Join(given, "import.jsonnet")
	expect(t, refused(t, in), "is one file and imports nothing")
	in.Inputs["inventory"] = given
	expect(t, refused(t, in), "hint: it is one file, as: --input inventory=./hosts.yaml")
	in.Inputs["inventory"], in.Inventory = filepath.Join(given, "hosts.yaml"), "prod"
	expect(t, refused(t, in), "there are two inventories")
}

// TestEmptySections compiles an inventory as people begin one.
func TestEmptySections(t *testing.T) {
	needNix(t)
	t.Parallel()
	in := input("path:" + write(t, map[string]string{
		"flake.nix":           mkFleet("roles.web = { };"),
		"inventory/prod.yaml": "defaults:\ngroups:\n  web:\nhosts:\n  web-1: { base: ubuntu, addr: a, groups: [web], roles: [], rollout: {} }\n",
	}))
	in.NoBuild = true
	if found := hosts(compile(t, in)); len(found) != 1 {
		t.Errorf("the hosts are %v", found)
	}
	in = input("path:" + write(t, map[string]string{"flake.nix": mkFleet(""), "inventory/prod.yaml": "hosts:\n"}))
	expect(t, refused(t, in), "error: the fleet has no hosts [no-hosts]")
	in = input("path:" + write(t, map[string]string{"flake.nix": mkFleet(""), "inventory/prod.yaml": "hosts: { web-1: }\n"}))
	expect(t, refused(t, in), "web-1")
}

func TestSeveralInventories(t *testing.T) {
	needNix(t)
	t.Parallel()
	in := input("path:" + write(t, map[string]string{
		"flake.nix":                 mkFleet(""),
		"inventory/prod.yaml":       "hosts: { web-1: { base: ubuntu, addr: a } }\n",
		"inventory/staging.jsonnet": "{ hosts: { 'web-9': { base: 'ubuntu', addr: 'b' } } }\n",
	}))
	expect(t, refused(t, in), "error: the fleet has 2 inventories: prod.yaml, staging.jsonnet [inventory-ambiguous]\n  at inventory\nhint: choose one, as: --inventory prod")
	in.Inventory, in.NoBuild = "staging", true
	plan := compile(t, in)
	if found := hosts(plan); found[0] != "web-9" || plan.Index.Source.Inventory != "inventory/staging.jsonnet" {
		t.Errorf("%v of %s", found, plan.Index.Source.Inventory)
	}
}

// git runs git in a directory, with an identity of its own.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=A", "-c", "user.email=a@example.org"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestGit(t *testing.T) {
	needNix(t)
	t.Parallel()
	root := filepath.Join(t.TempDir(), "checkout")
	dir := filepath.Join(root, "fleets", "prod")
	if err := os.CopyFS(dir, os.DirFS(write(t, map[string]string{
		"flake.nix":           mkFleet(`modules = [ ../../shared/base.nix ];`),
		"inventory/prod.yaml": "hosts: { web-1: { base: ubuntu, addr: a } }\n",
	}))); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(root, "shared"), os.DirFS(write(t, map[string]string{
		"base.nix": `{ nixfleet.files."/etc/x".text = "x\n"; }` + "\n",
	}))); err != nil {
		t.Fatal(err)
	}
	git(t, root, "init", "-q")
	in := input(dir)
	in.NoBuild = true
	expect(t, refused(t, in), "error: the fleet is in a git checkout, but git does not know its flake.nix [source-not-in-git]")
	git(t, root, "add", "-A")
	git(t, root, "commit", "-qm", "x")
	head := git(t, root, "rev-parse", "HEAD")
	clean := compile(t, in).Index.Source
	if err := os.Remove(filepath.Join(root, "shared", "base.nix")); err != nil {
		t.Fatal(err)
	}
	expect(t, refused(t, in), "error: the fleet has no file \"../../shared/base.nix\" [eval-failed]")
	if clean.Revision != head || clean.Dirty || clean.Directory != "fleets/prod" {
		t.Errorf("a clean checkout is %+v", clean)
	}
	if err := os.WriteFile(filepath.Join(root, "shared", "base.nix"), []byte(`{ nixfleet.files."etc/x".text = "y\n"; }`), 0o644); err != nil {
		t.Fatal(err)
	}
	expect(t, refused(t, in), `at ../../shared/base.nix:1, nixfleet.files."etc/x", host web-1`)
	if err := os.WriteFile(filepath.Join(root, "shared", "base.nix"), []byte(`{ nixfleet.files."/etc/x".text = "y\n"; }`), 0o644); err != nil {
		t.Fatal(err)
	}
	dirty := compile(t, in).Index.Source
	if dirty.Revision != "" || !dirty.Dirty || dirty.NarHash == clean.NarHash {
		t.Errorf("a dirty checkout is %+v", dirty)
	}
	plain := input("path:" + dir) // reads this directory only
	expect(t, refused(t, plain), "hint: a fleet reads its own source only")
	odd := filepath.Join(t.TempDir(), "a check out")
	if err := os.Rename(root, odd); err != nil {
		t.Fatal(err)
	}
	expect(t, refused(t, input(filepath.Join(odd, "fleets", "prod"))), "its path has characters that a URL must escape [source-fetch]")
}

func TestUnlockedInput(t *testing.T) {
	needNix(t)
	t.Parallel()
	other := write(t, map[string]string{"flake.nix": "{ outputs = _: { }; }"})
	for _, url := range []string{"path:" + other, "nixpkgs"} {
		dir := write(t, map[string]string{"flake.nix": "{ inputs.other.url = \"" + url + "\"; outputs = _: { }; }"})
		found := refused(t, input("path:"+dir))
		expect(t, found, "error: the fleet's flake.lock does not lock all of its inputs [source-lock]")
		expect(t, found, "hint: nix flake lock "+dir+", then commit flake.lock")
		if _, err := os.Stat(filepath.Join(dir, "flake.lock")); err == nil {
			t.Error("compiling wrote a lock file")
		}
	}
}

// TestLeavesTheFleetAlone compiles a fleet and looks for any trace of it.
func TestLeavesTheFleetAlone(t *testing.T) {
	needNix(t)
	t.Parallel()
	dir := fleet(t, twoHosts)
	d := deps(t)
	if _, found, err := compiler.Compile(context.Background(), input(dir), d); err != nil {
		t.Fatal(err, found)
	}
	for what, place := range map[string]string{"fleet": dir, "temporary directory": d.TempDir} {
		entries, err := os.ReadDir(place)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if entry.Name() != "flake.nix" {
				t.Errorf("%s was left in the %s", entry.Name(), what)
			}
		}
	}
}

// TestCancel cancels an evaluation that would take for minutes.
func TestCancel(t *testing.T) {
	needNix(t)
	t.Parallel()
	dir := fleet(t, twoHosts+`name = let f = n: if n < 2 then n else f (n - 1) + f (n - 2); in toString (f 60);`)
	d := deps(t)
	ctx, cancel := context.WithCancel(context.Background())
	d.Progress = func(text string) {
		if text == "evaluating" {
			time.AfterFunc(300*time.Millisecond, cancel)
		}
	}
	start := time.Now()
	plan, found, err := compiler.Compile(ctx, input("path:"+dir), d)
	if !errors.Is(err, context.Canceled) || plan != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("it took %v", took)
	}
	if entries, _ := os.ReadDir(d.TempDir); len(entries) != 0 {
		t.Errorf("%v was left behind", entries)
	}
	noneWorksIn(t, d.TempDir)
}

// noneWorksIn sees to it that no process is left that was told of a directory.
func noneWorksIn(t *testing.T, dir string) {
	t.Helper()
	var living []string
	for range 300 {
		living = nil
		commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
		if err != nil || len(commands) == 0 {
			t.Fatalf("cannot look for processes: %v", err)
		}
		for _, file := range commands {
			if command, err := os.ReadFile(file); err == nil && strings.Contains(string(command), dir) {
				living = append(living, strings.ReplaceAll(string(command), "\x00", " "))
			}
		}
		if len(living) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("processes live on: %s", strings.Join(living, "\n"))
}

func TestWarnings(t *testing.T) {
	needNix(t)
	t.Parallel()
	in := input("path:" + fleet(t, twoHosts+`modules = [ ({ host, ... }: { warnings = [ "the rack of ${host.name} is not known" "old" ]; }) ];`))
	in.NoBuild = true
	plan, found, err := compiler.Compile(context.Background(), in, deps(t))
	if err != nil || plan == nil {
		t.Fatal(err, found)
	}
	var all []string
	for _, d := range found {
		all = append(all, d.String())
	}
	expect(t, strings.Join(all, "\n"), "warning: old [warning]\n  at host db-1 and web-1\nwarning: the rack of db-1 is not known [warning]\n  at host db-1")
}
