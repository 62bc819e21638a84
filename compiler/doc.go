// Package compiler makes a plan of a fleet: it reads the inventory, has Nix evaluate
// the intent, resolves that into one manifest a host, builds the closures and
// freezes everything into a sealed [schema.Plan].
//
// The same source, inputs and library give the same bytes on every machine
// (no time, path, user or setting of the compiling machine enters a plan), and
// the fleet is only read. What is wrong with a fleet comes back as [Diagnostic]s,
// all of them, sorted; errors are for what lies outside of it.
package compiler

import (
	"errors"
	"io/fs"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// Diagnostic is one finding about a fleet or the machine, with a stable code and
// the place it was written at. Its String is what people read.
type Diagnostic = diagnostic.Diagnostic

// Position is a place in a file of the fleet.
type Position = diagnostic.Position

// Severity says whether a diagnostic prevents a plan: [Error] does.
type Severity = diagnostic.Severity

// The severities.
const (
	Error   = diagnostic.Error
	Warning = diagnostic.Warning
)

// ErrRefused says that the diagnostics tell why there is no plan.
var ErrRefused = errors.New("there is no plan: the fleet has errors")

// Input says what to compile.
type Input struct {
	// Fleet is a directory with a flake.nix, "path:DIRECTORY" to read it whatever git
	// says, or any flake reference.
	Fleet string
	// Hosts and Groups select hosts: those whose name matches one of the patterns
	// (with *, ? and [a-z]) or that are in one of the groups. All where both are empty.
	Hosts, Groups []string
	// Inputs are files and directories from outside the fleet, by the name under
	// which modules see them. One named "inventory" is the inventory.
	Inputs map[string]string
	// Inventory names one of several files in the fleet's directory inventory/.
	Inventory string
	// Rollout names one of the fleet's rollout policies, to stand in for its own.
	Rollout string
	// Replaces is the plan that this one will replace, for policies to compare with; nil
	// where nobody said.
	Replaces *schema.Plan
	// PolicyDate is the day for which policies are asked, as "2026-12-24"; empty where
	// nobody said. It decides nothing of what is in a plan.
	PolicyDate string
	// NoBuild leaves the closures unbuilt and makes a preview, for [Build] to complete.
	NoBuild bool
	// Library holds NixFleet's Nix library, with compile.nix at its top.
	Library fs.FS
	// Helpers are the host helpers that carry the plan out, by system.
	Helpers map[schema.System]schema.Digest
}

// Deps are the effects that compiling needs beside Nix.
type Deps struct {
	// Environ is the environment that Nix runs in, as [os.Environ] gives it. It
	// decides where Nix is found and how it is configured, never what is in a plan.
	Environ []string
	// TempDir is where temporary files go; empty for the system's place.
	TempDir string
	// Progress is told, in one line, what is being done; nil for nobody. It is called
	// from several goroutines.
	Progress func(string)
	// CacheDir is where previews are kept for the next time; empty for nowhere. It
	// decides how long a compilation takes, and nothing else.
	CacheDir string
	// RootDir is a directory for links that keep the plan's closures from the garbage
	// collector; empty for none.
	RootDir string
	// CopyTo is a binary cache, a directory or a URL, that the closures are copied to;
	// empty for none.
	CopyTo string
	// Worker is a command that calls [Work] with its last argument, standard input and
	// output; empty to evaluate Jsonnet in this process, for fleets that are trusted not
	// to loop or to take all memory.
	Worker []string
	// Trace adds Nix's trace to evaluation errors.
	Trace bool
}
