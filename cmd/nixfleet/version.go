package main

import (
	"fmt"
	"runtime"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/helper"
	"github.com/nixfleet/nixfleet/cmd/internal/version"
	"github.com/nixfleet/nixfleet/schema"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version, the plan format and the helpers that this nixfleet carries",
		Description: `A helper's hash is what plans name; two builds of one version have the same.

Example: nixfleet version`,
		Action: func(c *cli.Context) error {
			w := c.App.Writer
			fmt.Fprintf(w, "nixfleet %s (%s, plan format %d)\n", version.Version, runtime.Version(), schema.PlanVersion)
			digests, err := helper.Digests()
			if err != nil {
				return err
			}
			for _, system := range helper.Systems {
				fmt.Fprintf(w, "helper for %s: %s\n", system, digests[system])
			}
			return nil
		},
	}
}
