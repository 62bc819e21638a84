// Command demo shows NixFleet at work on three throwaway hosts: it compiles
// examples/fleet, shows the plan, executes it, executes it again, changes one
// file, shows the difference and executes that. It cleans up after itself, also
// after Ctrl-C or a failure. `make demo` runs it from the top of the repository.
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
		Name:  "demo",
		Usage: "show NixFleet at work on three throwaway hosts",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "keep", Usage: "leave the hosts up and say how to reach them"},
			&cli.StringFlag{Name: "bin", Value: "bin", Usage: "directory of the built commands"},
			&cli.StringFlag{Name: "fleet", Value: "examples/fleet", Usage: "the fleet to show"},
		},
		Action:          run,
		HideHelpCommand: true,
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	switch err := app.RunContext(ctx, os.Args); {
	case err == nil:
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "interrupted")
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(c *cli.Context) (err error) {
	bin, err := filepath.Abs(c.String("bin"))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "nixfleet-demo-")
	if err != nil {
		return err
	}
	stage := &stage{ctx: c.Context, bin: bin, dir: dir, fleet: filepath.Join(dir, "fleet")}
	defer func() {
		if !c.Bool("keep") || err != nil {
			os.RemoveAll(dir)
		}
	}()
	if err := os.CopyFS(stage.fleet, os.DirFS(c.String("fleet"))); err != nil {
		return fmt.Errorf("cannot copy the fleet: %w", err)
	}
	if err := stage.open(c.Bool("keep")); err != nil {
		return err
	}
	defer func() {
		if c.Bool("keep") && err == nil {
			stage.farewell()
			return
		}
		stage.say("Cleaning up: the hosts, their network and their disks go")
		if closed := stage.lab.Close(); err == nil {
			err = closed
		}
	}()
	return stage.play()
}

// open boots the hosts of the fleet's inventory.
func (s *stage) open(keep bool) (err error) {
	s.say("Booting the throwaway hosts: containers with systemd, sshd, sudo and Nix, in a network of their own")
	names, err := s.hostNames()
	if err != nil {
		return err
	}
	var specs []lab.HostSpec
	for _, name := range names {
		specs = append(specs, lab.HostSpec{Name: name})
	}
	s.lab, err = lab.Start(s.ctx, lab.Options{
		Hosts: specs, Helper: filepath.Join(s.bin, "nixfleet-host"), Log: os.Stderr, Keep: keep,
	})
	return err
}
