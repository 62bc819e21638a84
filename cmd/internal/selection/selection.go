// Package selection is how people name hosts on the command line, alike for all
// commands.
package selection

import (
	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/executor"
)

// Flags returns the flags by which hosts are chosen.
func Flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "host", Usage: "only hosts of this `NAME` or pattern (may be repeated)"},
		&cli.StringSliceFlag{Name: "group", Usage: "only hosts of this `GROUP` (may be repeated); \"all\" is every host"},
	}
}

// Of returns what the flags choose.
func Of(c *cli.Context) executor.Selection {
	return executor.Selection{Hosts: c.StringSlice("host"), Groups: c.StringSlice("group")}
}
