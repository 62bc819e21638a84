package transaction

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// capture writes down all that undoing the change needs. When it returns, that is
// durable, and nothing has changed.
func (a *applying) capture(ctx context.Context) error {
	accounts, err := account.Load(a.Files)
	if err != nil {
		return err
	}
	for _, part := range []func(*account.Database) error{
		a.captureAccounts, a.captureRemovals, a.captureDirectories, a.captureFiles, a.captureGivenBack, a.captureProfile, a.captureDrops,
	} {
		if err := part(accounts); err != nil {
			return err
		}
	}
	if err := a.captureUnits(ctx); err != nil {
		return err
	}
	for _, name := range a.record.Places {
		if err := a.places[name].SyncPlace(); err != nil {
			return err
		}
	}
	a.record.Phase, a.record.Reload, a.record.Changes = changing, a.work.DaemonReload, a.work.Changes()
	a.record.Changes = a.record.Changes[:len(a.record.Changes)-len(a.record.Drops)]
	return a.saveRecord()
}

func (a *applying) add(e entry) { a.record.Steps = append(a.record.Steps, e) }

func (a *applying) captureAccounts(accounts *account.Database) error {
	for _, step := range a.work.Groups {
		if step.Change.Action == schema.Create {
			a.add(entry{Group: &groupStep{step.Do}, Change: step.Change})
		} else {
			a.add(entry{Nothing: true, Change: step.Change})
		}
	}
	for _, step := range a.work.Users {
		user := &userStep{Name: step.Do.User.Name, Edit: step.Do.Edit}
		if step.Do.Create {
			user.Create = &step.Do.User
			homes, err := a.missingHomes(step.Do.User)
			if err != nil {
				return err
			}
			user.Homes, user.Companion = homes, companionOf(step.Do.User.Name, accounts)
		} else {
			found, _ := accounts.User(step.Do.User.Name)
			user.Was = accounts.Describe(found)
		}
		a.add(entry{User: user, Change: step.Change})
	}
	return nil
}

// missingHomes returns the directories that useradd will make, the home first.
func (a *applying) missingHomes(user schema.User) (homes []string, err error) {
	if !user.CreateHome {
		return nil, nil
	}
	for dir := user.Home; dir != "/"; dir = path.Dir(dir) {
		entry, err := a.Files.Lookup(dir)
		if err != nil || entry.Kind != rooted.Absent {
			return homes, err
		}
		homes = append(homes, dir)
	}
	return homes, nil
}

func (a *applying) captureRemovals(*account.Database) error {
	for _, step := range a.work.Removals {
		if err := a.captureFile(step.Do.Path, false, step.Do.Edited, step.Change); err != nil {
			return err
		}
	}
	return nil
}

func (a *applying) captureFiles(*account.Database) error {
	for _, step := range a.work.Files {
		if err := a.captureFile(step.Do.Path, step.Do.Home, step.Do.Edited, step.Change); err != nil {
			return err
		}
	}
	return nil
}

// captureFile gives what is there a second name, and notes what comes instead.
func (a *applying) captureFile(name string, home, edited bool, change *schema.Change) error {
	place, err := a.Files.PlaceFor(name)
	if err != nil {
		return err
	}
	file := &fileStep{Path: name, Place: place, Home: home}
	if it := a.stage.item(name, false); it != nil {
		if err := a.captureStaged(file, it); err != nil {
			return err
		}
	}
	found, err := a.Files.Lookup(name)
	var blocked *rooted.BlockedError
	if errors.As(err, &blocked) {
		found, err = rooted.Entry{}, nil // by a file that goes first
	}
	if err != nil {
		return err
	}
	switch {
	case found.Removable():
		file.Kept, file.Was = fmt.Sprintf("kept-%04d", len(a.record.Steps)), found.Inode
		if err := a.places[place].Keep(file.Kept, name); err != nil {
			return err
		}
		if kept, err := a.places[place].Lookup(file.Kept); err != nil || kept.Inode != file.Was {
			return errors.Join(err, &rooted.ReplacedError{Path: name})
		}
	case found.Kind == rooted.Directory && slices.ContainsFunc(a.work.Emptied, func(s inspect.Step[string]) bool { return s.Do == name }):
		file.Instead = true
	case found.Kind != rooted.Absent:
		return &rooted.ReplacedError{Path: name}
	}
	if edited && file.Kept != "" {
		if err := a.keepEdit(name, found); err != nil {
			return err
		}
	}
	if file.Kept == "" && file.Staged == "" {
		return nil // gone already, by somebody else's hand
	}
	a.add(entry{File: file, Change: change})
	return nil
}

