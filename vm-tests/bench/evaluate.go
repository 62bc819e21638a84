package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"text/tabwriter"
)

// NIXPKGS_LIB names the directory lib of a nixpkgs, which is no part of this repository.
const nixpkgsLib = "NIXPKGS_LIB"

// evaluating measures our evaluator beside nixpkgs' on the same options and hosts,
// and both beside plain data.
func (b *bench) evaluating(runs int) error {
	theirs := os.Getenv(nixpkgsLib)
	if theirs == "" {
		fmt.Printf("\nevaluation: not measured, as %s does not name the directory lib of a nixpkgs to compare with\n", nixpkgsLib)
		return nil
	}
	theirs, err := filepath.Abs(theirs)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(theirs, "modules.nix")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot compare with nixpkgs: %s=%s has no modules.nix", nixpkgsLib, theirs)
	}
	libs := map[string]string{"ours": "import ./nix/lib/prelude", "nixpkgs": "import " + theirs, "plain data": "null"}
	var values []byte
	for i := range runs {
		fmt.Fprintf(os.Stderr, "evaluating, round %d of %d\n", i+1, runs)
		for _, name := range []string{"ours", "nixpkgs", "plain data"} {
			cmd := exec.CommandContext(b.ctx, "nix-instantiate", "--eval", "--strict", "--json",
				"vm-tests/bench/evaluation.nix", "--arg", "lib", libs[name])
			var out bytes.Buffer
			cmd.Stdout = &out
			if err := b.timed("evaluate "+name, cmd); err != nil {
				return err
			}
			if name == "ours" {
				values = out.Bytes()
			}
			if name == "nixpkgs" && !bytes.Equal(out.Bytes(), values) {
				return errors.New("nixpkgs' lib and ours give different values, so that there is nothing to compare")
			}
		}
	}
	b.printEvaluating(os.Stdout)
	return nil
}

func (b *bench) printEvaluating(w io.Writer) {
	fmt.Fprintf(w, "\nevaluation of 1000 hosts of 20 files, 3 units and a user, each different; medians\n\n")
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "\tCPU seconds\tof nixpkgs' (goal 0.33)\tpeak MB\tof nixpkgs' (goal 0.50)")
	// Not the time by the clock: it depends on what else the machine does.
	cpu := func(name string) float64 { return b.cpu("evaluate " + name) }
	for _, name := range []string{"ours", "nixpkgs", "plain data"} {
		memory := b.peak("evaluate " + name)
		fmt.Fprintf(tab, "%s\t%.2f\t%.2f\t%.0f\t%.2f\n", name, cpu(name), cpu(name)/cpu("nixpkgs"), memory, memory/b.peak("evaluate nixpkgs"))
	}
	tab.Flush()
}
