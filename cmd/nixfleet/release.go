package main

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

func releaseCommand() *cli.Command {
	return &cli.Command{
		Name:      "release",
		Usage:     "remove hosts from NixFleet and undo everything it manages",
		ArgsUsage: "[FLEET]",
		Description: `Restores adopted files, users and directories, and stops and removes everything else that is managed, in one
change that is undone if it fails or is not confirmed. Then NixFleet removes itself: its state and history,
the profile, its recovery unit and, last, its helper. Needs only the hosts; addresses come from --plan, or from
the inventory of FLEET (default: the current directory).

What stays: directories that are not empty, home directories, store paths until Nix collects garbage, apt
packages, journal lines. If a release is interrupted, run it again. Afterwards, take the host out of the
inventory.

Shows what would change, then asks for the host's name. Without a terminal, --yes is required.

Exit status: 0 done, 1 an error of ours or of a file, 2 wrong usage, 3 refused and nothing touched,
4 hosts failed, 5 hosts left out, 130 interrupted twice.

Examples: nixfleet release --host web-1
          nixfleet release --host web-1 --plan plan.json --dry-run`,
		Flags: backFlags(),
		Action: func(c *cli.Context) error {
			w := &wayBack{operation: schema.OperationRelease, task: "release", foresee: executor.ForeseeRelease, carryOut: executor.Release, question: releaseQuestion}
			record, err := w.run(c)
			if record != nil && !c.Bool("json") {
				tellReleased(record)
			}
			return err
		},
	}
}

// releaseQuestion asks for what nobody types by accident.
func releaseQuestion(hosts []schema.HostName) (question string, agrees func(string) bool) {
	if len(hosts) == 1 {
		return fmt.Sprintf("%s leaves the fleet. Type its name to go on: ", hosts[0]), func(answer string) bool { return answer == string(hosts[0]) }
	}
	want := human.Count(len(hosts), "host")
	return fmt.Sprintf("%s leave the fleet. Type %q to go on: ", want, want), func(answer string) bool { return answer == want }
}

// tellReleased closes with what is true of the hosts that are out.
func tellReleased(record *schema.Record) {
	for _, name := range slices.Sorted(maps.Keys(record.Hosts)) {
		if record.Hosts[name].Outcome == schema.HostChanged {
			fmt.Fprintf(os.Stderr, "%s is released: nothing on it is NixFleet's any more. What services wrote stays, and store paths until nix-collect-garbage\n", name)
		}
	}
}
