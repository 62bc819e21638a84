package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nixfleet/nixfleet/cmd/internal/helper"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"nixfleet": main})
}

// TestScripts drives the real main. Scripts that need a host are in vm-tests/e2e.
func TestScripts(t *testing.T) {
	if _, err := helper.Digests(); err != nil {
		t.Fatalf("run `make build` first: %v", err)
	}
	needNix(t)
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("EXAMPLES", examples)
			env.Setenv("PAGES", filepath.Join(filepath.Dir(examples), "docs"))
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("NIX_CONFIG", "substituters =") // nothing to wait for
			return nil
		},
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"events": checkEvents},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}
