package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
	"github.com/nixfleet/nixfleet/vm-tests/lab/labtest"
)

// hosts are all hosts that scripts can ask for. Each script gets its own.
var hosts = []lab.HostSpec{
	{Name: "web-1"}, {Name: "web-2"}, {Name: "db-1"},
	{Name: "newer", Release: lab.Trixie},
	{Name: "fresh", Sudo: lab.SudoAll},
	{Name: "asks", Sudo: lab.SudoPassword},
	{Name: "bare", NoNix: true},
	{Name: "small", DiskSize: 192 << 20},
}

// fixture is what all scripts share.
type fixture struct {
	bin string
	// wrappers is a directory of programs that run the commands in the lab's network.
	wrappers string
}

// script is what one script has for itself. Its hosts end with it, so that no script
// finds what another one, perhaps failed, has left behind.
type script struct {
	t   *testing.T
	lab *lab.Lab // nil before the command inventory
}

type scriptKey struct{}

func scriptOf(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

func TestScripts(t *testing.T) {
	labtest.Require(t)
	bin, err := filepath.Abs("../../bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "nixfleet")); err != nil {
		t.Fatalf("these tests drive the built commands: run `make build` first (%v)", err)
	}
	f := &fixture{bin: bin}
	if err := f.writeWrappers(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	t.Run("script", func(t *testing.T) { // returns when all scripts have
		testscript.RunT(runner{t}, testscript.Params{
			Dir:                 "testdata",
			Setup:               f.setup,
			Cmds:                f.commands(),
			RequireExplicitExec: true,
			RequireUniqueNames:  true,
		})
	})
}

// runner is testscript's own way to run scripts as subtests, except that a script's
// commands can get at its *testing.T.
type runner struct{ *testing.T }

func (r runner) Run(name string, run func(testscript.T)) {
	r.T.Run(name, func(t *testing.T) { run(runner{t}) })
}

func (runner) Verbose() bool { return testing.Verbose() }

// writeWrappers writes them before any script runs: a file that is being written
// while another script forks cannot be executed.
func (f *fixture) writeWrappers(dir string) error {
	f.wrappers = dir
	for name, program := range map[string]string{
		"nixfleet": filepath.Join(f.bin, "nixfleet"), "nixfleet-execute": filepath.Join(f.bin, "nixfleet-execute"),
		"in-lab": "/usr/bin/env", // any command, where the hosts can be reached
	} {
		text := fmt.Sprintf("#!/bin/sh\nexec $IN_LAB '%s' \"$@\"\n", program)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// setup gives a script state directories of its own.
func (f *fixture) setup(env *testscript.Env) error {
	env.Values[scriptKey{}] = &script{t: env.T().(runner).T}
	env.Vars = append(env.Vars,
		"PATH="+f.wrappers+":"+os.Getenv("PATH"),
		"XDG_STATE_HOME="+filepath.Join(env.WorkDir, ".state"), "XDG_CACHE_HOME="+filepath.Join(env.WorkDir, ".cache"),
		"BIN="+f.bin, "EXAMPLES="+filepath.Join(filepath.Dir(f.bin), "examples"),
		"FLEETS=path:"+filepath.Join(filepath.Dir(f.bin), "vm-tests/e2e/fleets"), "CHANGE="+filepath.Join(filepath.Dir(f.bin), "vm-tests/e2e/fleets/change"),
	)
	return nil
}

// boot boots the hosts of a script and lets its commands reach them.
func (f *fixture) boot(ts *testscript.TestScript, names []string) *lab.Lab {
	s := scriptOf(ts)
	if s.lab != nil {
		ts.Fatalf("the script has its hosts already")
	}
	var specs []lab.HostSpec
	for _, name := range names {
		i := slices.IndexFunc(hosts, func(spec lab.HostSpec) bool { return spec.Name == name })
		if i < 0 {
			ts.Fatalf("there is no host %q for scripts", name)
		}
		specs = append(specs, hosts[i])
	}
	s.lab = labtest.Start(s.t, lab.Options{Hosts: specs, Helper: filepath.Join(f.bin, "nixfleet-host")})
	enter := s.lab.Command(context.Background(), "true").Args
	ts.Setenv("IN_LAB", strings.Join(enter[:len(enter)-1], " "))
	ts.Setenv("HOME", s.lab.Home)
	ts.Setenv("LAB_KEY", s.lab.KeyFile)
	return s.lab
}
