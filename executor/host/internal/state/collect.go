package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/nixfleet/nixfleet/schema"
)

// collectAtOnce bounds how many blobs one transaction removes.
const collectAtOnce = 1000

// Collect removes all but the newest generations and the applied one, and the
// contents that neither a manifest that is kept nor an original needs. It returns
// the generations that stay. It is for when a transaction has been committed:
// contents that were sent for one that has not begun are collected too, and sent again.
func (s *Store) Collect(state *schema.State, keep int) (kept []int, err error) {
	if kept, err = s.collectGenerations(state, keep); err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for _, originals := range state.Owned {
		for _, original := range originals {
			needed[hexadecimal(original.Content)] = true
		}
	}
	for _, generation := range kept {
		manifest, err := s.readManifest(generation)
		if err != nil {
			return nil, err
		}
		for _, digest := range manifest.PayloadDigests() {
			needed[hexadecimal(digest)] = true
		}
	}
	return kept, s.collectBlobs(needed)
}

func (s *Store) collectGenerations(state *schema.State, keep int) (kept []int, err error) {
	numbers, err := s.Generations()
	if err != nil {
		return nil, err
	}
	old := numbers[:max(0, len(numbers)-keep)]
	kept = slices.Clone(numbers[len(old):])
	for _, number := range old {
		if state.Applied != nil && state.Applied.Generation == number {
			kept = append(kept, number)
			continue
		}
		if err := s.RemoveGeneration(number); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// readManifest returns a generation's manifest. One that is spoilt needs nothing.
func (s *Store) readManifest(generation int) (*schema.Manifest, error) {
	var manifest schema.Manifest
	data, err := os.ReadFile(filepath.Join(s.dir, generationName(generation, "manifest.json")))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read a manifest: %w", err)
	}
	if err != nil || json.Unmarshal(data, &manifest) != nil {
		return &schema.Manifest{}, nil
	}
	return &manifest, nil
}

func (s *Store) collectBlobs(needed map[string]bool) error {
	names, err := s.names("blobs")
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return needed[name] })
	names = names[:min(len(names), collectAtOnce)]
	if len(names) == 0 {
		return nil
	}
	// If we crash here, the next transaction removes the rest.
	return s.fault.Do("remove blobs", func() error {
		for _, name := range names {
			if err := s.unlink(filepath.Join("blobs", name)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) names(directory string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, directory))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot list %s/%s: %w", Directory, directory, err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, nil
}

// remove removes a file or directory, durably.
func (s *Store) remove(name string) error {
	return s.fault.Do("remove "+name, func() error {
		if err := s.unlink(name); err != nil {
			return err
		}
		err := s.syncDirectory(filepath.Dir(s.Path(name)))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

func (s *Store) unlink(name string) error {
	if err := os.RemoveAll(s.Path(name)); err != nil {
		return fmt.Errorf("cannot remove %s/%s: %w", Directory, name, err)
	}
	return nil
}
