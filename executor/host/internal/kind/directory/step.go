package directory

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/staging"
)

// work makes a directory, changes one or removes it.
type work struct {
	path string
	// create and remove say what to do; home says that useradd makes it first.
	create, remove, home bool
	// Owner is what it becomes.
	Owner  account.Ownership
	staged *staging.Item
}

// Wanted is what the directory becomes; it is not ok where it goes.
func (w *work) Wanted() (owner account.Ownership, ok bool) { return w.Owner, !w.remove }

// Plan stages a new directory.
func (w *work) Plan(site *kind.Site) error {
	switch {
	case w.remove:
		_, err := site.Staged.Need(w.path)
		return err
	case w.create && !w.home:
		w.staged = &staging.Item{Target: w.path, Directory: true, Owner: w.Owner}
		return site.Staged.Add(w.staged)
	}
	return nil
}

// Capture notes what the directory was.
func (w *work) Capture(_ context.Context, site *kind.Site) (kind.Step, error) {
	step := &change{Path: w.path, Owner: w.Owner, Remove: w.remove}
	switch {
	case w.staged != nil:
		step.Staged, step.Place = w.staged.Name, w.staged.Place
		return step, nil
	case w.home: // goes as it comes
		return step, nil
	}
	found, err := site.Files.Lookup(w.path)
	if err == nil && found.Kind != rooted.Directory {
		err = &rooted.ReplacedError{Path: w.path}
	}
	step.Was = &rooted.Meta{Mode: found.Mode, UID: found.UID, GID: found.GID}
	if err == nil && w.remove {
		step.Place, err = site.Staged.Need(w.path)
	}
	return step, err
}

// change makes a directory, changes its mode and owner, or removes it.
type change struct {
	Path  string `json:"path"`
	Place string `json:"place"`
	// Staged is the name of the directory that was made; empty where none is.
	Staged string `json:"staged,omitempty"`
	// Owner is what a directory becomes that is there.
	Owner account.Ownership `json:"owner"`
	// Remove says that it goes.
	Remove bool `json:"remove,omitempty"`
	// Was is what it was; nil where it was not there.
	Was *rooted.Meta `json:"was,omitempty"`
}

func (s *change) Directories() []string { return []string{path.Dir(s.Path), s.Path} }

func (s *change) Do(_ context.Context, site *kind.Site) error {
	switch {
	case s.Remove:
		removed, err := site.Files.RemoveDirectory(s.Path)
		if err == nil && !removed {
			site.Note(fmt.Sprintf("the directory %s stays: something came into it, or it is a mount point", s.Path))
		}
		return err
	case s.Staged != "":
		place, err := site.Staged.Place(s.Place)
		if err != nil {
			return err
		}
		return place.Move(s.Staged, s.Path, false)
	}
	accounts, err := account.Load(site.Files)
	if err != nil {
		return err
	}
	m, ok := s.Owner.Meta(accounts)
	if !ok {
		return fmt.Errorf("cannot change the directory %s: user %q or group %q does not exist", s.Path, s.Owner.Owner, s.Owner.Group)
	}
	return site.Files.SetDirectory(s.Path, m)
}

func (s *change) Undo(_ context.Context, site *kind.Site) error {
	found, err := s.lookup(site)
	if err != nil {
		return fmt.Errorf("cannot bring the directory %s back: %w", s.Path, err)
	}
	switch {
	case s.Was == nil && found.Kind == rooted.Directory:
		removed, err := site.Files.RemoveDirectory(s.Path)
		if err == nil && !removed {
			site.Remark(fmt.Sprintf("the directory %s stays: something came into it", s.Path))
		}
		return err
	case s.Was == nil:
		return nil
	case found.Kind == rooted.Absent:
		return s.remake(site)
	case found.Kind == rooted.Directory && (rooted.Meta{Mode: found.Mode, UID: found.UID, GID: found.GID}) != *s.Was:
		return site.Files.SetDirectory(s.Path, *s.Was)
	}
	return nil
}

func (s *change) remake(site *kind.Site) error {
	place, err := site.Staged.Place(s.Place)
	if err != nil {
		return err
	}
	const name = "directory"
	if err := place.Drop(name); err != nil { // of an attempt that was interrupted
		return err
	}
	if err := place.MakeDirectory(name, *s.Was); err != nil {
		return err
	}
	return place.Move(name, s.Path, false)
}

// lookup tells what stands there now. Where a file is on the way, one that the
// change would have made is not there.
func (s *change) lookup(site *kind.Site) (rooted.Entry, error) {
	found, err := site.Files.Lookup(s.Path)
	var blocked *rooted.BlockedError
	if s.Was == nil && errors.As(err, &blocked) {
		return rooted.Entry{}, nil
	}
	return found, err
}

func (s *change) Check(site *kind.Site) (string, error) {
	found, err := s.lookup(site)
	if err != nil || s.Was == nil {
		return "", err // one that has something in it stays, and the verdict mentions it
	}
	switch {
	case found.Kind != rooted.Directory:
		return fmt.Sprintf("the directory %s is not there", s.Path), nil
	case (rooted.Meta{Mode: found.Mode, UID: found.UID, GID: found.GID}) != *s.Was:
		return fmt.Sprintf("the directory %s has another mode or owner", s.Path), nil
	}
	return "", nil
}
