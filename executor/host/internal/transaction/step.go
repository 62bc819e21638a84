package transaction

import (
	"context"
	"slices"

	"github.com/nixfleet/nixfleet/schema"
)

// step is one change of the host.
type step interface {
	// do makes the change.
	do(context.Context, *transaction) error
	// undo makes everything what it was before, however far do came, and however
	// often it has been undone before.
	undo(context.Context, *transaction) error
	// check says what is not as it was before; empty where everything is.
	check(*transaction) (difference string, err error)
	// directories are those whose entries it changes.
	directories() []string
}

// entry is a step as the record has it. Exactly one of the first fields is set.
type entry struct {
	Group     *groupStep     `json:"group,omitempty"`
	User      *userStep      `json:"user,omitempty"`
	File      *fileStep      `json:"file,omitempty"`
	Directory *directoryStep `json:"directory,omitempty"`
	Profile   *profileStep   `json:"profile,omitempty"`
	// Nothing says that there is nothing to do but to report it: somebody else's
	// becomes ours as it is.
	Nothing bool `json:"nothing,omitempty"`
	// Change is what is reported of it; nil for what belongs to another's report.
	Change *schema.Change `json:"change,omitempty"`
}

func (e entry) step() step {
	switch {
	case e.Group != nil:
		return e.Group
	case e.User != nil:
		return e.User
	case e.File != nil:
		return e.File
	case e.Directory != nil:
		return e.Directory
	case e.Profile != nil:
		return e.Profile
	}
	return nothing{}
}

type nothing struct{}

func (nothing) do(context.Context, *transaction) error   { return nil }
func (nothing) undo(context.Context, *transaction) error { return nil }
func (nothing) check(*transaction) (string, error)       { return "", nil }
func (nothing) directories() []string                    { return nil }

// stage is the part of the work that the step belongs to.
func (e entry) stage() schema.Stage {
	switch {
	case e.Group != nil, e.User != nil, e.Nothing:
		return schema.StageAccounts
	case e.File != nil, e.Directory != nil:
		return schema.StageFiles
	}
	return schema.StageProfile
}

// doSteps makes the changes of one stage and, with that, durable.
func (t *transaction) doSteps(ctx context.Context, stage schema.Stage) error {
	var steps []step
	for _, e := range t.record.Steps {
		if e.stage() != stage {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := e.step().do(ctx, t); err != nil {
			return err
		}
		steps = append(steps, e.step())
		t.done(e.Change)
	}
	// Only from here on are the renames durable: nothing that relies on them, a
	// start or the verdict, may come earlier.
	return t.syncSteps(steps)
}

func (t *transaction) syncSteps(steps []step) error {
	var names []string
	for _, s := range steps {
		names = append(names, s.directories()...)
	}
	slices.Sort(names)
	return t.Files.Sync(slices.Compact(names)...)
}
