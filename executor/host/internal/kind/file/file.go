// Package file manages files and symbolic links. Other kinds that put files in place,
// as units do, use its comparison and its step.
package file

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// Kind is the kind.
var Kind = kind.Kind{
	Name: schema.KindFile,
	Paths: func(m *schema.Manifest, add func(string, kind.Content)) {
		for _, f := range m.Files {
			add(f.Path, kind.Content{Payload: f.Payload, Source: f.Source, Symlink: f.Symlink})
		}
	},
	Compare: compare,
	Steps:   Steps,
}

// Steps are the steps of a kind that puts files in place.
var Steps = map[string]func() kind.Step{"change": func() kind.Step { return &change{} }}

// Wish is a file or link that the goal has.
type Wish struct {
	// Object is the thing that it is a part of: the file itself, or a unit.
	Object  kind.Object
	Path    string
	Content kind.Content
	Owner   account.Ownership
	// Validate is a command for sh that must accept the file; may be empty.
	Validate string
	// Adopt allows to replace what is there, and Option names the option to set.
	Adopt  bool
	Option string
}

// Owned is the object that a path is in the state file: unit files are files there.
func Owned(name string) kind.Object { return kind.Object{Kind: schema.KindFile, Name: name} }

func compare(c *kind.Comparison) kind.Hooks {
	return kind.Hooks{
		Release: func() error { return release(c) },
		Compare: func() error { return compareAll(c) },
	}
}

func compareAll(c *kind.Comparison) error {
	for _, f := range c.Manifest.Files {
		of := Owned(f.Path)
		if err := schema.CheckFilePath(f.Path); err != nil {
			c.Refuse(of, "", "%v", err)
			continue
		}
		if f.Symlink == "" && !c.CheckOwner(of, f.Owner, f.Group) {
			continue
		}
		_, err := Compare(c, Wish{
			Object: of, Path: f.Path, Content: kind.Content{Payload: f.Payload, Source: f.Source, Symlink: f.Symlink},
			Owner:    account.Ownership{Mode: f.Mode.Bits(), Owner: f.Owner, Group: f.Group},
			Validate: f.Validate, Adopt: f.Adopt, Option: fmt.Sprintf("nixfleet.files.%q", f.Path),
		}, func(*kind.Item, rooted.Entry) {})
		if err != nil {
			return err
		}
	}
	return nil
}

// Compare compares one wish with what is there, and adds the item, which report may
// change. It returns what happens to the path; nothing where it is as it should be.
func Compare(c *kind.Comparison, want Wish, report func(*kind.Item, rooted.Entry)) (schema.Action, error) {
	entry, ok, err := c.Lookup(want.Object, want.Path)
	if err != nil || !ok || !checkSource(c, want) {
		return "", err
	}
	original, owned := c.Owns(Owned(want.Path))
	item := &kind.Item{Object: want.Object, Stage: schema.StageFiles, Path: want.Path}
	w := &work{Wish: want, closure: c.Closure, home: c.Homes[path.Dir(want.Path)], instead: c.Emptied[want.Path]}
	switch {
	case entry.Kind == rooted.Absent:
		item.Action = schema.Create
		item.Differences = []schema.Difference{{Property: schema.PropertyType, Was: want.typeText(), Is: "nothing"}}
		c.Needed = append(c.Needed, want.Path)
	case entry.Kind == rooted.Directory || entry.Kind == rooted.Other:
		c.RefuseAs(kind.Refusal{
			Object: want.Object, Hint: "move it away",
			Differences: []schema.Difference{{Property: schema.PropertyType, Was: want.typeText(), Is: kind.TypeOf(entry)}},
		}, "cannot put a file at %s: expected a file or nothing, found %s", want.Path, kind.Describe(entry, c.Accounts))
		return "", nil
	case !owned && !want.Adopt:
		c.Refuse(want.Object, fmt.Sprintf("set %s.adopt = true to take it over (the original is kept and comes back), or move it away", want.Option),
			"%s exists and NixFleet did not create it: expected nothing, found %s", want.Path, kind.Describe(entry, c.Accounts))
		return "", nil
	case !owned:
		item.Action = schema.Adopt
		if original, err = originalOf(c, want.Path, entry); err != nil {
			return "", err
		}
		w.original = original.Content
	default:
		if item.Differences, err = differences(c, want, entry); err != nil {
			return "", err
		}
		if len(item.Differences) > 0 {
			item.Action = schema.Update
			if w.edited, err = edited(c, want.Path, entry); err != nil {
				return "", err
			}
		}
	}
	c.Own(Owned(want.Path), original)
	action := item.Action
	if action != "" {
		c.Changed[want.Path] = true
		item.Work = w
		report(item, entry)
		c.Add(item)
	}
	return action, nil
}

// originalOf describes a file for the day when the intent lets go of it.
func originalOf(c *kind.Comparison, name string, entry rooted.Entry) (schema.Original, error) {
	original := schema.Original{Adopted: true, Symlink: entry.Target}
	if entry.Kind == rooted.Symlink {
		return original, nil
	}
	digest, err := c.Files.Digest(name)
	original.Content, original.Mode, original.UID, original.GID = digest, entry.ModeText(), entry.UID, entry.GID
	return original, err
}

const othersRead = 0o004

