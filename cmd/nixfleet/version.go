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
		Usage: "print the version, the plan format and the bundled helpers",
		Description: `Plans name the helper by its hash; all builds of one version have the same hash.

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
