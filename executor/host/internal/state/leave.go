package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// KeepEdits moves the copies of what people have edited by hand, which are theirs, out
// of the state directory. It returns where they are; empty where there are none.
func (s *Store) KeepEdits(run string) (string, error) {
	names, err := s.names("edits")
	if err != nil || len(names) == 0 {
		return "", err
	}
	kept := EditsKept(run)
	// If we crash here, they are in the one place or in the other.
	return kept, s.fault.Do("rename edits", func() error {
		if err := os.Rename(s.Path("edits"), filepath.Join(s.root, kept)); err != nil {
			return fmt.Errorf("cannot keep what was edited by hand: %w", err)
		}
		return s.syncDirectory(filepath.Dir(s.dir))
	})
}

// EditsKept is where [Store.KeepEdits] puts them.
func EditsKept(run string) string { return Directory + "-edits-" + run }

// RemoveAll removes the state directory, the helper's binary last: as long as that is
// there, somebody can go on where this was interrupted.
func (s *Store) RemoveAll() error {
	names, err := s.names("")
	if err != nil {
		return err
	}
	for _, name := range slices.DeleteFunc(names, func(name string) bool { return name == "bin" }) {
		if err := s.remove(name); err != nil {
			return err
		}
	}
	return s.fault.Do("remove bin", func() error {
		if err := os.RemoveAll(s.Path("bin")); err != nil {
			return fmt.Errorf("cannot remove %s/bin: %w", Directory, err)
		}
		// If we crash here, an empty directory is left.
		if err := os.Remove(s.dir); err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.EBUSY) { // somebody's mount point
			return fmt.Errorf("cannot remove %s: %w", Directory, err)
		}
		return s.syncDirectory(filepath.Dir(s.dir))
	})
}
