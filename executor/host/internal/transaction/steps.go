package transaction

import (
	"context"
	"errors"
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// doStages does all steps, stage by stage, in the order of [schema.Stages].
func (a *applying) doStages(ctx context.Context) error {
	for _, stage := range schema.Stages {
		if !slices.ContainsFunc(a.record.Steps, func(e kind.Entry) bool { return e.Stage == stage && !e.Forward }) {
			continue
		}
		if ctx.Err() != nil {
			return errors.New("it was told to stop")
		}
		a.Tell(protocol.Event{Stage: stage})
		if stage == schema.StageFiles {
			if err := a.Staged.Finish(); err != nil { // the accounts are there by now
				return err
			}
		}
		if err := a.doStage(ctx, stage); err != nil {
			return err
		}
	}
	return nil
}

// doStage makes the changes of one stage and, with that, durable.
func (t *transaction) doStage(ctx context.Context, stage schema.Stage) error {
	var steps []kind.Step
	for i := range t.record.Steps {
		e := &t.record.Steps[i]
		if e.Stage != stage || e.Forward {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := e.Step().Do(ctx, &t.Site); err != nil {
			return err
		}
		steps = append(steps, e.Step())
		t.Done(e.Change)
	}
	// Only from here on are the renames durable: nothing that relies on them, a
	// start or the verdict, may come earlier.
	return t.syncSteps(steps)
}

// doForward does the steps that cannot be undone, and syncs after each kind. It returns
// the entries that are done, and what could not be done.
func (t *transaction) doForward(ctx context.Context) (done []*kind.Entry, problems []string) {
	var steps []kind.Step
	for i := range t.record.Steps {
		e := &t.record.Steps[i]
		if !e.Forward {
			continue
		}
		steps = append(steps, e.Step())
		if err := e.Step().Do(ctx, &t.Site); err != nil {
			problems = append(problems, err.Error())
			continue
		}
		t.Done(e.Change)
		done = append(done, e)
	}
	if err := t.syncSteps(steps); err != nil {
		problems = append(problems, err.Error())
	}
	return done, problems
}

func (t *transaction) syncSteps(steps []kind.Step) error {
	var names []string
	for _, s := range steps {
		names = append(names, s.Directories()...)
	}
	slices.Sort(names)
	return t.Files.Sync(slices.Compact(names)...)
}

// undoSteps undoes all steps, the last one first. What units do comes last and relies on
// everything else, so that is made durable and checked before. It returns what is not as
// before, and the units that do not run although everything of theirs is as before.
func (t *transaction) undoSteps(ctx context.Context) (left, idle []string) {
	failed := func(err error) {
		for _, err := range flatten(err) {
			var notRunning *kind.NotRunningError
			if errors.As(err, &notRunning) {
				idle = append(idle, notRunning.Units...)
			} else {
				left = append(left, err.Error())
			}
		}
	}
	var undone []kind.Step
	check := func() {
		failed(t.syncSteps(undone))
		for _, s := range undone {
			difference, err := s.Check(&t.Site)
			failed(err)
			if difference != "" {
				left = append(left, difference)
			}
		}
		undone = nil
	}
	for _, e := range slices.Backward(t.record.Steps) {
		if e.Forward {
			continue
		}
		if e.Stage == schema.StageStop && len(undone) > 0 {
			check()
		}
		failed(e.Step().Undo(ctx, &t.Site))
		undone = append(undone, e.Step())
	}
	check()
	return left, idle
}

// flatten returns the errors that were joined.
func flatten(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, err := range joined.Unwrap() {
			all = append(all, flatten(err)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
