package execution

import (
	"fmt"
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/surroundings"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/schema"
)

// resume goes on with a run of the plan.
func resume(c *cli.Context, plan *schema.Plan, options executor.Options) error {
	if !c.Bool("resume") {
		return ui.Usagef("--run %s: it says which run --resume goes on with", c.String("run"))
	}
	deps, err := surroundings.Deps(c.String("state-dir"))
	if err != nil {
		return ui.WithCode(ui.ExitRefused, err)
	}
	if name := c.String("run"); name != "" {
		options.Resume, err = executor.FindRun(deps.StateDir, name)
	} else {
		options.Resume, err = executor.Resumable(plan, deps.StateDir)
	}
	if err != nil {
		return ui.WithCode(ui.ExitRefused, err)
	}
	story, err := executor.ReadRun(deps.StateDir, options.Resume)
	if err != nil {
		return ui.WithCode(ui.ExitRefused, err)
	}
	question := fmt.Sprintf("Go on with run %s, which has %s of %d left?", options.Resume, ui.Count(story.Left, "host"), story.Hosts)
	if !c.Bool("yes") && !confirmed(question) {
		return ui.WithCode(ui.ExitRefused, errNotConfirmed)
	}
	return CarryOut(c, plan, slices.Sorted(maps.Keys(story.Record.Hosts)), options)
}
