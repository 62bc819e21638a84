package state

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
)

// Path returns where a file of the state directory is.
func (s *Store) Path(name string) string { return filepath.Join(s.dir, name) }

// Write replaces a file below the state directory, whole and durably, and makes
// the directories on the way.
func (s *Store) Write(name string, data []byte) error { return s.write(name, data, 0o600) }

// Read returns a file's content. That there is none is an fs.ErrNotExist.
func (s *Store) Read(name string) ([]byte, error) {
	data, err := os.ReadFile(s.Path(name))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s/%s: %w", Directory, name, err)
	}
	return data, nil
}

// Names returns the names in a directory, sorted; none where there is no directory.
func (s *Store) Names(directory string) ([]string, error) { return s.names(directory) }

// Remove removes a file or a whole directory.
func (s *Store) Remove(name string) error { return s.remove(name) }

// Append adds a line to a file. Durable, it is there whole or, torn, as the last
// line of the file, which readers pass over.
func (s *Store) Append(name string, line []byte, durable bool) error {
	// If we crash here, the line is there, torn or not there.
	return s.fault.Do("append "+name, func() error {
		if err := s.makeDirectories(filepath.Dir(s.Path(name))); err != nil {
			return err
		}
		_, err := os.Lstat(s.Path(name))
		fresh := errors.Is(err, os.ErrNotExist)
		file, err := os.OpenFile(s.Path(name), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return fmt.Errorf("cannot write %s/%s: %w", Directory, name, err)
		}
		defer file.Close()
		if torn(file) { // what comes after a torn line must not become part of it
			line = append([]byte("\n"), line...)
		}
		if _, err := file.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("cannot write %s/%s: %w", Directory, name, err)
		}
		if !durable {
			return nil
		}
		if err := file.Sync(); err != nil {
			return fmt.Errorf("cannot write %s/%s: %w", Directory, name, err)
		}
		s.synced(s.Path(name))
		if fresh {
			return s.syncDirectory(filepath.Dir(s.Path(name)))
		}
		return nil
	})
}

// torn reports whether a file does not end with a newline.
func torn(file *os.File) bool {
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil || end == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err = file.ReadAt(last, end-1)
	return err == nil && last[0] != '\n'
}

// Reserve makes a file of that size which can be removed when the disk is full,
// so that what must be written then finds room. It is made once.
func (s *Store) Reserve(name string, size int64) error {
	// If we crash here, the reserve is there, or smaller, or not.
	return s.fault.Do("reserve "+name, func() error {
		if err := s.makeDirectories(filepath.Dir(s.Path(name))); err != nil {
			return err
		}
		file, err := os.OpenFile(s.Path(name), os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return fmt.Errorf("cannot reserve room in %s: %w", Directory, err)
		}
		defer file.Close()
		if err := rooted.Allocate(file, size); err != nil {
			return fmt.Errorf("cannot reserve room in %s: %w", Directory, err)
		}
		return nil
	})
}

// Link makes a symbolic link, in place of one that is there.
func (s *Store) Link(name, target string) error {
	// If we crash here, the link is there or not.
	return s.fault.Do("link "+name, func() error {
		if err := s.makeDirectories(filepath.Dir(s.Path(name))); err != nil {
			return err
		}
		if err := os.Remove(s.Path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cannot write %s/%s: %w", Directory, name, err)
		}
		if err := os.Symlink(target, s.Path(name)); err != nil {
			return fmt.Errorf("cannot write %s/%s: %w", Directory, name, err)
		}
		return s.syncDirectory(filepath.Dir(s.Path(name)))
	})
}