func (a *applying) captureStaged(file *fileStep, it *item) error {
	staged, err := a.places[it.place].Lookup(it.name)
	if err != nil {
		return err
	}
	file.Staged, file.Inode = it.name, staged.Inode
	if it.symlink == "" {
		file.Digest, err = a.places[it.place].Digest(it.name)
	}
	return err
}

func (a *applying) captureDirectories(*account.Database) error {
	for _, step := range a.work.Emptied {
		was, err := a.metaOf(step.Do)
		if err != nil {
			return err
		}
		place, err := a.Files.PlaceFor(step.Do)
		if err != nil {
			return err
		}
		a.add(entry{Directory: &directoryStep{Path: step.Do, Place: place, Remove: true, Was: was}, Change: step.Change})
	}
	for _, step := range a.work.Directories {
		directory := &directoryStep{Path: step.Do.Path, Owner: step.Do.Owner}
		if it := a.stage.item(step.Do.Path, true); it != nil {
			directory.Staged, directory.Place = it.name, it.place
		} else if !a.madeByUseradd(step.Do.Path) {
			was, err := a.metaOf(step.Do.Path)
			if err != nil {
				return err
			}
			directory.Was = was
		}
		a.add(entry{Directory: directory, Change: step.Change})
	}
	return nil
}

// madeByUseradd reports whether a directory that changes is a home that is not
// there yet: it goes as it came.
func (a *applying) madeByUseradd(name string) bool {
	return slices.ContainsFunc(a.record.Steps, func(e entry) bool { return e.User != nil && slices.Contains(e.User.Homes, name) })
}

func (a *applying) metaOf(name string) (*rooted.Meta, error) {
	found, err := a.Files.Lookup(name)
	if err == nil && found.Kind != rooted.Directory {
		err = &rooted.ReplacedError{Path: name}
	}
	return &rooted.Meta{Mode: found.Mode, UID: found.UID, GID: found.GID}, err
}

// captureGivenBack notes the users that become what they were before they were
// adopted. It is reported with those that are removed.
func (a *applying) captureGivenBack(accounts *account.Database) error {
	for _, step := range a.work.DroppedUsers {
		if step.Do.Remove || step.Do.Edit == nil || *step.Do.Edit == (account.Edit{}) {
			continue
		}
		found, _ := accounts.User(step.Do.Name)
		a.add(entry{User: &userStep{Name: step.Do.Name, Edit: *step.Do.Edit, Was: accounts.Describe(found)}})
	}
	return nil
}

func (a *applying) captureProfile(*account.Database) error {
	closure := a.order.Manifest.Closure
	number, current := a.Profile.Current()
	if closure == nil || current == closure.Path && number == a.record.Generation {
		return nil
	}
	was, err := a.Profile.Links(a.record.Generation)
	if err != nil {
		return err
	}
	e := entry{Profile: &profileStep{Number: a.record.Generation, Path: closure.Path, Was: was}}
	if a.work.Profile != nil {
		e.Change = a.work.Profile.Change
	}
	a.add(e)
	return nil
}

func (a *applying) captureDrops(accounts *account.Database) error {
	for _, step := range a.work.DroppedUsers {
		d := drop{Change: step.Change}
		if step.Do.Remove {
			d.User = step.Do.Name
			if !a.dropsGroup(step.Do.Name) {
				d.Companion = companionOf(step.Do.Name, accounts)
			}
		}
		a.record.Drops = append(a.record.Drops, d)
	}
	for _, step := range a.work.DroppedGroups {
		d := drop{Change: step.Change}
		if step.Change.Action == schema.Remove {
			d.Group = step.Do
		}
		a.record.Drops = append(a.record.Drops, d)
	}
	return nil
}

func (a *applying) dropsGroup(name schema.AccountName) bool {
	return slices.ContainsFunc(a.work.DroppedGroups, func(s inspect.Step[schema.AccountName]) bool {
		return s.Do == name && s.Change.Action == schema.Remove
	})
}
