package inspect

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

func (c *comparison) compareDirectories() error {
	for _, dir := range c.Manifest.Directories {
		if err := schema.CheckPath(dir.Path); err != nil {
			c.refuse("", "%v", err)
			continue
		}
		if !c.checkOwner(dir.Path, dir.Owner, dir.Group) {
			continue
		}
		if err := c.compareDirectory(dir); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) compareDirectory(dir schema.Directory) error {
	entry, ok, err := c.lookup(dir.Path)
	if err != nil || !ok {
		return err
	}
	original, owned := c.State.Owned.Directories[dir.Path]
	owner := Ownership{Mode: dir.Mode.Bits(), Owner: dir.Owner, Group: dir.Group}
	differences := c.ownerDifference(owner, entry)
	action, detail := schema.Action(""), strings.Join(differences, ", ")
	switch {
	case entry.Kind == rooted.Absent:
		action, detail = schema.Create, ""
		if !c.homes[dir.Path] {
			c.parents = append(c.parents, dir.Path)
		}
	case entry.Kind != rooted.Directory:
		c.refuse("move it away", "cannot make the directory %s: expected a directory or nothing, found %s", dir.Path, describe(entry, c.accounts))
		return nil
	case detail == "" && !owned:
		return nil // as it shall be, and somebody else's: it stays theirs
	case !owned && !dir.Adopt:
		c.refuse("set nixfleet.directories."+quote(dir.Path)+".adopt = true to change it (what it was is kept and comes back), or declare it as it is",
			"the directory %s exists and NixFleet did not create it: expected mode %s, owner %s and group %s, found %s",
			dir.Path, dir.Mode, dir.Owner, dir.Group, describe(entry, c.accounts))
		return nil
	case !owned:
		action = schema.Adopt
		original = schema.Original{Adopted: true, Mode: entry.ModeText(), UID: entry.UID, GID: entry.GID}
	case detail != "":
		action = schema.Update
	}
	original.Declared = !original.Adopted
	c.work.Owned.Directories[dir.Path] = original
	if action != "" {
		c.addDirectory(DirectoryWork{dir.Path, action == schema.Create && !c.homes[dir.Path], owner}, action, detail)
	}
	return nil
}

func (c *comparison) addDirectory(work DirectoryWork, action schema.Action, detail string) {
	c.work.Directories = append(c.work.Directories, Step[DirectoryWork]{work,
		&schema.Change{Action: action, Kind: "directory", Object: work.Path, Detail: detail}})
}

// plain is how directories are that are made on the way.
var plain = Ownership{Mode: 0o755, Owner: "root", Group: "root"}

// compareParents adds the directories that must be made on the way.
func (c *comparison) compareParents() error {
	making := map[string]bool{}
	for _, step := range c.work.Directories {
		making[step.Do.Path] = true
	}
	for _, name := range c.parents {
		for dir := path.Dir(name); dir != "/" && !making[dir] && !c.homes[dir]; dir = path.Dir(dir) {
			entry, ok, err := c.lookup(dir)
			if err != nil {
				return err
			}
			if !ok || entry.Kind != rooted.Absent {
				break
			}
			making[dir] = true
			c.work.Owned.Directories[dir] = schema.Original{}
			c.addDirectory(DirectoryWork{dir, true, plain}, schema.Create, "on the way to "+name)
		}
	}
	slices.SortStableFunc(c.work.Directories, func(a, b Step[DirectoryWork]) int { return strings.Compare(a.Do.Path, b.Do.Path) })
	return nil
}

// onTheWay returns all directories above something that the goal has.
func (c *comparison) onTheWay() map[string]bool {
	if c.above != nil {
		return c.above
	}
	c.above = map[string]bool{}
	add := func(name string) {
		for dir := path.Dir(name); dir != "/" && !c.above[dir]; dir = path.Dir(dir) {
			c.above[dir] = true
		}
	}
	for _, file := range c.Manifest.Files {
		add(file.Path)
	}
	for _, dir := range c.Manifest.Directories {
		add(dir.Path)
	}
	for _, u := range c.Manifest.Units {
		add(unitPath(string(u.Name)))
		for _, link := range u.Links {
			add(unitPath(link))
		}
	}
	for _, name := range c.Manifest.Masks {
		add(unitPath(string(name)))
	}
	return c.above
}

// compareUndeclared looks at the directories of ours that the goal does not
// declare. What was adopted goes back; what is on the way to something stays, as
// it would have been made for that; what is empty once everything else is gone,
// goes. Those that are not empty stay, and are nobody's from then on.
func (c *comparison) compareUndeclared() error {
	declared := map[string]bool{}
	for _, dir := range c.Manifest.Directories {
		declared[dir.Path] = true
	}
	owned := sortedKeys(c.State.Owned.Directories)
	slices.Reverse(owned) // children first
	for _, dir := range owned {
		if declared[dir] {
			continue
		}
		entry, err := c.Files.Lookup(dir)
		var blocked *rooted.BlockedError
		if err != nil && !errors.As(err, &blocked) {
			return err
		}
		if err != nil || entry.Kind != rooted.Directory {
			continue
		}
		if err := c.compareUndeclaredDirectory(dir, entry); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) compareUndeclaredDirectory(dir string, entry rooted.Entry) error {
	original := c.State.Owned.Directories[dir]
	switch {
	case original.Adopted:
		c.giveBackDirectory(dir, original)
		return nil
	case !c.onTheWay()[dir]:
		return c.emptyDirectory(dir)
	}
	c.work.Owned.Directories[dir] = schema.Original{}
	if !original.Declared {
		return nil // and whatever it is by now, somebody wants it so
	}
	if differences := c.ownerDifference(plain, entry); len(differences) > 0 {
		c.addDirectory(DirectoryWork{dir, false, plain}, schema.Update, strings.Join(differences, ", "))
	}
	return nil
}

func (c *comparison) giveBackDirectory(dir string, original schema.Original) {
	c.addDirectory(DirectoryWork{Path: dir, Owner: Ownership{Mode: original.Mode.Bits(), UID: original.UID, GID: original.GID}},
		schema.GiveUp, "mode "+string(original.Mode))
}

func (c *comparison) emptyDirectory(dir string) error {
	names, err := c.Files.Names(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		child := path.Join(dir, name)
		if c.emptied[child] {
			continue
		}
		if !c.gone[child] {
			c.note("the directory %s stays: it is not empty", dir)
			return nil
		}
		if entry, err := c.Files.Lookup(child); err != nil || !entry.Removable() {
			return err // compareDropped says why it stays, and so does what it is in
		}
	}
	c.emptied[dir] = true
	c.work.Emptied = append(c.work.Emptied, Step[string]{dir, &schema.Change{Action: schema.Remove, Kind: "directory", Object: dir}})
	return nil
}
