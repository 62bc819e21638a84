package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/nixfleet/nixfleet/schema"
)

const (
	// keptGenerations is how many generations' manifests are kept, with what they need.
	keptGenerations = 20
	// collectAtOnce bounds how many blobs one apply removes.
	collectAtOnce = 1000
)

// Collect removes the manifests of generations long gone, and the contents that
// neither a manifest that is kept nor an original needs. It is for when a state
// was saved in which nothing is pending, under the lock: contents that were sent
// for an apply that has not begun are collected too, and sent again.
func (s *Store) Collect(state *schema.State) error {
	kept, err := s.collectGenerations(state)
	if err != nil {
		return err
	}
	needed := map[string]bool{}
	for _, original := range state.Owned.Files {
		needed[hexadecimal(original.Content)] = true
	}
	for _, generation := range kept {
		manifest, err := s.readManifest(generation)
		if err != nil {
			return err
		}
		for _, digest := range manifest.PayloadDigests() {
			needed[hexadecimal(digest)] = true
		}
	}
	return s.collectBlobs(needed)
}

// collectGenerations removes all but the newest generations and the applied one,
// and returns the numbers of those that stay.
func (s *Store) collectGenerations(state *schema.State) ([]int, error) {
	names, err := s.names("generations")
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, name := range names {
		if number, err := strconv.Atoi(name); err == nil {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	old := numbers[:max(0, len(numbers)-keptGenerations)]
	kept := slices.Clone(numbers[len(old):])
	for _, number := range old {
		if state.Applied != nil && state.Applied.Generation == number {
			kept = append(kept, number)
			continue
		}
		// If we crash here, the next apply removes the rest.
		if err := s.remove(filepath.Join("generations", strconv.Itoa(number))); err != nil {
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
	for _, name := range names[:min(len(names), collectAtOnce)] {
		// If we crash here, the next apply removes the rest.
		if err := s.remove(filepath.Join("blobs", name)); err != nil {
			return err
		}
	}
	return nil
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

func (s *Store) remove(name string) error {
	return s.fault.Do("remove "+name, func() error {
		if err := os.RemoveAll(filepath.Join(s.dir, name)); err != nil {
			return fmt.Errorf("cannot remove %s/%s: %w", Directory, name, err)
		}
		return nil
	})
}
