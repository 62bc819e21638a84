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
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

// Generation tells of one manifest that the host was.
type Generation struct {
	// Number is NixFleet's own count. The profile's generation of that number has
	// the closure, where the manifest has one.
	Number   int           `json:"number"`
	Manifest schema.Digest `json:"manifest"`
	// Of is the generation that this one has brought back; 0 where it is of a plan.
	Of int `json:"of,omitempty"`
	// Plan is the digest of the plan it came with, and Revision its source's; either may be empty.
	Plan     schema.Digest `json:"plan,omitempty"`
	Revision string        `json:"revision,omitempty"`
	Run      string        `json:"run"`
	Operator string        `json:"operator"`
	At       time.Time     `json:"at"`
}

func generationName(generation int, file string) string {
	return filepath.Join("generations", strconv.Itoa(generation), file)
}

// Manifest returns the manifest that a generation is, where it is kept and has
// the expected digest; otherwise nil.
func (s *Store) Manifest(applied *schema.Applied) *schema.Manifest {
	if applied == nil {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(s.dir, generationName(applied.Generation, "manifest.json")))
	if err != nil || schema.DigestOf(data) != applied.Manifest {
		return nil
	}
	var manifest schema.Manifest
	if json.Unmarshal(data, &manifest) != nil {
		return nil
	}
	return &manifest
}

// SaveGeneration keeps a generation's manifest and its closure in canonical
// form, so that their hashes are the files' own.
func (s *Store) SaveGeneration(generation Generation, manifest *schema.Manifest, closure []schema.PathEntry) error {
	if closure == nil {
		closure = []schema.PathEntry{}
	}
	for _, file := range []struct {
		name  string
		value any
	}{{"manifest.json", manifest}, {"closure.json", closure}, {"meta.json", generation}} {
		data, err := schema.Canonical(file.value)
		if err != nil {
			return fmt.Errorf("internal error: cannot encode %s: %w", file.name, err)
		}
		// If we crash here, the state file still names the generation before.
		if err := s.write(generationName(generation.Number, file.name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// LoadGeneration returns a generation that is kept, with its manifest and closure.
func (s *Store) LoadGeneration(number int) (Generation, *schema.Manifest, []schema.PathEntry, error) {
	var generation Generation
	var manifest schema.Manifest
	var closure []schema.PathEntry
	for _, file := range []struct {
		name   string
		target any
	}{{"meta.json", &generation}, {"manifest.json", &manifest}, {"closure.json", &closure}} {
		data, err := s.Read(generationName(number, file.name))
		if errors.Is(err, fs.ErrNotExist) {
			return generation, nil, nil, fmt.Errorf("the host does not have the generation %d: %w", number, fs.ErrNotExist)
		}
		if err != nil {
			return generation, nil, nil, err
		}
		if err := json.Unmarshal(data, file.target); err != nil {
			return generation, nil, nil, fmt.Errorf("cannot read %s/%s: %w", Directory, generationName(number, file.name), err)
		}
		if file.name == "manifest.json" && schema.DigestOf(data) != generation.Manifest {
			return generation, nil, nil, fmt.Errorf("wrong content of %s/%s: expected %s, found %s", Directory, generationName(number, file.name), generation.Manifest, schema.DigestOf(data))
		}
	}
	return generation, &manifest, closure, nil
}

// Generations returns the numbers of the generations that are kept, sorted.
func (s *Store) Generations() ([]int, error) {
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
	return numbers, nil
}

// RemoveGeneration forgets a generation.
func (s *Store) RemoveGeneration(number int) error {
	// If we crash here, some of the generation's files remain, to be removed later.
	return s.remove(filepath.Join("generations", strconv.Itoa(number)))
}
