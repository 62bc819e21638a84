package transaction

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// changeFiles changes files and directories: what goes goes first, so that a
// directory can take the place of a file and the other way round.
func (a *applying) changeFiles(context.Context) error {
	accounts, err := account.Load(a.Files)
	if err != nil {
		return err
	}
	if err := a.stage.finish(accounts); err != nil {
		return err
	}
	touched := map[string]bool{}
	if err := a.removeFiles(touched); err != nil {
		return err
	}
	for _, step := range a.work.Emptied {
		removed, err := a.Files.RemoveDirectory(step.Do)
		if err != nil {
			return err
		}
		if !removed {
			a.tell(protocol.Event{Note: fmt.Sprintf("the directory %s stays: something came into it, or it is a mount point", step.Do)})
			continue
		}
		touched[path.Dir(step.Do)] = true
		a.done(step.Change)
	}
	for _, step := range a.work.Directories {
		if err := a.changeDirectory(step.Do, accounts); err != nil {
			return err
		}
		touched[path.Dir(step.Do.Path)], touched[step.Do.Path] = true, true
		a.done(step.Change)
	}
	for _, step := range a.work.Files {
		if err := a.put(a.stage.item(step.Do.Path)); err != nil {
			return err
		}
		touched[path.Dir(step.Do.Path)] = true
		a.done(step.Change)
	}
	// Only from here on are the renames durable: nothing that relies on them, a
	// start or the verdict, may come earlier.
	for _, dir := range slices.Sorted(maps.Keys(touched)) {
		if err := a.Files.Sync(dir); err != nil {
			return err
		}
	}
	return nil
}

func (a *applying) removeFiles(touched map[string]bool) error {
	for _, step := range a.work.Removals {
		if it := a.stage.item(step.Do.Path); it != nil {
			if err := a.put(it); err != nil {
				return err
			}
			a.returned = append(a.returned, step.Do.Path)
		} else if err := a.Files.Remove(step.Do.Path); err != nil {
			return err
		}
		touched[path.Dir(step.Do.Path)] = true
		a.done(step.Change)
	}
	return nil
}

func (a *applying) put(it *item) error {
	return a.stage.places[it.place].Move(it.name, it.target, it.replace)
}

// changeDirectory makes a directory in the staging directory, so that it is
// never seen with another mode or owner, or changes one.
func (a *applying) changeDirectory(dir inspect.DirectoryWork, accounts *account.Database) error {
	m, ok := meta(dir.Owner, accounts)
	if !ok {
		return fmt.Errorf("cannot make the directory %s: user %q or group %q does not exist", dir.Path, dir.Owner.Owner, dir.Owner.Group)
	}
	if !dir.Create {
		return a.Files.SetDirectory(dir.Path, m)
	}
	name, err := a.Files.PlaceFor(dir.Path)
	if err != nil {
		return err
	}
	place := a.stage.places[name]
	if place == nil {
		return fmt.Errorf("internal error: nothing is staged in %s", name)
	}
	if err := place.MakeDirectory("directory", m); err != nil {
		return err
	}
	return place.Move("directory", dir.Path, false)
}
