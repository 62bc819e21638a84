package transaction

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// undo makes the host what it was before the change, and records that. It goes on
// after a step that cannot be undone, so that as much as possible is as before.
func (t *transaction) undo(ctx context.Context, cause string, boot bool) (Verdict, error) {
	t.Tell(protocol.Event{Stage: schema.StageUndo})
	t.noteCause(cause)
	left, idle := t.restore(ctx, boot)
	verdict := Verdict{Outcome: RolledBack, Message: cause, FailedUnits: t.failedUnits}
	if len(left) == 0 {
		if err := t.forget(); err != nil {
			return verdict, err
		}
	}
	if problems := append(left, idle...); len(problems) > 0 {
		verdict.Outcome, verdict.Unfinished = Failed, len(left) > 0
		verdict.Message = cause + "\nand the host is not as it was before:\n  " + strings.Join(problems, "\n  ")
		verdict.Hint = "fix the problems above; the undo is retried on the next connection"
		if len(left) == 0 {
			verdict.Hint = "files, accounts and the profile are as before; see the unit's journal, and execute again"
		}
	}
	known, err := t.State.Load()
	if err != nil {
		return verdict, err
	}
	return t.conclude(known, verdict)
}

// restore undoes what was changed. It returns what is not as before, and which units do
// not run although everything of theirs is as before.
func (t *transaction) restore(ctx context.Context, boot bool) (left, idle []string) {
	t.unreserve()
	if t.record.Phase != changing {
		return nil, nil
	}
	t.Booting = boot
	left, idle = t.undoSteps(ctx)
	slices.Sort(left)
	return slices.Compact(left), idle
}

// forget removes all traces of a change that is undone. From here on nothing could
// be brought back, so that is written down first.
func (t *transaction) forget() error {
	if t.record.Phase == changing {
		t.record.Phase = undone
		if err := t.saveRecord(); err != nil {
			return err
		}
	}
	return t.cleanUp(false)
}

// unreserve gives the room to the way back that was kept for it. Where that fails,
// there may be room all the same.
func (t *transaction) unreserve() {
	for _, name := range t.record.Places {
		if place, err := t.Staged.Place(name); err == nil {
			_ = place.Unreserve()
		}
	}
	_ = t.removeReserve()
}

func (t *transaction) removeReserve() error {
	name := Name(t.order.ID, "reserve")
	if _, err := t.State.Read(name); isAbsent(err) {
		return nil
	}
	return t.State.Remove(name)
}

// cleanUp removes what was there for the sake of the transaction.
func (t *transaction) cleanUp(committed bool) error {
	t.Staged.Close()
	if !committed {
		if t.record.Fresh {
			if err := t.State.RemoveGeneration(t.record.Generation); err != nil {
				return err
			}
		}
		if t.record.Edits != "" {
			if err := t.State.Remove(t.record.Edits); err != nil {
				return err
			}
		}
	}
	var above []string
	for _, name := range t.record.Places {
		if err := t.Files.RemovePlace(name); err != nil {
			return err
		}
		above = append(above, path.Dir(name), path.Dir(path.Dir(name)))
	}
	if err := t.Files.Sync(above...); err != nil {
		return err
	}
	if t.record.Rooted {
		if err := t.Profile.Unroot(); err != nil {
			return err
		}
	}
	return t.removeReserve()
}

// noteCause writes down why the change is undone, for the verdict of the process that ends
// an undo that is interrupted. The undo does not depend on it.
func (t *transaction) noteCause(cause string) {
	// If we crash here, the verdict will say that the transaction was interrupted.
	if _, err := t.State.Read(Name(t.order.ID, "cause")); err != nil {
		_ = t.State.Write(Name(t.order.ID, "cause"), []byte(cause))
	}
}

// Recover finishes or undoes what was interrupted; nil where nothing was. At boot
// systemd has read the half-changed units, and units are only asked to start and
// stop, not waited for: they come after us.
func Recover(ctx context.Context, host Host, boot bool, tell func(protocol.Event)) (*Verdict, error) {
	open, err := Unfinished(host.Work.State)
	if err != nil || open == nil {
		return nil, err
	}
	known, err := host.Work.State.Load()
	if err != nil {
		return nil, err
	}
	t := newTransaction(host, open.Order, tell)
	defer t.Staged.Close()
	verdict, err := t.recover(ctx, open, boot, known.Applied != nil && known.Applied.Transaction == open.Order.ID)
	if err != nil {
		return nil, fmt.Errorf("cannot recover the transaction %s: %w", open.Order.ID, err)
	}
	return &verdict, nil
}

func (t *transaction) recover(ctx context.Context, open *Interrupted, boot, committed bool) (Verdict, error) {
	err := loadJSON(t.State, Name(t.order.ID, "record.json"), &t.record)
	known, loadErr := t.State.Load()
	switch {
	case loadErr != nil:
		return Verdict{}, loadErr
	case err != nil && !isAbsent(err):
		return Verdict{}, err
	}
	if err := kind.Decode(t.Base.Kinds, t.record.Steps); err != nil {
		return Verdict{}, err
	}
	if committed {
		t.changes = t.record.Changes
		return t.finish(ctx, known)
	}
	cause := "it was interrupted"
	if text, err := t.State.Read(Name(t.order.ID, "cause")); err == nil && len(text) > 0 {
		cause = string(text)
	} else if t.record.Phase != changing {
		cause = "it was interrupted before anything was changed"
	}
	t.changes = append(t.changes, t.record.Changes...)
	return t.undo(ctx, cause, boot)
}
