package execution

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/cmd/internal/wiring"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// resume goes on with a run of the plan.
func resume(c *cli.Context, plan *schema.Plan, options executor.Options) error {
	if !c.Bool("resume") {
		return ui.Usagef("--run %s: it says which run --resume goes on with", c.String("run"))
	}
	deps, err := wiring.Deps(c.String("state-dir"))
	if err != nil {
		return ui.WithCode(ui.ExitRefused, err)
	}
	story, err := runToResume(c, plan, deps.StateDir)
	if err != nil {
		return ui.WithCode(ui.ExitRefused, err)
	}
	options.Resume = story.Run
	// Of one that has nothing left it is the executor that says so.
	question := fmt.Sprintf("Go on with run %s, which has %s of %d left?", options.Resume, human.Count(story.Left, "host"), story.Hosts)
	if story.Left > 0 {
		if err := confirm(c, question); err != nil {
			return err
		}
	}
	return CarryOut(c, plan, slices.Sorted(maps.Keys(story.Record.Hosts)), options)
}

func runToResume(c *cli.Context, plan *schema.Plan, stateDir string) (*executor.RunStory, error) {
	name := c.String("run")
	if name == "" {
		return executor.Resumable(plan, stateDir)
	}
	run, err := executor.FindRun(stateDir, name)
	if err != nil {
		return nil, err
	}
	return executor.ReadRun(stateDir, run)
}

// tellUnfinished says that there is a run of the plan to go on with, to somebody who
// begins another.
func tellUnfinished(c *cli.Context, plan *schema.Plan) {
	deps, err := wiring.Deps(c.String("state-dir"))
	if err != nil {
		return
	}
	story, err := executor.Resumable(plan, deps.StateDir)
	if err != nil || story.State == executor.RunAtWork {
		return
	}
	fmt.Fprintf(os.Stderr, "note: run %s of this plan has %s left, and --resume continues it; this starts over\n", story.Run, human.Count(story.Left, "host"))
}
