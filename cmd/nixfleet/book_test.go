package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/cmd/internal/scaffold"
	"github.com/nixfleet/nixfleet/vm-tests/book"
)

// onHosts are commands that need hosts, each with a script of vm-tests/e2e that carries
// it out there. What pages say of them is read as far as it can be without.
var onHosts = map[string]string{
	"plan": "plan", "execute": "apply", "apply": "apply-command", "run": "run", "watch": "change-controller", "status": "status",
	"history": "rollback", "rollback": "rollback", "release": "release", "reboot": "reboot-window",
}

// elsewhere are the examples that are not carried out here, by how they begin, each with
// what holds them or the reason why nothing does.
var elsewhere = []struct{ page, begins, because string }{
	{"README.md", "fleet (inventory, intent)", "a drawing"},
	{"README.md", "make demo ", "CI runs make test; the demo is the tests' lab with examples/fleet"},
	{"docs/internals/architecture.md", "fleet (flake) ", "a drawing"},
	{"docs/guide/transactions.md", "web-1: refused", "vm-tests/e2e: change-controller"},
	{"docs/reference/event-format.md", "{", "TestTheEventsOfTheDocumentation"},
	{"docs/guide/first-fleet.md", "make build", "what CI begins with"},
	{"docs/guide/operations.md", "halted in ", "goldens of cmd/internal/summary"},
	{"docs/guide/operations.md", "web-118: rolled-back", "goldens of cmd/internal/progress"},
	{"docs/guide/policy.md", "// policy/", "compiler/internal/policy carries out that page"},
	{"docs/guide/policy.md", "$ nixfleet compile", "compiler/internal/policy carries out that page"},
	{"docs/guide/policy.md", "$ nixfleet verify", "compiler/internal/policy carries out that page"},
	{"docs/guide/policy.md", "$ nixfleet policy", "compiler/internal/policy carries out that page"},
	{"docs/guide/pull-requests.md", "diff --git", "testdata/golden.txtar has such a difference"},
	{"docs/guide/review.md", "Plan ", "TestReviewPage"},
	{"docs/guide/rollouts.md", "rollout: ", "TestRolloutPage of the compiler"},
	{"docs/guide/run.md", `{"host":`, "TestRunJSON, and vm-tests/e2e: run"},
	{"docs/guide/status.md", "nixfleet_host_seen", "queries; cmd/internal/status has the metrics as a golden"},
}

// pages returns the README and the pages of docs/ by their paths in the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../../docs/*/*.md")
	if err != nil || len(paths) < 20 {
		t.Fatalf("found %d pages: %v", len(paths), err)
	}
	texts := map[string]string{}
	for _, path := range append(paths, "../../README.md", "../../docs/README.md", "../../docs/changes.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.TrimPrefix(path, "../../")] = string(text)
	}
	return texts
}

// TestBook carries out what the pages show: commands in their order, with what they
// print, in a directory with the files that a page says and two plans.
func TestBook(t *testing.T) {
	needNix(t)
	t.Parallel()
	plans := makePlans(t)
	var modules []string
	used := map[int]bool{}
	for page, text := range pages(t) {
		if page == "docs/reference/options.md" {
			continue // its examples are values; see TestOptionsExamples
		}
		var blocks []book.Block
		for _, block := range book.Blocks(text) {
			where := fmt.Sprintf("%s:%d", page, block.Line)
			if i := exception(page, block.Text); i >= 0 {
				used[i] = true
				continue
			}
			switch {
			case block.Language == "console" || block.File() != "":
				blocks = append(blocks, block)
			case block.Language == "nix":
				modules = append(modules, "# "+where+"\n"+block.Text)
			default:
				t.Errorf("%s: nobody knows how to try this example; is it one for the list of exceptions?", where)
			}
		}
		if len(blocks) > 0 {
			t.Run(filepath.Base(page), func(t *testing.T) {
				t.Parallel()
				carryOut(t, blocks, plans)
			})
		}
	}
	for i, e := range elsewhere {
		if !used[i] {
			t.Errorf("%s has no example any more that begins with %q", e.page, e.begins)
		}
	}
	t.Run("modules", func(t *testing.T) {
		t.Parallel()
		evaluateModules(t, modules)
	})
}

func exception(page, text string) int {
	for i, e := range elsewhere {
		if e.page == page && strings.HasPrefix(text, e.begins) {
			return i
		}
	}
	return -1
}

func needNix(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("nix"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("compiling needs Nix: ", err)
	}
}

