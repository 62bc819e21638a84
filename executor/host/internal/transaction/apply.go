// Package transaction makes a host what its manifest says: it does the work that
// package inspect found, in the one order that leaves units with what they need
// at every moment, and keeps the state file true on the way.
//
// Whatever can be refused or prepared comes before the first change. The state
// file then says that an apply is pending and what is about to become ours, so
// that after a crash at any point the same apply, or another, completes the work
// and takes nothing of it for somebody else's.
package transaction

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// applying is an apply at work.
type applying struct {
	Host
	runOrder
	work   *inspect.Work
	tell   func(protocol.Event)
	before *schema.State
	// pending is the state while the apply is at work.
	pending *schema.State
	stage   stage
	result  *outcome
	// returned are files whose original is back.
	returned []string
	// stopped are units that an apply that fails starts again.
	stopped []schema.UnitName
}

// prepare does what changes nothing: keep what would be overwritten, write ahead,
// keep what could be collected, and stage.
func (a *applying) prepare(ctx context.Context) error {
	a.tell(protocol.Event{Stage: "stage"})
	if err := a.keepOriginals(); err != nil {
		return err
	}
	if err := a.planStage(); err != nil {
		return err
	}
	if err := a.writeAhead(); err != nil {
		return err
	}
	if profile := a.work.Profile; profile != nil {
		if err := a.Profile.Root(profile.Do.Path); err != nil {
			return err
		}
		// Rooted first and asked afterwards: between the two nothing can be collected.
		if err := a.runOrder.CheckClosure(ctx); err != nil {
			return err
		}
	}
	if err := a.fillStage(); err != nil {
		return err
	}
	return a.validate(ctx)
}

// writeAhead says in the state file what is about to become ours.
func (a *applying) writeAhead() error {
	next := *a.before
	next.Host = a.Name
	next.Owned = union(a.before.Owned, a.work.Owned)
	next.Pending = &schema.Pending{Manifest: a.Digest, Plan: a.Plan, Run: a.Run, Since: a.date(), Staging: a.stage.directories()}
	for _, job := range a.work.Jobs {
		if job.Do.Verb == "reload" {
			next.Pending.Reload = append(next.Pending.Reload, job.Do.Unit)
		} else {
			next.Pending.Restart = append(next.Pending.Restart, job.Do.Unit)
		}
	}
	if old := a.before.Pending; old != nil {
		next.Pending.Staging = slices.Compact(slices.Sorted(slices.Values(append(next.Pending.Staging, old.Staging...))))
	}
	a.pending = &next
	// If we crash here, the old state stands and nothing has changed.
	return a.State.Save(&next)
}

// union returns what is owned before or after.
func union(before, after schema.Owned) schema.Owned {
	owned := schema.Owned{
		Files: maps.Clone(after.Files), Directories: maps.Clone(after.Directories),
		Users: maps.Clone(after.Users), Groups: maps.Clone(after.Groups),
	}
	for name, original := range before.Files {
		if _, stays := after.Files[name]; !stays {
			owned.Files[name] = original
		}
	}
	for name, original := range before.Directories {
		original.Declared = original.Declared || after.Directories[name].Declared
		owned.Directories[name] = original
	}
	maps.Copy(owned.Users, before.Users)
	maps.Copy(owned.Groups, before.Groups)
	return owned
}

// abandon undoes a preparation that failed.
func (a *applying) abandon() error {
	a.close()
	err := a.stage.remove(a.Files)
	if a.pending == nil {
		return err
	}
	before := *a.before
	before.Host = a.Name // a host that was never changed had no name
	// If we crash here, an apply is pending that has changed nothing.
	return errors.Join(err, a.Profile.Unroot(), a.State.Save(&before))
}

func (a *applying) close() { a.stage.close() }

// change makes the changes, in order.
func (a *applying) change(ctx context.Context) error {
	for _, part := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"stop", a.stopUnits},
		{"accounts", a.addAccounts},
		{"files", a.changeFiles},
		{"accounts", a.dropAccounts},
		{"profile", a.switchProfile},
		{"units", a.startUnits},
		{"commit", a.commit},
	} {
		a.tell(protocol.Event{Stage: part.name})
		if err := part.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// date is the time as the state file has it.
func (a *applying) date() time.Time { return a.Now().UTC().Truncate(time.Second) }

// done reports a change that was made.
func (a *applying) done(change *schema.Change) {
	if change != nil {
		a.result.Changes = append(a.result.Changes, *change)
		a.tell(protocol.Event{Change: change})
	}
}

// fail records why the apply failed, and starts again what it had stopped, so
// that the host serves as well as it can until the next apply.
func (a *applying) fail(ctx context.Context, cause error) error {
	errs := []error{cause}
	if err := a.startStopped(ctx); err != nil {
		errs = append(errs, err)
	}
	a.letGo()
	a.pending.Pending.Failure = errors.Join(errs...).Error()
	// If we crash here, the state file says that the apply was cut off.
	if err := a.State.Save(a.pending); err != nil {
		errs = append(errs, fmt.Errorf("cannot record the failure: %w", err))
	}
	return errors.Join(errs...)
}

// letGo forgets what was given back: from then on it is somebody else's, and the
// next apply must not give it back once more.
func (a *applying) letGo() {
	for _, name := range a.returned {
		delete(a.pending.Owned.Files, name)
	}
	for _, change := range a.result.Changes {
		if change.Action != schema.GiveUp {
			continue
		}
		switch change.Kind {
		case "directory":
			delete(a.pending.Owned.Directories, change.Object)
		case "user":
			delete(a.pending.Owned.Users, schema.AccountName(change.Object))
		case "group":
			delete(a.pending.Owned.Groups, schema.AccountName(change.Object))
		}
	}
}

func (a *applying) switchProfile(context.Context) error {
	if a.work.Profile == nil {
		return nil
	}
	next := a.work.Profile.Do
	if err := a.Profile.Switch(next.Number, next.Path); err != nil {
		return err
	}
	a.result.Generation = next.Number
	a.done(a.work.Profile.Change)
	return nil
}

// meta resolves an ownership's names, now that all accounts exist. It is not ok
// where one does not.
func meta(owner inspect.Ownership, accounts *account.Database) (rooted.Meta, bool) {
	result := rooted.Meta{Mode: owner.Mode, UID: owner.UID, GID: owner.GID}
	if owner.Owner == "" {
		return result, true
	}
	user, userOK := accounts.User(owner.Owner)
	group, groupOK := accounts.Group(owner.Group)
	result.UID, result.GID = user.UID, group.GID
	return result, userOK && groupOK
}