// differences says what is not as the wish has it.
func differences(c *kind.Comparison, want Wish, entry rooted.Entry) ([]schema.Difference, error) {
	if want.Content.Symlink != "" {
		switch {
		case entry.Kind != rooted.Symlink:
			return []schema.Difference{{Property: schema.PropertyType, Was: "symbolic link", Is: string(entry.Kind)}}, nil
		case entry.Target != want.Content.Symlink:
			return []schema.Difference{{Property: "target", Was: want.Content.Symlink, Is: entry.Target}}, nil
		}
		return nil, nil
	}
	if entry.Kind != rooted.File {
		return []schema.Difference{{Property: schema.PropertyType, Was: "file", Is: kind.TypeOf(entry)}}, nil
	}
	found := want.Owner.Differences(entry, c.Accounts)
	digest, err := digestOf(c, want.Content, c.Closure)
	if err != nil {
		return nil, err
	}
	is, err := c.Files.Digest(want.Path)
	if err != nil {
		return nil, err
	}
	if is != digest {
		difference := schema.Difference{Property: schema.PropertyContent, Was: cmp.Or(string(digest), want.Content.Source), Is: string(is)}
		if entry.Mode&want.Owner.Mode&othersRead == 0 { // by its digest a short content could be guessed
			difference.Was, difference.Is = "what was applied", "another"
		}
		found = append([]schema.Difference{difference}, found...)
	}
	return found, nil
}

// digestOf returns the digest of a content; empty where the closure that holds it is
// not on the host yet.
func digestOf(c *kind.Comparison, content kind.Content, closure map[schema.StorePath]bool) (schema.Digest, error) {
	if content.Payload != "" {
		return content.Payload, nil
	}
	file, err := nixstore.SourceFile(c.Files, closure, content.Source)
	if errors.Is(err, nixstore.ErrNotThere) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return c.Files.Digest(file)
}

// checkSource refuses a source that is not a file of the closure. One that has
// not been copied yet may become one.
func checkSource(c *kind.Comparison, want Wish) bool {
	if want.Content.Source == "" {
		return true
	}
	_, err := nixstore.SourceFile(c.Files, c.Closure, want.Content.Source)
	if err == nil || errors.Is(err, nixstore.ErrNotThere) {
		return true
	}
	c.Refuse(want.Object, "", "cannot take %s from the store: %v", want.Path, err)
	return false
}

func (w Wish) typeText() string {
	if w.Content.Symlink != "" {
		return "symbolic link"
	}
	return "file"
}

// release finds the files that the goal does not have any more.
func release(c *kind.Comparison) error {
	for _, name := range slices.Sorted(maps.Keys(c.State.Owned[schema.KindFile])) {
		if c.Wants(name) || strings.HasPrefix(name, schema.UnitDirectory+"/") && schema.CheckFilePath(name) != nil {
			continue // units see to theirs
		}
		if err := Release(c, Owned(name), name, func(*kind.Item, rooted.Entry) {}); err != nil {
			return err
		}
	}
	return nil
}

// Release adds the item that removes a file of ours, or brings its original back.
// Report may change it.
func Release(c *kind.Comparison, of kind.Object, name string, report func(*kind.Item, rooted.Entry)) error {
	original, _ := c.Owns(Owned(name))
	entry, err := c.Files.Lookup(name)
	var blocked *rooted.BlockedError
	switch {
	case errors.As(err, &blocked):
		c.Note("%s is not removed: %v", name, blocked)
	case err != nil:
		return err
	case entry.Kind != rooted.Absent && !entry.Removable():
		c.Note("%s is not removed: it is a %s now", name, entry.Kind)
	case entry.Kind == rooted.Absent && !kind.ComesBack(original):
	default:
		c.Changed[name] = true
		w := &work{goes: true, Wish: Wish{Path: name}, closure: c.Closure}
		if w.edited, err = edited(c, name, entry); err != nil {
			return err
		}
		if original.Adopted {
			w.Content = kind.Content{Payload: original.Content, Symlink: original.Symlink}
			w.Owner = account.Ownership{Mode: original.Mode.Bits(), UID: original.UID, GID: original.GID}
		}
		item := &kind.Item{Object: of, Action: schema.Remove, Stage: schema.StageFiles, Goes: true, Path: name, Work: w}
		if original.Adopted {
			item.Action = schema.GiveUp
		}
		report(item, entry)
		c.Add(item)
	}
	return nil
}

// edited reports whether a file of ours that is about to go is not what the
// manifest before has put there, and says so: it was edited by hand.
func edited(c *kind.Comparison, name string, entry rooted.Entry) (bool, error) {
	if entry.Kind != rooted.File && entry.Kind != rooted.Symlink {
		return false, nil
	}
	was, known := c.Had(name)
	if !known {
		return false, nil
	}
	same := entry.Kind == rooted.Symlink && entry.Target == was.Symlink
	if entry.Kind == rooted.File && was.Symlink == "" {
		closure := map[schema.StorePath]bool{}
		for _, path := range c.State.Applied.Verified {
			closure[path] = true
		}
		want, err := digestOf(c, was, closure)
		if err != nil || want == "" {
			return false, nil // a source that is not there any more tells nothing
		}
		found, err := c.Files.Digest(name)
		if err != nil {
			return false, err
		}
		same = found == want
	}
	if !same {
		c.Note("%s was edited by hand; the edited copy is kept in /var/lib/nixfleet/edits", name)
	}
	return !same, nil
}
