package transaction

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind/profile"
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
	defer t.Staged.Close()
	if err := t.ensureOrder(); err != nil {
		return Verdict{}, err
	}
	known, err := t.State.Load()
	if err == nil {
		err = t.sweep()
	}
	if err != nil {
		return t.conclude(known, refusal(err))
	}
	goal := order.goal(known, t.State.Manifest(known.Applied))
	work, err := kind.Compare(ctx, host.Base.Kinds, t.World, goal)
	if err == nil && len(work.Refusals) > 0 {
		err = &kind.RefusedError{Refusals: work.Refusals}
	}
	if err != nil {
		return t.conclude(known, refusal(err))
	}
	a := &applying{transaction: t, work: work, goal: goal, confirm: confirm}
	return a.run(ctx)
}

// ensureOrder writes the order down unless the session has.
func (t *transaction) ensureOrder() error {
	_, err := t.State.Read(Name(t.order.ID, "order.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return SaveOrder(t.State, t.order)
	}
	return err
}

// refusal is the verdict on what failed before the first change.
func refusal(cause error) Verdict {
	verdict := Verdict{Outcome: Refused, Message: cause.Error()}
	var known *kind.RefusedError
	if errors.As(cause, &known) {
		verdict.Message, verdict.Hint = kind.Texts(known.Refusals)
	}
	return verdict
}

// applying is a transaction before its commit.
type applying struct {
	*transaction
	work    *kind.Found
	goal    kind.Goal
	confirm func(context.Context) error
}

func (a *applying) run(ctx context.Context) (Verdict, error) {
	next, err := profile.NextGeneration(a.Profile, a.goal.State, a.order.Digest)
	if err != nil {
		return a.conclude(a.goal.State, refusal(err))
	}
	applied := a.goal.State.Applied
	a.Generation = next
	a.record = record{Phase: preparing, Boot: a.BootID, Generation: next, Fresh: applied == nil || applied.Generation != next}
	if a.work.Empty() && !a.record.Fresh {
		if err := a.rename(); err != nil {
			return a.conclude(a.goal.State, refusal(err))
		}
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
		if failed := new(kind.UnitsError); errors.As(err, &failed) {
			a.failedUnits = failed.Units
		}
		return a.undo(context.WithoutCancel(ctx), err.Error(), false)
	}
	return a.finish(context.WithoutCancel(ctx), final)
}

// rename gives a host that needs no change the name that it has in the plan.
func (a *applying) rename() error {
	if a.goal.State.Host == a.order.Host {
		return nil
	}
	a.goal.State.Host = a.order.Host
	// If we crash here, the host has the old name or the new one, and the next
	// execution gives it the name of its plan.
	return a.State.Save(a.goal.State)
}

// prepare does what changes nothing: stage, ask the commands that must accept what is
// staged, and write down how to undo the change.
func (a *applying) prepare(ctx context.Context) error {
	a.Tell(protocol.Event{Stage: schema.StageStaging})
	if err := a.plan(); err != nil {
		return err
	}
	if err := a.saveRecord(); err != nil {
		return err
	}
	if err := a.rootClosure(ctx); err != nil {
		return err
	}
	if err := a.State.Reserve(Name(a.order.ID, "reserve"), stateReserve); err != nil {
		return err
	}
	if err := a.Staged.Fill(); err != nil {
		return err
	}
	if err := a.validate(ctx); err != nil {
		return err
	}
	return a.capture(ctx)
}

// stateReserve is kept free for the verdict and what goes with it.
const stateReserve = 256 << 10

// plan collects what must be staged and where, and checks that there is room.
func (a *applying) plan() error {
	for _, item := range a.work.Items {
		if work, stages := item.Work.(kind.StagedWork); stages {
			if err := work.Plan(&a.Site); err != nil {
				return err
			}
		}
		a.record.Rooted = a.record.Rooted || item.Stage == schema.StageProfile && !item.Passive
	}
	a.record.Places = a.Staged.Names()
	return a.Staged.CheckSpace(a.Free)
}

// validate refuses what something on the host does not accept.
func (a *applying) validate(ctx context.Context) error {
	var refusals []kind.Refusal
	told := false
	for _, item := range a.work.Items {
		work, checks := item.Work.(kind.CheckedWork)
		if !checks || !work.Checks() {
			continue
		}
		if !told {
			a.Tell(protocol.Event{Stage: schema.StageValidate})
			told = true
		}
		refusal, err := work.Validate(ctx, &a.Site)
		if err != nil {
			return err
		}
		if refusal != nil {
			refusals = append(refusals, *refusal)
		}
	}
	if len(refusals) > 0 {
		return &kind.RefusedError{Refusals: refusals}
	}
	return nil
}

// capture writes down all that undoing the change needs. When it returns, that is
// durable, and nothing has changed.
func (a *applying) capture(ctx context.Context) (err error) {
	if a.record.Steps, err = a.work.Capture(ctx, a.Base.Kinds, &a.Site); err != nil {
		return err
	}
	if err := a.Staged.SyncNames(); err != nil {
		return err
	}
	a.record.Phase, a.record.Edits = changing, a.Edits
	for _, item := range a.work.Items {
		if change := item.Change(); change != nil && !item.Forward {
			a.record.Changes = append(a.record.Changes, *change)
		}
	}
	return a.saveRecord()
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
	a.record.Steps, a.record.Edits = nil, a.Edits
	if err := a.cleanUp(false); err != nil {
		return Verdict{}, errors.Join(cause, err)
	}
	return a.conclude(a.goal.State, refusal(cause))
}

// change makes the changes, in order, and returns the new state.
func (a *applying) change(ctx context.Context) (*schema.State, error) {
	if err := a.doStages(ctx); err != nil {
		return nil, err
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
// that a host was not well is often the reason to go back.
func (a *applying) checkHealth(ctx context.Context) error {
	checks := a.order.Manifest.HealthChecks
	if a.order.Kind != Apply || len(a.Health.Concerned(checks)) == 0 {
		return nil
	}
	a.Tell(protocol.Event{Stage: schema.StageHealth})
	return a.Health.Ask(ctx, checks, a.Note)
}

// conclude records how the transaction ended.
func (t *transaction) conclude(known *schema.State, verdict Verdict) (Verdict, error) {
	verdict.Transaction, verdict.At, verdict.Changes = t.order.ID, t.Date(), t.changes
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
		t.Note(fmt.Sprintf("cannot clean up: %v", err))
	}
	return verdict, nil
}
