// Package scaffold is the fleet that `nixfleet init` writes: small, commented, with the
// workflows of its repository. It overwrites nothing.
package scaffold

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

//go:embed all:fleet
var files embed.FS

// Files returns the fleet's files.
func Files() fs.FS {
	fleet, err := fs.Sub(files, "fleet")
	if err != nil {
		panic(err) // a name without faults
	}
	return fleet
}

// InTheWayError is of a directory that is not empty. A repository of git's is.
type InTheWayError struct {
	Dir   string
	Names []string
}

func (e *InTheWayError) Error() string {
	const most = 5
	named := fmt.Sprintf("%q", e.Names[:min(len(e.Names), most)])
	if more := len(e.Names) - most; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("cannot begin a fleet in %q: nothing is overwritten, and there is %s", e.Dir, named)
}

// Write writes the fleet into a directory, which is made where it is missing.
func Write(dir string) error {
	if err := check(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot begin a fleet: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("cannot begin a fleet: %w", err)
	}
	defer root.Close()
	if err := write(root); err != nil {
		return fmt.Errorf("cannot begin a fleet in %q: %w", dir, err)
	}
	return nil
}

func check(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot begin a fleet: %w", err)
	}
	wrong := &InTheWayError{Dir: dir}
	for _, entry := range entries {
		if entry.Name() != ".git" {
			wrong.Names = append(wrong.Names, entry.Name())
		}
	}
	if len(wrong.Names) > 0 {
		return wrong
	}
	return nil
}

// write makes every file anew. If we crash here, those that are there are whole or the
// last of them is cut off; whoever begins again is told that they are in the way.
func write(root *os.Root) error {
	return fs.WalkDir(Files(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(Files(), name)
		if err != nil {
			return err
		}
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
		file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = file.Write(content)
		return errors.Join(err, file.Close())
	})
}
