package file

import (
	"context"
	"errors"
	"fmt"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/staging"
	"github.com/nixfleet/nixfleet/schema"
)

// work puts a file or link in place, or removes one.
type work struct {
	Wish
	closure map[schema.StorePath]bool
	// goes says that it goes; a content is then the original's, which comes back.
	goes bool
	// original is the digest of what is adopted.
	original schema.Digest
	// edited says that what is there is not what the manifest before has put there.
	edited bool
	// home says that useradd may put something there first, from /etc/skel.
	home bool
	// instead says that a directory of ours is there, which goes first.
	instead bool
	staged  *staging.Item
}

// Wanted is what will be there; it is not ok where nothing will.
func (w *work) Wanted() (wish Wish, ok bool) { return w.Wish, w.Content != kind.Content{} }

// Plan keeps the content of a file that is adopted, and stages the new one.
func (w *work) Plan(site *kind.Site) error {
	if w.original != "" {
		if err := w.keepOriginal(site); err != nil {
			return err
		}
	}
	if (w.Content == kind.Content{}) {
		_, err := site.Staged.Need(w.Path)
		return err
	}
	w.staged = &staging.Item{Target: w.Path, Payload: w.Content.Payload, Symlink: w.Content.Symlink, Owner: w.Owner}
	if w.Content.Source != "" {
		var err error
		if w.staged.Source, err = nixstore.SourceFile(site.Files, w.closure, w.Content.Source); err != nil {
			return fmt.Errorf("cannot stage %s: %w", w.Path, err)
		}
	}
	return site.Staged.Add(w.staged)
}

func (w *work) keepOriginal(site *kind.Site) error {
	content, err := site.Files.Read(w.Path)
	if err != nil {
		return err
	}
	if found := schema.DigestOf(content); found != w.original {
		return fmt.Errorf("cannot adopt %s: it changes while we look", w.Path)
	}
	return site.State.PutBlob(content)
}

// Capture gives what is there a second name, and notes what comes instead.
func (w *work) Capture(_ context.Context, site *kind.Site) (kind.Step, error) {
	step := &change{Path: w.Path, Home: w.home}
	var err error
	if step.Place, err = site.Staged.Need(w.Path); err != nil {
		return nil, err
	}
	place, err := site.Staged.Place(step.Place)
	if err != nil {
		return nil, err
	}
	if w.staged != nil {
		if err := w.captureStaged(step, place); err != nil {
			return nil, err
		}
	}
	found, err := site.Files.Lookup(w.Path)
	var blocked *rooted.BlockedError
	if errors.As(err, &blocked) {
		found, err = rooted.Entry{}, nil // by a file that goes first
	}
	switch {
	case err != nil:
		return nil, err
	case found.Removable():
		step.Kept, step.Was = site.Staged.KeptName(), found.Inode
		if err := place.Keep(step.Kept, w.Path); err != nil {
			return nil, err
		}
		if kept, err := place.Lookup(step.Kept); err != nil || kept.Inode != step.Was {
			return nil, errors.Join(err, &rooted.ReplacedError{Path: w.Path})
		}
	case found.Kind == rooted.Directory && w.instead:
		step.Instead = true
	case found.Kind != rooted.Absent:
		return nil, &rooted.ReplacedError{Path: w.Path}
	}
	if w.edited && step.Kept != "" {
		if err := keepEdit(site, w.Path, found); err != nil {
			return nil, err
		}
	}
	if step.Kept == "" && step.Staged == "" {
		return nil, nil // it was removed by hand already
	}
	return step, nil
}

func (w *work) captureStaged(step *change, place *rooted.Place) error {
	staged, err := place.Lookup(w.staged.Name)
	if err != nil {
		return err
	}
	step.Staged, step.Inode = w.staged.Name, staged.Inode
	if w.staged.Symlink == "" {
		step.Digest, err = place.Digest(w.staged.Name)
	}
	return err
}
