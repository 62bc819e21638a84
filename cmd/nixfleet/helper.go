package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/helper"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

func helperCommand() *cli.Command {
	return &cli.Command{
		Name:      "helper",
		Usage:     "print the helper that runs on hosts, to install it by other means",
		ArgsUsage: "x86_64-linux|aarch64-linux",
		Description: `An execution installs and updates the helper itself if its user has full sudo. Otherwise install it first: in
an image, with cloud-init, or with another login. Prints the binary to standard output.

Example: nixfleet helper x86_64-linux | ssh root@web-1 'install -D -m 0755 /dev/stdin ` + protocol.HelperPath + `'`,
		BashComplete: func(c *cli.Context) {
			for _, system := range helper.Systems {
				fmt.Fprintln(c.App.Writer, system)
			}
		},
		Action: func(c *cli.Context) error {
			name, err := ui.OneArgument(c, string(schema.X8664Linux), "a system")
			if err != nil {
				return err
			}
			if !slices.Contains(helper.Systems, schema.System(name)) {
				return ui.Usagef("there is no helper for the system %q: expected one of %v", name, helper.Systems)
			}
			if ui.IsTerminal(os.Stdout) {
				return schema.WithHint(ui.Usagef("the helper is a program and not for a terminal"), "nixfleet helper %s >nixfleet-host", name)
			}
			binary, err := helper.Binary(schema.System(name))
			if err != nil {
				return err
			}
			_, err = c.App.Writer.Write(binary)
			return err
		},
	}
}
