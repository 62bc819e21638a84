// Package nixfleet_test holds the rules of the architecture: which package may
// import which, each with its reason.
package nixfleet_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/nixfleet/nixfleet/"

// forbidden says what packages may not import, directly or through others.
var forbidden = []struct{ from, to, because string }{
	{"compiler", "executor", "a plan is all that passes between compiling and executing"},
	{"executor", "compiler", "an execution never evaluates or decides anything"},
	{"executor", "nix", "an execution never reads the library"},
	{"executor", "github.com/google/go-jsonnet", "inventories and policies are read by the compiler only"},
	{"cmd/nixfleet-execute", "compiler", "approvers run it on machines without a compiler"},
	{"cmd/nixfleet-execute", "github.com/google/go-jsonnet", "it reads plans only"},
	{"cmd/nixfleet-host", "golang.org/x/crypto/ssh", "the helper never opens a connection"},
	{"cmd/nixfleet-host", "github.com/google/go-jsonnet", "the helper reads frozen formats only"},
	{"cmd/nixfleet-host", "github.com/santhosh-tekuri/jsonschema", "the helper stays small; hashes and strict decoding are enough"},
	{"cmd/nixfleet-host", "net/http", "the helper stays small; package health asks what a health check asks"},
	{"cmd/nixfleet-host", "executor/internal", "host and controller share the protocol, the schema, the asking of health checks and how to run a command, nothing else"},
	{"executor/internal", "executor/host", "host and controller share the protocol and the schema, nothing else"},
	{"schema", "compiler", "the formats know nothing of who writes them"},
	{"schema", "executor", "the formats know nothing of who reads them"},
	{"compiler", "cmd", "commands wire packages, not the other way round"},
	{"executor", "cmd", "commands wire packages, not the other way round"},
}

// only says which packages alone may import something directly.
var only = []struct {
	to      string
	users   []string
	because string
}{
	{"os/exec", []string{"compiler/internal/nixeval", "compiler/internal/unitcheck", "compiler/internal/bounded", "executor/host/internal", "cmd/nixfleet-host", "executor/shell", "vm-tests"}, "one door per effect: what an execution starts on the controller, the plan's own commands, is handed to it"},
	{"executor/shell", []string{"executor/host/internal/command", "cmd/internal/wiring"}, "one door per effect: a host runs the intent's commands itself, and the engine is handed how the controller does"},
	{"github.com/google/go-jsonnet", []string{"compiler/internal/inventory", "compiler/internal/policy"}, "only what runs in a bounded child evaluates Jsonnet"},
	{"golang.org/x/crypto/ssh", []string{"executor/internal/transport", "executor/internal/sshtest", "executor/internal/simhost", "vm-tests"}, "one door per effect: SSH"},
	{"github.com/google/renameio", []string{"internal/durable", "executor/host/internal/state", "vm-tests"}, "one door per effect: a file that must survive a power failure"},
	{"github.com/urfave/cli", []string{"cmd", "vm-tests"}, "libraries know nothing of command lines"},
	{"executor/host", []string{"cmd/nixfleet-host", "executor/host"}, "the host side runs on hosts"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
	GoFiles    []string
	Doc        string
	Name       string
}

func TestImports(t *testing.T) {
	for _, pkg := range packages(t) {
		name := strings.TrimPrefix(pkg.ImportPath, module)
		for _, rule := range forbidden {
			if !within(name, rule.from) {
				continue
			}
			for _, dep := range pkg.Deps {
				if within(strings.TrimPrefix(dep, module), rule.to) {
					t.Errorf("%s may not depend on %s: %s", name, dep, rule.because)
				}
			}
		}
		for _, rule := range only {
			allowed := slices.ContainsFunc(rule.users, func(user string) bool { return within(name, user) })
			for _, dep := range pkg.Imports {
				if !allowed && within(strings.TrimPrefix(dep, module), rule.to) {
					t.Errorf("%s may not import %s: %s", name, dep, rule.because)
				}
			}
		}
	}
}

// TestSchemaIsPlain keeps the formats free of everything but the standard library.
func TestSchemaIsPlain(t *testing.T) {
	for _, pkg := range packages(t) {
		name := strings.TrimPrefix(pkg.ImportPath, module)
		if !within(name, "schema") || within(name, "schema/validate") {
			continue
		}
		for _, dep := range pkg.Deps {
			if strings.Contains(strings.Split(dep, "/")[0], ".") && !within(dep, module+"schema") {
				t.Errorf("%s may depend on the standard library only, not on %s", name, dep)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, pkg := range packages(t) {
		prefix := "Package " + pkg.Name + " "
		if pkg.Name == "main" {
			prefix = "Command "
		}
		if !strings.HasPrefix(pkg.Doc, prefix) {
			t.Errorf("%s has no package comment that begins with %q", pkg.ImportPath, prefix)
		}
	}
}

var update = flag.Bool("update", false, "write the lists of dependencies anew")

// TestDependencyLists keeps what runs with few people watching small: what it
// links in besides the standard library is listed, and who reviews a change of
// the list sees it.
func TestDependencyLists(t *testing.T) {
	for _, command := range []string{"nixfleet-execute", "nixfleet-host"} {
		golden := filepath.Join("cmd", command, "testdata", "deps.golden")
		list := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./cmd/"+command)
		list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
		out, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		names := strings.Fields(string(out))
		slices.Sort(names)
		found := strings.Join(names, "\n") + "\n"
		if *update {
			if err := os.WriteFile(golden, []byte(found), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if want, err := os.ReadFile(golden); err != nil || found != string(want) {
			t.Errorf("%s does not list what %s depends on now (%v); run `make goldens` and read the difference", golden, command, err)
		}
	}
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps,Doc,Name,GoFiles", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg goPackage
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if len(pkg.GoFiles) > 0 { // others have tests only
			all = append(all, pkg)
		}
	}
	if len(all) < 3 {
		t.Fatalf("found only %d packages", len(all))
	}
	return all
}

func within(name, tree string) bool {
	return name == tree || strings.HasPrefix(name, tree+"/")
}
