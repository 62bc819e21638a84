package transaction

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind/file"
	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/schema"
)

// defaultKeep is how many generations are kept by default.
const defaultKeep = 10

// prepareCommit makes durable what the host must have once the manifest is its
// own, and returns the state file that will say so.
func (a *applying) prepareCommit(ctx context.Context) (*schema.State, error) {
	old := map[schema.Digest]bool{}
	if a.goal.Previous != nil {
		for _, digest := range a.goal.Previous.PayloadDigests() {
			old[digest] = true
		}
	}
	fresh := slices.DeleteFunc(a.order.Manifest.PayloadDigests(), func(d schema.Digest) bool { return old[d] })
	if err := a.State.SyncBlobs(fresh); err != nil {
		return nil, err
	}
	if err := a.State.SaveGeneration(state.Generation{
		Number: a.record.Generation, Manifest: a.order.Digest, Of: a.broughtBack(), Plan: a.order.Plan, Revision: a.order.Revision,
		Run: a.order.Run, Operator: a.order.Operator, At: a.Date(),
	}, &a.order.Manifest, a.order.Closure); err != nil {
		return nil, err
	}
	return a.finalState(ctx)
}

// broughtBack returns the generation that the one in effect will have brought back.
// One that is only repaired stays what it is.
func (a *applying) broughtBack() int {
	if !a.record.Fresh {
		if before, _, _, err := a.State.LoadGeneration(a.record.Generation); err == nil {
			return before.Of
		}
	}
	return a.order.To
}

func (a *applying) finalState(ctx context.Context) (*schema.State, error) {
	final := *a.goal.State
	final.Host = a.order.Host
	final.Owned = a.work.Owned
	for _, e := range a.record.Steps { // ours until they are gone
		if of := e.Change; e.Forward && of != nil {
			final.Owned.Set(of.Kind, of.Object, a.goal.State.Owned[of.Kind][of.Object])
		}
	}
	final.Applied = &schema.Applied{
		Generation: a.record.Generation, Manifest: a.order.Digest, Plan: a.order.Plan, Transaction: a.order.ID,
		Run: a.order.Run, Operator: a.order.Operator, At: a.Date(),
	}
	for _, entry := range a.order.Closure {
		final.Applied.Verified = append(final.Applied.Verified, entry.Path)
	}
	final.Reboot = a.Base.RebootNeeded(a.Files.Root())
	var err error
	final.Units, err = a.health(ctx)
	return &final, err
}

// commit says that the host is what the manifest says. After an error what can be
// read decides, once it is durable; while it is not, nothing is decided, and open is true.
func (a *applying) commit(final *schema.State) (open bool, err error) {
	// If we crash here, the state before is there, and recovery undoes the change; or
	// the new one, and recovery cleans up.
	if err = a.State.Save(final); err == nil {
		return false, nil
	}
	known, loadErr := a.State.Load()
	if loadErr == nil && (known.Applied == nil || known.Applied.Transaction != a.order.ID) {
		return false, fmt.Errorf("cannot commit: %w", err)
	}
	if err := errors.Join(loadErr, a.State.Save(final)); err != nil {
		return true, fmt.Errorf("cannot commit: %w", err)
	}
	return false, nil
}

// finish does what is left when a transaction is committed: what cannot be undone, and
// removing what is not needed any more. It cannot change the verdict; what fails is
// mentioned.
func (t *transaction) finish(ctx context.Context, known *schema.State) (Verdict, error) {
	t.unreserve()
	done, problems := t.doForward(ctx)
	if err := t.disown(known, done); err != nil {
		return Verdict{}, err
	}
	for _, clean := range []func() error{
		t.cleanUpOrNote,
		func() error { return t.collect(known) },
	} {
		if err := clean(); err != nil {
			problems = append(problems, fmt.Sprintf("cannot clean up: %v", err))
		}
	}
	verdict := Verdict{Outcome: Applied, Message: strings.Join(problems, "\n")}
	if len(t.changes) == 0 {
		verdict.Outcome = Unchanged
	}
	for _, problem := range problems {
		t.Note(problem)
	}
	return t.conclude(known, verdict)
}

// disown forgets what is gone.
func (t *transaction) disown(known *schema.State, done []*kind.Entry) error {
	for _, e := range done {
		if e.Change != nil {
			delete(known.Owned[e.Change.Kind], e.Change.Object)
		}
	}
	if len(done) == 0 {
		return nil
	}
	// If we crash here, what is gone counts as ours; recovery says it again.
	return t.State.Save(known)
}

// collect lets go of what only earlier generations needed.
func (t *transaction) collect(known *schema.State) error {
	keep := t.order.Keep
	if keep <= 0 {
		keep = defaultKeep
	}
	kept, err := t.State.Collect(known, keep)
	if err != nil {
		return err
	}
	if t.order.Manifest.Closure == nil { // the one in effect may be of any generation before
		return file.CollectEdits(t.State)
	}
	return errors.Join(t.Profile.Collect(t.record.Generation, kept), file.CollectEdits(t.State))
}

// health tells how the managed units are.
func (a *applying) health(ctx context.Context) (map[schema.UnitName]schema.UnitState, error) {
	var names []schema.UnitName
	for _, u := range a.order.Manifest.Units {
		names = append(append(names, u.Name), u.Starts...)
	}
	names = slices.DeleteFunc(names, schema.UnitName.IsTemplate)
	slices.Sort(names)
	health := map[schema.UnitName]schema.UnitState{}
	names = slices.Compact(names)
	if len(names) == 0 {
		return health, nil
	}
	status, err := a.Units.List(ctx, names)
	for name, s := range status {
		health[name] = schema.UnitState{Active: s.Active, Sub: s.Sub}
	}
	return health, err
}

func isAbsent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
