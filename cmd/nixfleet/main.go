// Command nixfleet compiles a fleet into a frozen plan, shows it to people, and
// applies exactly that to hosts. This package only reads flags, wires the parts
// and prints; each command is in a file of its own.
package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/execution"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/cmd/internal/version"
)

func main() { os.Exit(run(os.Args)) }

func run(args []string) int {
	app := newApp()
	err := app.Run(ui.Interleave(app, args))
	ui.PrintError(os.Stderr, err)
	return planExit(args, err)
}

func newApp() *cli.App {
	app := &cli.App{
		Name:    "nixfleet",
		Usage:   "compile a fleet of Ubuntu and NixOS hosts into one reviewed plan, and apply exactly that plan",
		Version: version.Version,
		Description: `A fleet is a flake: an inventory and intent modules. The usual steps:

   nixfleet compile my-fleet -o plan.json    evaluate, build, freeze
   nixfleet show plan.json                   what each host will have
   nixfleet plan plan.json                   what that would change
   nixfleet execute plan.json                apply exactly this plan

All four, with one question before the change: nixfleet apply my-fleet`,
		EnableBashCompletion: true,
		Suggest:              true,
		Commands: []*cli.Command{
			initCommand(), compileCommand(), buildCommand(), showCommand(), diffCommand(), goldenCommand(), verifyCommand(), policyCommand(), workerCommand(),
			planCommand(), execution.Command(), applyCommand(), runHostsCommand(), watchCommand(), statusCommand(), historyCommand(), runsCommand(), rollbackCommand(), rebootCommand(), releaseCommand(), helperCommand(), versionCommand(), completionCommand(), manCommand(),
		},
	}
	ui.Configure(app)
	completeHosts(app)
	return app
}
