// Package state keeps what the helper must remember on its host, in
// /var/lib/nixfleet: the state file, payloads by hash, manifests by generation,
// the lock and the helper's own binary. Only root can look into it.
package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/effect"
	"github.com/nixfleet/nixfleet/schema"
)

// Directory is where the state is on every host.
const Directory = "/var/lib/nixfleet"

// Store is the state directory.
type Store struct {
	root, dir string
	fault     effect.Fault
}

// New returns the state directory below root. It need not exist yet.
func New(root string, fault effect.Fault) *Store {
	return &Store{root, filepath.Join(root, Directory), fault}
}

// Load reads the state file. A host without one has an empty state.
func (s *Store) Load() (*schema.State, error) {
	state := &schema.State{Kind: schema.StateKind, Version: schema.StateVersion}
	data, err := os.ReadFile(filepath.Join(s.dir, "state.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the state file: %w", err)
	}
	if err == nil {
		if err := decode(data, state); err != nil {
			return nil, fmt.Errorf("cannot read the state file %s/state.json: %w", Directory, err)
		}
	}
	fillMaps(state)
	return state, nil
}

// decode reads a state file of this version or of one before.
func decode(data []byte, state *schema.State) error { return decodeWith(readers, data, state) }

// readers read what other versions wrote, by version. Each fills in what its
// version did not know yet.
var readers = map[int]func(data []byte, state *schema.State) error{
	schema.StateVersion: strictly,
}

func decodeWith(readers map[int]func([]byte, *schema.State) error, data []byte, state *schema.State) error {
	var head struct {
		Kind    string `json:"kind"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		if _, _, plain := schema.Kind(data); plain != nil {
			return plain
		}
		return err
	}
	read := readers[head.Version]
	if head.Kind != schema.StateKind || read == nil {
		return fmt.Errorf("expected %s of version %d, found %q of version %d: another nixfleet was here",
			schema.StateKind, schema.StateVersion, head.Kind, head.Version)
	}
	if err := read(data, state); err != nil {
		return err
	}
	state.Version = schema.StateVersion
	return nil
}

// strictly refuses a field that it does not know.
func strictly(data []byte, state *schema.State) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(state)
}

func fillMaps(state *schema.State) {
	if state.Owned == nil {
		state.Owned = schema.Owned{}
	}
	if state.Units == nil {
		state.Units = map[schema.UnitName]schema.UnitState{}
	}
}

// Save replaces the state file.
func (s *Store) Save(state *schema.State) error {
	data, err := schema.Canonical(state)
	if err != nil {
		return fmt.Errorf("internal error: cannot encode the state: %w", err)
	}
	// If we crash here, the old or the new state is there, whole.
	return s.write("state.json", append(data, '\n'), 0o600)
}

// write replaces a file below the state directory, durably.
func (s *Store) write(name string, data []byte, mode os.FileMode) error {
	target := filepath.Join(s.dir, name)
	return s.fault.Do("write "+name, func() error {
		if err := s.makeRoom(target); err != nil {
			return err
		}
		if err := renameio.WriteFile(target, data, mode, renameio.IgnoreUmask(), renameio.WithTempDir(s.scratch())); err != nil {
			return fmt.Errorf("cannot write %s/%s: %w", Directory, name, err)
		}
		s.synced(target)
		return s.syncDirectory(filepath.Dir(target))
	})
}

func (s *Store) makeRoom(target string) error {
	return errors.Join(s.makeDirectories(filepath.Dir(target)), s.makeDirectories(s.scratch()))
}

// scratch is where files are written before they are renamed to their place.
func (s *Store) scratch() string { return filepath.Join(s.dir, "scratch") }

// makeDirectories makes dir and what is missing above it, durably. The helper's own
// directory must let the deploy user's sudo through; all others are root's alone.
func (s *Store) makeDirectories(dir string) error {
	if err := os.MkdirAll(filepath.Dir(s.dir), 0o755); err != nil {
		return err
	}
	if _, err := os.Lstat(dir); err == nil {
		return nil
	}
	if dir != s.dir {
		if err := s.makeDirectories(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	mode := os.FileMode(0o700)
	if dir == s.dir || filepath.Base(dir) == "bin" {
		mode = 0o755
	}
	if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return s.syncDirectory(filepath.Dir(dir))
}

func (s *Store) syncDirectory(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	s.synced(dir)
	return nil
}

func (s *Store) synced(name string) {
	s.fault.Synced("/" + strings.TrimPrefix(strings.TrimPrefix(name, s.root), "/"))
}

// hexadecimal returns the part of a digest that names files.
func hexadecimal(digest schema.Digest) string { return strings.TrimPrefix(string(digest), "sha256:") }
