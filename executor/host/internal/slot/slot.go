// Package slot keeps slots: who may be down of a group of hosts, for all controllers.
// A slot is held until it is given back or its time has run out, by the clock of the
// boot and never by the date. It outlives a boot; then its whole time begins once more,
// since nobody knows how long the host was off.
package slot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nixfleet/nixfleet/executor/host/internal/effect"
	"github.com/nixfleet/nixfleet/executor/host/internal/lease"
	"github.com/nixfleet/nixfleet/executor/host/internal/ledger"
)

// Record is a slot that is held, as its file has it.
type Record struct {
	// Key names the slot; the file's name is its hash.
	Key string `json:"key"`
	// Holder and Operator are who holds it.
	Holder   string `json:"holder"`
	Operator string `json:"operator"`
	// For is how long it is held, and Until when that ends in the boot Boot.
	For   time.Duration `json:"for"`
	Boot  string        `json:"boot"`
	Until time.Duration `json:"until"`
}

// Store keeps the slots of one host.
type Store struct {
	root, parent, dir string
	clock             lease.Clock
	fault             effect.Fault
}

// New returns the store in the directory "slots" of the state directory below root,
// which must be there when a slot is taken: a host that has left its fleet keeps none.
func New(root, stateDirectory string, clock lease.Clock, fault effect.Fault) *Store {
	parent := filepath.Join(root, stateDirectory)
	return &Store{root: root, parent: parent, dir: filepath.Join(parent, "slots"), clock: clock, fault: fault}
}

// Take gives a slot to a holder, for its whole time, where it is free, has run out or
// is that holder's own; else it returns who holds it.
func (s *Store) Take(ctx context.Context, key, holder, operator string, length time.Duration) (other *Record, err error) {
	err = s.Alone(ctx, func() error {
		if err := s.sweep(); err != nil {
			return err
		}
		current, err := s.read(name(key))
		if err != nil {
			return err
		}
		if current != nil && current.Holder != holder {
			other = current
			return nil
		}
		return s.write(&Record{Key: key, Holder: holder, Operator: operator, For: length, Boot: s.clock.Boot, Until: s.clock.Now() + length})
	})
	return other, err
}

// Release ends a slot of a holder. Where another holds it, it returns who.
func (s *Store) Release(ctx context.Context, key, holder string) (other *Record, err error) {
	err = s.Alone(ctx, func() error {
		current, err := s.read(name(key))
		if err != nil || current == nil {
			return err
		}
		if current.Holder != holder && s.Remains(current) > 0 {
			other = current
			return nil
		}
		return s.remove(name(key))
	})
	return other, err
}

// Remains is how long a slot is held yet; nothing or less where it has run out.
func (s *Store) Remains(r *Record) time.Duration {
	if r.Boot != s.clock.Boot {
		return s.clock.Began + r.For - s.clock.Now()
	}
	return r.Until - s.clock.Now()
}

// Alone does something while nobody else takes or gives back a slot. Who removes the
// state directory does so within it.
func (s *Store) Alone(ctx context.Context, do func() error) error {
	// The directory itself is locked: no file is left of that, and it is gone with
	// the directory.
	dir, err := os.Open(s.parent)
	if err != nil {
		return fmt.Errorf("cannot lock the slots: %w", err)
	}
	defer dir.Close()
	err = ledger.Lock(ctx, dir, func(fd uintptr) error { return unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB) })
	if err != nil {
		return fmt.Errorf("cannot lock the slots: %w", err)
	}
	locked, err := dir.Stat()
	if err != nil {
		return fmt.Errorf("cannot lock the slots: %w", err)
	}
	if now, err := os.Stat(s.parent); err != nil || !os.SameFile(now, locked) {
		return errors.New("cannot lock the slots: the host has left its fleet meanwhile")
	}
	return do()
}

func name(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + ".json"
}

// sweep removes slots that have run out, and what a crash has left. One that cannot be
// read stays for who asks for it.
func (s *Store) sweep() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot read the slots: %w", err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ledger.Fresh) {
			r, err := s.read(entry.Name())
			if err != nil || r == nil || s.Remains(r) > 0 {
				continue
			}
		}
		if err := s.remove(entry.Name()); err != nil {
			return err
		}
	}
	return nil
}

// read returns a slot's record; nil where it is free.
func (s *Store) read(name string) (*Record, error) {
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var r Record
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the slot %s: %w", filepath.Join(s.dir, name), err)
	}
	return &r, nil
}

// write keeps a record.
//
// If we crash here, the slot is as before or held: its holder asks again, and others
// wait until its time has run out.
func (s *Store) write(r *Record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("internal error: cannot encode a slot: %w", err)
	}
	file := name(r.Key)
	err = s.fault.Do("write slots/"+file, func() error {
		if err := s.makeDirectory(); err != nil {
			return err
		}
		if err := ledger.Replace(filepath.Join(s.dir, file), data); err != nil {
			return err
		}
		s.synced(filepath.Join(s.dir, file))
		s.synced(s.dir)
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot keep a slot: %w", err)
	}
	return nil
}

// makeDirectory makes the directory below one that must be there.
func (s *Store) makeDirectory() error {
	err := os.Mkdir(s.dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		err = ledger.Sync(s.parent)
	}
	if err == nil {
		s.synced(s.parent)
	}
	return err
}

// remove ends a slot.
//
// If we crash here, it is free or held, and runs out.
func (s *Store) remove(file string) error {
	err := s.fault.Do("remove slots/"+file, func() error {
		if err := os.Remove(filepath.Join(s.dir, file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := ledger.Sync(s.dir); err != nil {
			return err
		}
		s.synced(s.dir)
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot give back a slot: %w", err)
	}
	return nil
}

func (s *Store) synced(path string) {
	s.fault.Synced("/" + strings.TrimPrefix(strings.TrimPrefix(path, s.root), "/"))
}
