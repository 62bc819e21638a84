// Package wiring is what commands that reach hosts take from this process
// and its machine: who operates, with which keys, and where records go.
package wiring

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/term"

	"github.com/nixfleet/nixfleet/cmd/internal/helper"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/executor/shell"
)

// Deps returns what the executor takes from this process. Records go to stateDir,
// or to the user's usual place where that is empty.
func Deps(stateDir string) (executor.Deps, error) {
	deps := Viewer()
	var err error
	if stateDir == "" {
		if stateDir, err = executor.StateDir(deps.Home, os.Getenv); err != nil {
			return executor.Deps{}, err
		}
	}
	deps.StateDir, err = filepath.Abs(stateDir)
	return deps, err
}

// Viewer is [Deps] for those who keep no record.
func Viewer() executor.Deps {
	name, home := account()
	return executor.Deps{
		Helpers: helper.Binary, Home: home, User: name, Getenv: os.Getenv,
		Passphrase: askPassphrase(), Shell: runHere, Clock: time.Now, Random: rand.Reader,
	}
}

// runHere runs a line for sh in the directory and with the environment of this
// process, and the given variables.
func runHere(ctx context.Context, line string, environment []string) (output []byte, err error) {
	return shell.Run(ctx, line, "", append(os.Environ(), environment...))
}

// account returns who executes and where their home is; where there is no such
// account (a bare container, say), the number and HOME.
func account() (name, home string) {
	name, home = strconv.Itoa(os.Getuid()), os.Getenv("HOME")
	if found, err := user.Current(); err == nil {
		name = found.Username
		if home == "" {
			home = found.HomeDir
		}
	}
	return name, home
}

// Operator names who executes for records and for hosts: behind sudo that is
// who called it.
func Operator() string {
	name, _ := account()
	if sudoer := os.Getenv("SUDO_USER"); name == "root" && sudoer != "" {
		name = sudoer
	}
	machine, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + machine
}

// askPassphrase returns a question on the terminal; nil without one.
func askPassphrase() func(file string) ([]byte, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	return func(file string) ([]byte, error) {
		fmt.Fprintf(tty, "Passphrase for %s: ", file)
		defer io.WriteString(tty, "\n")
		return term.ReadPassword(int(tty.Fd()))
	}
}
