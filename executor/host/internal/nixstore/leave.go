package nixstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Remove removes the profile with its generations, and what keeps a closure from the
// garbage collector. It reports whether there was a profile.
func (p *Profile) Remove() (removed bool, err error) {
	if _, err := os.Lstat(p.at(ProfileLink)); err == nil {
		removed = true
	}
	// If we crash here, some of the links remain, to be removed at the next attempt.
	if err := p.set(ProfileLink, ""); err != nil {
		return removed, err
	}
	numbers, err := p.numbers()
	if err != nil {
		return removed, err
	}
	for _, n := range numbers {
		if err := p.set(generationPath(n), ""); err != nil {
			return removed, err
		}
	}
	if err := p.Unroot(); err != nil {
		return removed, err
	}
	for _, directory := range []string{profiles, filepath.Dir(stagedRoot)} {
		if err := p.removeEmpty(directory); err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// removeEmpty removes a directory, unless somebody has put something into it.
func (p *Profile) removeEmpty(directory string) error {
	entries, err := os.ReadDir(p.at(directory))
	if errors.Is(err, fs.ErrNotExist) || len(entries) > 0 {
		return nil
	}
	// If we crash here, an empty directory remains, until the next attempt.
	return p.fault.Do("remove "+directory, func() error {
		if err := os.Remove(p.at(directory)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove %s: %w", directory, err)
		}
		return p.sync(filepath.Dir(directory))
	})
}
