package transaction

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// directoryStep makes a directory, changes its mode and owner, or removes it.
type directoryStep struct {
	Path  string `json:"path"`
	Place string `json:"place"`
	// Staged is the name of the directory that was made; empty where none is.
	Staged string `json:"staged,omitempty"`
	// Owner is what a directory becomes that is there.
	Owner inspect.Ownership `json:"owner"`
	// Remove says that it goes.
	Remove bool `json:"remove,omitempty"`
	// Was is what it was; nil where it was not there.
	Was *rooted.Meta `json:"was,omitempty"`
}

func (s *directoryStep) directories() []string { return []string{path.Dir(s.Path), s.Path} }

func (s *directoryStep) do(_ context.Context, t *transaction) error {
	switch {
	case s.Remove:
		removed, err := t.Files.RemoveDirectory(s.Path)
		if err == nil && !removed {
			t.tell(protocol.Event{Note: fmt.Sprintf("the directory %s stays: something came into it, or it is a mount point", s.Path)})
		}
		return err
	case s.Staged != "":
		place, err := t.place(s.Place)
		if err != nil {
			return err
		}
		return place.Move(s.Staged, s.Path, false)
	}
	accounts, err := account.Load(t.Files)
	if err != nil {
		return err
	}
	m, ok := meta(s.Owner, accounts)
	if !ok {
		return fmt.Errorf("cannot change the directory %s: user %q or group %q does not exist", s.Path, s.Owner.Owner, s.Owner.Group)
	}
	return t.Files.SetDirectory(s.Path, m)
}

func (s *directoryStep) undo(_ context.Context, t *transaction) error {
	found, err := s.lookup(t)
	if err != nil {
		return fmt.Errorf("cannot bring the directory %s back: %w", s.Path, err)
	}
	switch {
	case s.Was == nil && found.Kind == rooted.Directory:
		removed, err := t.Files.RemoveDirectory(s.Path)
		if err == nil && !removed {
			t.remark(fmt.Sprintf("the directory %s stays: something came into it", s.Path))
		}
		return err
	case s.Was == nil:
		return nil
	case found.Kind == rooted.Absent:
		return s.remake(t)
	case found.Kind == rooted.Directory && (rooted.Meta{Mode: found.Mode, UID: found.UID, GID: found.GID}) != *s.Was:
		return t.Files.SetDirectory(s.Path, *s.Was)
	}
	return nil
}

func (s *directoryStep) remake(t *transaction) error {
	place, err := t.place(s.Place)
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
func (s *directoryStep) lookup(t *transaction) (rooted.Entry, error) {
	found, err := t.Files.Lookup(s.Path)
	var blocked *rooted.BlockedError
	if s.Was == nil && errors.As(err, &blocked) {
		return rooted.Entry{}, nil
	}
	return found, err
}

func (s *directoryStep) check(t *transaction) (string, error) {
	found, err := s.lookup(t)
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

// meta resolves an ownership's names, where the accounts exist already. It is not
// ok where one does not.
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
