// Command nixfleet-execute is the thin executor alone: it applies a plan, and
// has neither a compiler nor a use for Nix where it runs. With a plan and a
// binary-cache directory it does its work.
package main

import (
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/execution"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/cmd/internal/version"
)

func main() {
	command := execution.Command()
	app := &cli.App{
		Name:            "nixfleet-execute",
		Usage:           command.Usage,
		ArgsUsage:       command.ArgsUsage,
		Description:     strings.ReplaceAll(command.Description, "nixfleet execute", "nixfleet-execute"),
		Version:         version.Version,
		Flags:           command.Flags,
		Action:          command.Action,
		HideHelpCommand: true,
	}
	ui.Configure(app)
	err := app.Run(ui.Interleave(app, os.Args))
	ui.PrintError(os.Stderr, err)
	os.Exit(ui.ExitCode(err))
}