// makePlans compiles a fleet and a change of it: main.json and plan.json, which many
// pages speak of.
func makePlans(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	fleet := filepath.Join(dir, "fleet")
	if err := scaffold.Write(fleet); err != nil {
		t.Fatal(err)
	}
	compile := func(plan string) {
		if out, err := inShell(t, dir, "nixfleet compile fleet -o "+plan); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	compile("main.json")
	replaceIn(t, filepath.Join(fleet, "modules/web.nix"), "Hello from the fleet", "Hello from us")
	compile("plan.json")
	return dir
}

// inShell runs a command in a directory, with nothing of the surroundings' own.
func inShell(t *testing.T, dir, command string) (string, error) {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+filepath.Join(t.TempDir(), "home"), "XDG_STATE_HOME=", "XDG_CACHE_HOME=", "NIX_CONFIG=substituters =",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org", "GIT_PAGER=cat")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// carryOut writes a page's files and types its commands, in the order of the page.
func carryOut(t *testing.T, blocks []book.Block, plans string) {
	dir := t.TempDir()
	for _, plan := range []string{"main.json", "plan.json"} {
		copyFile(t, filepath.Join(plans, plan), filepath.Join(dir, plan))
	}
	for _, block := range blocks {
		if name := block.File(); name != "" {
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(block.Text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, step := range block.Steps() {
			if !step.Root && !needsHost(step.Command) {
				dir = typeIn(t, dir, step)
			}
		}
	}
}

// needsHost reports whether something can be carried out where hosts are only.
func needsHost(command string) bool {
	words := strings.Fields(command)
	return words[0] == "ssh" || words[0] == "nixfleet" && onHosts[words[1]] != ""
}

// typeIn carries out one command and returns the directory that the shell is in then.
func typeIn(t *testing.T, dir string, step book.Step) string {
	t.Helper()
	here := filepath.Join(t.TempDir(), "here")
	out, err := inShell(t, dir, step.Command+"\nstatus=$?\npwd >'"+here+"'\nexit $status")
	var exit *exec.ExitError
	differs := strings.HasPrefix(step.Command, "nixfleet diff ") && errors.As(err, &exit) && exit.ExitCode() == 1
	if fails := strings.Contains(step.Output, "error: "); (err != nil) != fails && !differs {
		t.Fatalf("line %d: %s: %v\n%s", step.Line, step.Command, err, out)
	}
	if step.Output != "" && !book.Matches(step.Output, out) {
		t.Errorf("line %d: %s: the page shows\n%s\nand it prints\n%s", step.Line, step.Command, step.Output, out)
	}
	now, err := os.ReadFile(here)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(now))
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// evaluateModules compiles a fleet that has a host for every module.
func evaluateModules(t *testing.T, modules []string) {
	if len(modules) < 5 {
		t.Fatalf("found %d modules", len(modules))
	}
	dir := t.TempDir()
	var hosts strings.Builder
	for i, module := range modules {
		file := fmt.Sprintf("m%d.nix", i)
		if err := os.WriteFile(filepath.Join(dir, file), []byte(module), 0o644); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&hosts, "m%d = { base = \"ubuntu\"; addr = \"192.0.2.%d\"; groups = [ \"web\" ]; modules = [ ./%s ]; };\n", i, i+1, file)
	}
	flake := "{ outputs = _: { nixfleet = { nixfleet, ... }: nixfleet.mkFleet { groups.web = { }; hosts = {\n" + hosts.String() + "}; }; }; }\n"
	if err := os.WriteFile(filepath.Join(dir, "flake.nix"), []byte(flake), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := inShell(t, dir, "nixfleet compile --no-build"); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, strings.Join(modules, "\n"))
	}
}

// TestOptionsExamples reads the examples of options, which are values, as Nix does.
func TestOptionsExamples(t *testing.T) {
	needNix(t)
	t.Parallel()
	text := pages(t)["docs/reference/options.md"]
	list := "{ pkgs, lib }: [\n"
	blocks := book.Blocks(text)
	for _, block := range blocks {
		list += "(" + block.Text + ")\n"
	}
	if len(blocks) < 40 {
		t.Fatalf("found %d examples", len(blocks))
	}
	file := filepath.Join(t.TempDir(), "examples.nix")
	if err := os.WriteFile(file, []byte(list+"]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("nix-instantiate", "--store", "dummy://", "--parse", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The page on review shows what one of the goldens begins with.
func TestReviewPage(t *testing.T) {
	golden, err := os.ReadFile("../../goldens/diffs/config-line/diff.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range book.Blocks(pages(t)["docs/guide/review.md"]) {
		if block.Language == "text" && !book.Matches(block.Text, string(golden)) {
			t.Errorf("line %d: the golden does not begin like that", block.Line)
		}
	}
}

// Every command that only hosts can show is carried out on some.
func TestScriptsOnHosts(t *testing.T) {
	commands := allCommands(newApp())
	for command, script := range onHosts {
		if commands["nixfleet "+command] == nil {
			t.Errorf("there is no command %s", command)
		}
		text, err := os.ReadFile("../../vm-tests/e2e/testdata/" + script + ".txtar")
		if err != nil {
			t.Error(err)
		}
		if !slices.ContainsFunc(strings.Split(string(text), "\n"), func(line string) bool { return strings.Contains(line, "nixfleet "+command+" ") }) {
			t.Errorf("%s.txtar does not carry out nixfleet %s", script, command)
		}
	}
}
