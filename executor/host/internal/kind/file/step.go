package file

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// change puts a file or link in place, or removes one. What was there has a
// second name in the staging directory, so it comes back as it was.
type change struct {
	Path  string `json:"path"`
	Place string `json:"place"`
	// Staged is the name of what is put there; empty where something only goes.
	// Inode and Digest are its own; a link has no digest.
	Staged string        `json:"staged,omitempty"`
	Inode  uint64        `json:"inode,omitempty"`
	Digest schema.Digest `json:"digest,omitempty"`
	// Kept is the name of what was there, and Was its inode; empty where nothing was.
	Kept string `json:"kept,omitempty"`
	Was  uint64 `json:"was,omitempty"`
	// Home says that useradd may have put something there since.
	Home bool `json:"home,omitempty"`
	// Instead says that a directory was there, which is its own step.
	Instead bool `json:"instead,omitempty"`
	// theirs says that what is there now is not ours.
	theirs bool
}

func (s *change) Directories() []string { return []string{path.Dir(s.Path)} }

func (s *change) Do(_ context.Context, site *kind.Site) error {
	if s.Staged == "" {
		if found, err := site.Files.Lookup(s.Path); err != nil || found.Inode != s.Was {
			return errors.Join(err, &rooted.ReplacedError{Path: s.Path})
		}
		return site.Files.Remove(s.Path)
	}
	place, err := site.Staged.Place(s.Place)
	if err != nil {
		return err
	}
	if s.Kept != "" {
		return place.Exchange(s.Staged, s.Path, s.Was)
	}
	return place.Move(s.Staged, s.Path, s.Home)
}

func (s *change) Undo(_ context.Context, site *kind.Site) error {
	found, err := s.lookup(site)
	if err != nil {
		return fmt.Errorf("cannot bring %s back: %w", s.Path, err)
	}
	if s.Was != 0 && found.Inode == s.Was && found.Removable() || s.Kept == "" && found.Kind == rooted.Absent {
		return nil
	}
	ours, err := s.isOurs(site, found)
	if err != nil {
		return err
	}
	place, err := site.Staged.Place(s.Place)
	if err != nil {
		return fmt.Errorf("cannot bring %s back: %w", s.Path, err)
	}
	if !ours {
		if done, err := s.leaveTheirs(site, place, found); done || err != nil {
			return err
		}
	}
	if s.Kept == "" {
		return site.Files.Remove(s.Path)
	}
	return s.restore(place)
}

// leaveTheirs sees to what others have put there during the change. Where the change
// never came so far, it stays; otherwise a copy is kept. It is done when nothing
// else is to be undone.
func (s *change) leaveTheirs(site *kind.Site, place *rooted.Place, found rooted.Entry) (done bool, err error) {
	if s.Home {
		return true, nil // useradd's, which goes with the home
	}
	if s.Staged != "" {
		if staged, err := place.Lookup(s.Staged); err != nil || staged.Inode == s.Inode {
			s.theirs = true
			site.Remark(fmt.Sprintf("%s was changed by somebody while we worked, and is left so", s.Path))
			return true, err
		}
	}
	if found.Kind == rooted.Absent {
		return false, nil
	}
	return false, keepAside(site, s.Path, found)
}

// restore brings back what was there. While something was put in its place it may
// have a third name, which goes first: some programs do not trust files with many.
func (s *change) restore(place *rooted.Place) error {
	if s.Staged != "" {
		found, err := place.Lookup(s.Staged)
		if err != nil {
			return err
		}
		switch found.Inode {
		case s.Inode:
		case s.Was:
			if err := place.Drop(s.Staged); err != nil {
				return err
			}
		default: // what others put there in the instant before the exchange
			if found.Kind != rooted.Absent {
				return place.Restore(s.Staged, s.Path)
			}
		}
	}
	return place.Restore(s.Kept, s.Path)
}

// isOurs reports whether what stands there is what the step has put there.
func (s *change) isOurs(site *kind.Site, found rooted.Entry) (bool, error) {
	if s.Staged == "" || found.Inode != s.Inode || !found.Removable() {
		return false, nil
	}
	if found.Kind == rooted.Symlink {
		return s.Digest == "", nil
	}
	digest, err := site.Files.Digest(s.Path)
	return digest == s.Digest, err
}

// lookup tells what stands there now, apart from what other steps see to.
func (s *change) lookup(site *kind.Site) (rooted.Entry, error) {
	found, err := site.Files.Lookup(s.Path)
	var blocked *rooted.BlockedError
	if s.Kept == "" && (errors.As(err, &blocked) || s.Instead && found.Kind == rooted.Directory) {
		return rooted.Entry{}, nil
	}
	return found, err
}

func (s *change) Check(site *kind.Site) (string, error) {
	found, err := s.lookup(site)
	if err != nil {
		return "", err
	}
	switch {
	case s.theirs:
	case s.Kept == "" && found.Kind != rooted.Absent:
		return s.Path + " is still there", nil
	case s.Kept != "" && found.Kind == rooted.Absent:
		return s.Path + " is gone", nil
	case s.Kept != "" && found.Inode != s.Was:
		return s.Path + " is not what it was", nil
	}
	return "", nil
}
