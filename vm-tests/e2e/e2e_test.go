package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
	"github.com/nixfleet/nixfleet/vm-tests/lab/labtest"
)

// hosts are all hosts that scripts can take, each for what it is good for.
var hosts = []lab.HostSpec{
	{Name: "web-1"}, {Name: "web-2"}, {Name: "db-1"},
	{Name: "newer", Release: lab.Trixie},
	{Name: "fresh", Sudo: lab.SudoAll},
	{Name: "asks", Sudo: lab.SudoPassword},
	{Name: "bare", NoNix: true},
	{Name: "small", DiskSize: 192 << 20},
}

// fixture is the lab that all scripts share, and who holds which host of it.
type fixture struct {
	lab *lab.Lab
	bin string
	// wrappers is a directory of programs that run the commands in the lab's network.
	wrappers string
	locks    map[string]*sync.Mutex
}

func TestScripts(t *testing.T) {
	labtest.Require(t)
	bin, err := filepath.Abs("../../bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "nixfleet")); err != nil {
		t.Fatalf("these tests drive the built commands: run `make build` first (%v)", err)
	}
	f := &fixture{bin: bin, locks: map[string]*sync.Mutex{}}
	f.lab = labtest.Start(t, lab.Options{Hosts: hosts, Helper: filepath.Join(bin, "nixfleet-host")})
	for _, host := range hosts {
		f.locks[host.Name] = new(sync.Mutex)
	}
	if err := f.writeWrappers(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	t.Run("script", func(t *testing.T) { // returns when all scripts have
		testscript.Run(t, testscript.Params{
			Dir:                 "testdata",
			Setup:               f.setup,
			Cmds:                f.commands(),
			RequireExplicitExec: true,
			RequireUniqueNames:  true,
		})
	})
}

// writeWrappers writes them before any script runs: a file that is being written
// while another script forks cannot be executed.
func (f *fixture) writeWrappers(dir string) error {
	f.wrappers = dir
	programs := map[string]string{
		"nixfleet": filepath.Join(f.bin, "nixfleet"), "nixfleet-execute": filepath.Join(f.bin, "nixfleet-execute"),
		"in-lab": "/usr/bin/env", // any command, where the hosts can be reached
	}
	for name, program := range programs {
		line := "exec"
		for _, arg := range f.lab.Command(context.Background(), program).Args {
			line += fmt.Sprintf(" '%s'", arg)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+line+" \"$@\"\n"), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// setup gives a script the lab's SSH home and state directories of its own.
func (f *fixture) setup(env *testscript.Env) error {
	env.Vars = append(env.Vars,
		"PATH="+f.wrappers+":"+os.Getenv("PATH"), "HOME="+f.lab.Home,
		"XDG_STATE_HOME="+filepath.Join(env.WorkDir, ".state"), "XDG_CACHE_HOME="+filepath.Join(env.WorkDir, ".cache"),
		"BIN="+f.bin, "EXAMPLES="+filepath.Join(filepath.Dir(f.bin), "examples"), "LAB_KEY="+f.lab.KeyFile,
		"FLEETS=path:"+filepath.Join(filepath.Dir(f.bin), "vm-tests/e2e/fleets"), "CHANGE="+filepath.Join(filepath.Dir(f.bin), "vm-tests/e2e/fleets/change"),
	)
	return nil
}
