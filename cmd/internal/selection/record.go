package selection

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/wiring"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/schema"
)

// readRecord reads the record of a run, or of the last one, from where this command
// keeps records.
func readRecord(c *cli.Context, name string) (*schema.Record, error) {
	dir := c.String("state-dir")
	if dir == "" { // a command that keeps no records has no flag
		dir = os.Getenv("NIXFLEET_STATE_DIR")
	}
	deps, err := wiring.Deps(dir)
	if err != nil {
		return nil, err
	}
	run, err := executor.FindRun(deps.StateDir, name)
	if err != nil {
		return nil, fmt.Errorf("--failed-of %s: %w", name, err)
	}
	story, err := executor.ReadRun(deps.StateDir, run)
	if err != nil {
		return nil, err
	}
	return story.Record, nil
}
