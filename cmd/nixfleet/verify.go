package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "check that a plan is whole: schema, digest, manifests, payloads and closures",
		ArgsUsage: "plan.json",
		Description: `Reads the plan and nothing else: no host, no fleet, no Nix.

Exit status: 0 the plan is whole, 1 it is not.

Example: nixfleet verify plan.json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "digest", Usage: "also require this `DIGEST`, as it was approved"},
		},
		Action: func(c *cli.Context) error {
			name, err := ui.OneArgument(c, "plan.json", "a plan")
			if err != nil {
				return err
			}
			plan, err := planfile.Read(name)
			if err != nil {
				return err
			}
			if want := c.String("digest"); want != "" && want != string(plan.Digest) {
				return fmt.Errorf("plan %q is whole, but another one: expected %s, found %s", name, want, plan.Digest)
			}
			state := ""
			if plan.Index.Preview {
				state = ", a preview: nothing is built yet"
			}
			_, err = fmt.Fprintf(c.App.Writer, "%s is whole: %s, %s%s\n", name, plan.Digest, ui.Count(len(plan.Index.Hosts), "host"), state)
			return err
		},
	}
}
