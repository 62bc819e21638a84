package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
	"github.com/nixfleet/nixfleet/vm-tests/lab/labtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lab": main})
}

func TestScripts(t *testing.T) {
	labtest.Require(t)
	// The images are this machine's; a script's own cache would have to build them.
	cache := lab.DefaultCacheDir()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("NIXFLEET_LAB_CACHE", cache)
			// WorkDir ends in the script's name: each script has a lab of its own, or one would close the other's.
			id := "t" + strconv.Itoa(os.Getpid()) + "-" + filepath.Base(env.WorkDir)
			env.Setenv("ID", id)
			// Only a script that failed halfway has left it.
			env.Defer(func() {
				if l, err := lab.Open(cache, id, nil); err == nil {
					_ = l.Close()
				}
			})
			return nil
		},
	})
}
