// Command lab starts, lists, uses and ends labs of throwaway hosts by hand.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := app().RunContext(ctx, os.Args)
	var status exitStatus
	switch {
	case errors.As(err, &status):
		os.Exit(int(status))
	case err != nil:
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

func app() *cli.App {
	return &cli.App{
		Name:            "lab",
		Usage:           "throwaway hosts on this machine",
		HideHelpCommand: true,
		Flags: []cli.Flag{&cli.StringFlag{
			Name: "cache", Usage: "`DIR` for images and running labs", Value: lab.DefaultCacheDir(), EnvVars: []string{"NIXFLEET_LAB_CACHE"},
		}},
		Commands: []*cli.Command{
			upCommand(), downCommand(), listCommand(), execCommand(), runCommand(), hostCommand(), imagesCommand(), cleanCommand(),
		},
		// Errors are printed and turned into an exit code by main.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   func(_ *cli.Context, err error, _ bool) error { return err },
	}
}

// exitStatus is that of a command that ran in the lab; it has said itself what was wrong.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }
