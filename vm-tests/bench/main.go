// Command bench measures nixfleet on throwaway hosts and puts its peers beside it
// in the same run, because machines differ and are noisy: the figures to look at are the
// ratios. `make bench` runs it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
)

func main() {
	app := &cli.App{
		Name:  "bench",
		Usage: "measure nixfleet on throwaway hosts beside its peers",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "hosts", Value: 10, Usage: "hosts at once"},
			&cli.IntFlag{Name: "runs", Value: 3, Usage: "rounds; medians are printed"},
			&cli.BoolFlag{Name: "no-peers", Usage: "without Ansible"},
			&cli.BoolFlag{Name: "only-compile", Usage: "measure compilations only, which needs no throwaway hosts"},
			&cli.BoolFlag{Name: "only-evaluate", Usage: "measure the module evaluator only, beside the nixpkgs that NIXPKGS_LIB names"},
			&cli.BoolFlag{Name: "only-scale", Usage: "measure executions on up to 1,000 simulated hosts only, which needs no throwaway hosts"},
			&cli.BoolFlag{Name: "large", EnvVars: []string{"BENCH_LARGE"}, Usage: "compile 10,000 hosts, too"},
			&cli.StringFlag{Name: "bin", Value: "bin", Usage: "directory of the built commands"},
		},
		Action:   run,
		Commands: []*cli.Command{bareCommand},
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := app.RunContext(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(c *cli.Context) (err error) {
	bin, err := filepath.Abs(c.String("bin"))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "nixfleet-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{ctx: c.Context, bin: bin, dir: dir, figures: map[string][]figure{}}
	if c.Bool("only-evaluate") {
		return b.evaluating(c.Int("runs"))
	}
	if c.Bool("only-compile") {
		return b.compiling(c.Int("runs"), c.Bool("large"))
	}
	if c.Bool("only-scale") {
		return b.scale(c.Int("runs"))
	}
	var specs []lab.HostSpec
	for i := range c.Int("hosts") {
		specs = append(specs, lab.HostSpec{Name: fmt.Sprintf("bench-%d", i+1), Sudo: lab.SudoAll})
	}
	l, err := lab.Start(c.Context, lab.Options{Hosts: specs, Helper: filepath.Join(bin, "nixfleet-host"), Log: os.Stderr})
	if err != nil {
		return err
	}
	defer func() {
		if closed := l.Close(); err == nil {
			err = closed
		}
	}()
	b.lab = l
	if err := b.prepare(!c.Bool("no-peers")); err != nil {
		return err
	}
	for i := range c.Int("runs") {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", i+1, c.Int("runs"))
		if err := b.round(i == 0); err != nil {
			return err
		}
	}
	b.print(os.Stdout)
	if err := b.compiling(c.Int("runs"), c.Bool("large")); err != nil {
		return err
	}
	if err := b.evaluating(c.Int("runs")); err != nil {
		return err
	}
	return b.scale(c.Int("runs"))
}
