package e2e

import (
	"errors"
	"os/exec"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// exits CODE PROGRAM ARG… runs a program that must end with that exit code.
func (f *fixture) exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	found := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		found = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if found != want {
		ts.Fatalf("expected exit code %d, found %d", want, found)
	}
}
