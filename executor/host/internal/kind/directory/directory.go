// Package directory manages directories: that they are there, with their mode and
// owner. What is in them is not managed.
package directory

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// Kind is the kind.
var Kind = kind.Kind{
	Name: schema.KindDirectory,
	Paths: func(m *schema.Manifest, add func(string, kind.Content)) {
		for _, dir := range m.Directories {
			add(dir.Path, kind.Content{Directory: true})
		}
	},
	Compare: compare,
	Steps:   map[string]func() kind.Step{"change": func() kind.Step { return &change{} }},
}

type comparison struct {
	*kind.Comparison
	// items are directories to make or change.
	items []*kind.Item
}

func compare(c *kind.Comparison) kind.Hooks {
	directories := &comparison{Comparison: c}
	return kind.Hooks{Release: directories.release, Compare: directories.compare, Finish: directories.finish}
}

func object(name string) kind.Object { return kind.Object{Kind: schema.KindDirectory, Name: name} }

func (c *comparison) compare() error {
	for _, dir := range c.Manifest.Directories {
		of := object(dir.Path)
		if err := schema.CheckPath(dir.Path); err != nil {
			c.Refuse(of, "", "%v", err)
			continue
		}
		if !c.CheckOwner(of, dir.Owner, dir.Group) {
			continue
		}
		if err := c.compareDirectory(of, dir); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) compareDirectory(of kind.Object, dir schema.Directory) error {
	entry, ok, err := c.Lookup(of, dir.Path)
	if err != nil || !ok {
		return err
	}
	original, owned := c.Owns(of)
	owner := account.Ownership{Mode: dir.Mode.Bits(), Owner: dir.Owner, Group: dir.Group}
	item := &kind.Item{Object: of, Differences: owner.Differences(entry, c.Accounts)}
	switch {
	case entry.Kind == rooted.Absent:
		item.Action, item.Differences = schema.Create, nil
		if !c.Homes[dir.Path] {
			c.Needed = append(c.Needed, dir.Path)
		}
	case entry.Kind != rooted.Directory:
		c.RefuseAs(kind.Refusal{
			Object: of, Hint: "move it away",
			Differences: []schema.Difference{{Property: schema.PropertyType, Was: "directory", Is: kind.TypeOf(entry)}},
		}, "cannot make the directory %s: expected a directory or nothing, found %s", dir.Path, kind.Describe(entry, c.Accounts))
		return nil
	case len(item.Differences) == 0 && !owned:
		return nil // as the goal has it, and not ours: it stays so
	case !owned && !dir.Adopt:
		c.Refuse(of, fmt.Sprintf("set nixfleet.directories.%q.adopt = true to change it (what it was is kept and comes back), or declare it as it is", dir.Path),
			"the directory %s exists and NixFleet did not create it: expected mode %s, owner %s and group %s, found %s",
			dir.Path, dir.Mode, dir.Owner, dir.Group, kind.Describe(entry, c.Accounts))
		return nil
	case !owned:
		item.Action = schema.Adopt
		original = schema.Original{Adopted: true, Mode: entry.ModeText(), UID: entry.UID, GID: entry.GID}
	case len(item.Differences) > 0:
		item.Action = schema.Update
	}
	original.Declared = !original.Adopted
	c.Own(of, original)
	if item.Action != "" {
		c.add(item, &work{path: dir.Path, create: item.Action == schema.Create, home: c.Homes[dir.Path], Owner: owner})
	}
	return nil
}

func (c *comparison) add(item *kind.Item, w *work) {
	item.Stage, item.Path, item.Work = schema.StageFiles, item.Object.Name, w
	c.items = append(c.items, item)
}

// plain is how directories are that are made on the way.
var plain = account.Ownership{Mode: 0o755, Owner: "root", Group: "root"}

// finish adds the directories that must be made on the way to others and to files;
// parents come first.
func (c *comparison) finish() error {
	making := map[string]bool{}
	for _, item := range c.items {
		making[item.Path] = true
	}
	for _, name := range c.Needed {
		for dir := path.Dir(name); dir != "/" && !making[dir] && !c.Homes[dir]; dir = path.Dir(dir) {
			entry, ok, err := c.Lookup(object(dir), dir)
			if err != nil {
				return err
			}
			if !ok || entry.Kind != rooted.Absent {
				break
			}
			making[dir] = true
			c.Own(object(dir), schema.Original{})
			c.add(&kind.Item{Object: object(dir), Action: schema.Create, Detail: "on the way to " + name}, &work{path: dir, create: true, Owner: plain})
		}
	}
	slices.SortStableFunc(c.items, func(a, b *kind.Item) int { return strings.Compare(a.Path, b.Path) })
	for _, item := range c.items {
		c.Add(item)
	}
	return nil
}

// release looks at the directories of ours that the goal does not
// declare. What was adopted goes back; what is on the way to something stays, as
// it would have been made for that; what is empty once everything else is gone,
// goes. Those that are not empty stay, and are not ours from then on.
func (c *comparison) release() error {
	owned := slices.Sorted(maps.Keys(c.State.Owned[schema.KindDirectory]))
	slices.Reverse(owned) // children first
	for _, dir := range owned {
		if c.WantsDirectory(dir) {
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
		if err := c.releaseDirectory(dir, entry); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) releaseDirectory(dir string, entry rooted.Entry) error {
	original, _ := c.Owns(object(dir))
	switch {
	case original.Adopted:
		c.giveBackDirectory(dir, original)
		return nil
	case !c.Above[dir]:
		return c.emptyDirectory(dir)
	}
	c.Own(object(dir), schema.Original{})
	if !original.Declared {
		return nil // its mode and owner were never ours
	}
	if differences := plain.Differences(entry, c.Accounts); len(differences) > 0 {
		c.add(&kind.Item{Object: object(dir), Action: schema.Update, Differences: differences}, &work{path: dir, Owner: plain})
	}
	return nil
}

func (c *comparison) giveBackDirectory(dir string, original schema.Original) {
	c.add(&kind.Item{Object: object(dir), Action: schema.GiveUp, Detail: "mode " + string(original.Mode)},
		&work{path: dir, Owner: account.Ownership{Mode: original.Mode.Bits(), UID: original.UID, GID: original.GID}})
}

func (c *comparison) emptyDirectory(dir string) error {
	names, err := c.Files.Names(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		child := path.Join(dir, name)
		if c.Emptied[child] {
			continue
		}
		if !c.Gone[child] {
			c.Note("the directory %s stays: it is not empty", dir)
			return nil
		}
		if entry, err := c.Files.Lookup(child); err != nil || !entry.Removable() {
			return err // the kind of the file says why it stays, and so does what it is in
		}
	}
	c.Emptied[dir] = true
	c.Add(&kind.Item{Object: object(dir), Action: schema.Remove, Stage: schema.StageFiles, Goes: true, Path: dir, Work: &work{path: dir, remove: true}})
	return nil
}
