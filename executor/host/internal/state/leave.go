package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

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
		if err := os.Remove(s.dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cannot remove %s: %w", Directory, err)
		}
		return s.syncDirectory(filepath.Dir(s.dir))
	})
}
