package main

import (
	"os"
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
			pid := strconv.Itoa(os.Getpid())
			env.Setenv("TEST_PID", pid)
			// Only a script that failed halfway has left it.
			env.Defer(func() {
				if l, err := lab.Open(cache, "script-"+pid, nil); err == nil {
					_ = l.Close()
				}
			})
			return nil
		},
	})
}
