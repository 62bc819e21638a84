package transaction

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Run carries out an order, and undoes what it did where that fails. Confirm is
// called once the host has changed and is healthy, unless the order wants no
// confirmation; an error of it undoes the change as any other. When ctx is done,
// the change fails too, and is undone all the same. The verdict is recorded when
// Run returns, unless it returns an error: then the transaction is unfinished.
func Run(ctx context.Context, host Host, order Order, tell func(protocol.Event), confirm func(context.Context) error) (Verdict, error) {
	t := newTransaction(host, order, tell)
	defer t.close()
	if err := t.ensureOrder(); err != nil {
		return Verdict{}, err
	}
	known, err := host.State.Load()
	if err == nil {
		err = t.sweep()
	}
	if err != nil {
		return t.conclude(known, refusal(refuse(err)))
	}
	goal := order.goal(known, host.State.Manifest(known.Applied))
	work, err := inspect.Compare(ctx, host.Host, goal)
	if err == nil && len(work.Refusals) > 0 {
		err = &refusedError{work.Refusals}
	}
	if err != nil {
		return t.conclude(known, refusal(refuse(err)))
	}
	a := &applying{transaction: t, work: work, goal: goal, confirm: confirm}
	return a.run(ctx)
}

// ensureOrder writes the order down where nobody has.
func (t *transaction) ensureOrder() error {
	_, err := t.State.Read(Name(t.order.ID, "order.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return SaveOrder(t.State, t.order)
	}
	return err
}

func refusal(err *refusedError) Verdict {
	verdict := Verdict{Outcome: Refused}
	verdict.Message, verdict.Hint = inspect.Texts(err.refusals)
	return verdict
}

// applying is a transaction before its commit.
type applying struct {
	*transaction
	work    *inspect.Work
	goal    inspect.Goal
	confirm func(context.Context) error
	stage   stage
}

func (a *applying) run(ctx context.Context) (Verdict, error) {
	next, err := inspect.NextGeneration(a.Profile, a.goal.State, a.order.Digest)
	if err != nil {
		return a.conclude(a.goal.State, refusal(refuse(err)))
	}
	applied := a.goal.State.Applied
	a.record = record{Phase: staging, Boot: a.BootID, Generation: next, Fresh: applied == nil || applied.Generation != next}
	if a.work.Empty() && !a.record.Fresh {
		return a.conclude(a.goal.State, Verdict{Outcome: Unchanged})
	}
	if err := a.prepare(ctx); err != nil {
		return a.abandon(err)
	}
	final, err := a.change(ctx)
	if err == nil {
		open := false
		if open, err = a.commit(final); open {
			return Verdict{}, err
		}
	}
	if err != nil {
		return a.undo(context.WithoutCancel(ctx), err.Error(), false)
	}
	return a.finish(context.WithoutCancel(ctx), final)
}

// prepare does what changes nothing: keep what would be overwritten, stage, ask
// whoever must accept it, and write down how to undo it.
func (a *applying) prepare(ctx context.Context) error {
	a.tell(protocol.Event{Stage: schema.StageStaging})
	if err := a.keepOriginals(); err != nil {
		return err
	}
	if err := a.planStage(); err != nil {
		return err
	}
	if err := a.saveRecord(); err != nil {
		return err
	}
	if err := a.rootClosure(ctx); err != nil {
		return err
	}
	if err := a.fillStage(); err != nil {
		return err
	}
	if err := a.validate(ctx); err != nil {
		return err
	}
	return a.capture(ctx)
}

// rootClosure keeps the closure from the garbage collector until the profile does.
func (a *applying) rootClosure(ctx context.Context) error {
	if !a.record.Rooted {
		return nil
	}
	if err := a.Profile.Root(a.order.Manifest.Closure.Path); err != nil {
		return err
	}
	// Rooted first and asked afterwards: between the two nothing can be collected.
	return a.CheckClosure(ctx, a.order.Closure)
}

// abandon undoes a preparation that failed.
func (a *applying) abandon(cause error) (Verdict, error) {
	a.record.Steps = nil
	if err := a.cleanUp(false); err != nil {
		return Verdict{}, errors.Join(cause, err)
	}
	return a.conclude(a.goal.State, refusal(refuse(cause)))
}

// change makes the changes, in order, and returns what the state file shall say.
func (a *applying) change(ctx context.Context) (*schema.State, error) {
	for _, part := range []struct {
		stage schema.Stage
		do    func(context.Context) error
	}{
		{schema.StageStop, a.stopUnits},
		{schema.StageAccounts, func(ctx context.Context) error { return a.doSteps(ctx, schema.StageAccounts) }},
		{schema.StageFiles, a.changeFiles},
		{schema.StageProfile, func(ctx context.Context) error { return a.doSteps(ctx, schema.StageProfile) }},
		{schema.StageUnits, a.startUnits},
	} {
		if err := ctx.Err(); err != nil {
			return nil, errors.New("it was told to stop")
		}
		a.tell(protocol.Event{Stage: part.stage})
		if err := part.do(ctx); err != nil {
			return nil, err
		}
	}
	if err := a.checkHealth(ctx); err != nil {
		return nil, err
	}
	final, err := a.prepareCommit(ctx)
	if err != nil {
		return nil, err
	}
	if window, _ := time.ParseDuration(a.order.ConfirmWindow); window <= 0 || a.confirm == nil || a.work.Empty() {
		return final, nil
	}
	return final, a.confirm(ctx)
}

// checkHealth asks the plan's health checks. What goes back to what it was is not asked:
// that a host was not well is often why somebody goes back.
func (a *applying) checkHealth(ctx context.Context) error {
	checks := a.order.Manifest.HealthChecks
	if a.order.Kind != Apply || len(a.Health.Concerned(checks)) == 0 {
		return nil
	}
	a.tell(protocol.Event{Stage: schema.StageHealth})
	return a.Health.Ask(ctx, checks, func(note string) { a.tell(protocol.Event{Note: note}) })
}

// changeFiles changes files and directories: what goes goes first, so that a
// directory can take the place of a file and the other way round.
func (a *applying) changeFiles(ctx context.Context) error {
	if err := a.stage.finish(a.transaction); err != nil {
		return err
	}
	return a.doSteps(ctx, schema.StageFiles)
}

// conclude records how the transaction ended.
func (t *transaction) conclude(known *schema.State, verdict Verdict) (Verdict, error) {
	verdict.Transaction, verdict.At, verdict.Changes = t.order.ID, t.date(), t.changes
	if known != nil && known.Applied != nil {
		verdict.Generation = known.Applied.Generation
	}
	if len(t.remarks) > 0 {
		verdict.Message = strings.Join(append(slices.DeleteFunc([]string{verdict.Message}, func(s string) bool { return s == "" }), t.remarks...), "\n")
	}
	if err := t.addHistory(verdict); err != nil {
		return verdict, err
	}
	// If we crash here, recovery finds nothing to do but to say this again.
	if err := saveJSON(t.State, Name(t.order.ID, "verdict.json"), verdict); err != nil {
		return verdict, err
	}
	if err := t.collectTransactions(); err != nil {
		t.tell(protocol.Event{Note: fmt.Sprintf("cannot clean up: %v", err)})
	}
	return verdict, nil
}
