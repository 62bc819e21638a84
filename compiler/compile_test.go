package compiler_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/schema"
)

// needNix ends a test where there is no Nix: as a failure where CI runs it.
func needNix(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("nix"); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("nix is not installed, and CI must not skip this test")
	}
	t.Skip("nix is not installed")
}

// deps are those of a machine without build users and without a network.
func deps(t *testing.T) compiler.Deps {
	t.Helper()
	return compiler.Deps{Environ: environ(nil), TempDir: t.TempDir()}
}

// environ is our environment with some variables set.
func environ(set map[string]string) []string {
	env := []string{}
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if _, ok := set[name]; !ok && name != "NIX_CONFIG" {
			env = append(env, entry)
		}
	}
	for name, value := range set {
		env = append(env, name+"="+value)
	}
	return append(env, "NIX_CONFIG=build-users-group =\nsubstituters =\nsandbox = false\n")
}

func input(fleet string) compiler.Input {
	return compiler.Input{
		Fleet:   fleet,
		Library: os.DirFS("../nix/lib"),
		Helpers: map[schema.System]schema.Digest{
			schema.X8664Linux:   schema.DigestOf([]byte("x86_64-linux")),
			schema.AArch64Linux: schema.DigestOf([]byte("aarch64-linux")),
		},
	}
}

func compile(t *testing.T, in compiler.Input) *schema.Plan {
	t.Helper()
	plan, found, err := compiler.Compile(context.Background(), in, deps(t))
	for _, d := range found {
		t.Log(d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func encode(t *testing.T, plan *schema.Plan) string {
	t.Helper()
	data, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestCompileExampleFleet(t *testing.T) {
	needNix(t)
	plan := compile(t, input("path:../examples/fleet"))
	if err := plan.Verify(); err != nil {
		t.Fatal(err)
	}
	if plan.Index.Preview {
		t.Error("the plan is a preview")
	}
	if file := os.Getenv("NIXFLEET_TEST_PLAN"); file != "" {
		if err := os.WriteFile(filepath.Clean(file), []byte(encode(t, plan)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
