package rooted

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/nixfleet/nixfleet/schema"
)

// OpenFile opens a regular file for reading.
func (f *FS) OpenFile(name string) (*os.File, error) {
	dir, base, err := f.parent(name)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	// Without O_NONBLOCK opening a pipe would wait for a writer.
	fd, err := unix.Openat(dir, base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", name, err)
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot read %s: it is not a regular file", name)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Digest returns the digest of a regular file's content.
func (f *FS) Digest(name string) (schema.Digest, error) {
	file, err := f.OpenFile(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", fmt.Errorf("cannot read %s: %w", name, err)
	}
	return schema.Digest("sha256:" + hex.EncodeToString(hash.Sum(nil))), nil
}

// Read returns a regular file's content.
func (f *FS) Read(name string) ([]byte, error) {
	file, err := f.OpenFile(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	return content, nil
}

// Names returns the names of a directory's entries, sorted.
func (f *FS) Names(name string) ([]string, error) {
	dir, err := f.directory(name)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	file, err := reopen(dir, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	names, err := file.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", name, err)
	}
	slices.Sort(names)
	return names, nil
}

// NamesIfAny returns the same, and none of what is no directory.
func (f *FS) NamesIfAny(name string) ([]string, error) {
	if entry, err := f.Lookup(name); err != nil || entry.Kind != Directory {
		return nil, err
	}
	return f.Names(name)
}

// reopen turns a descriptor of a directory for its entries into one of the
// directory itself, for listing, fsync, chmod and chown.
func reopen(dir int, name string) (*os.File, error) {
	fd, err := unix.Openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Resolve follows symbolic links as the kernel does and returns the path it
// arrives at, for files that are only read and lie where root alone may write:
// the Nix store, login shells. It must not be used for what is managed.
func (f *FS) Resolve(name string) (string, error) {
	rest := name
	for range 40 {
		entry, err := f.Lookup(rest)
		var blocked *BlockedError
		switch {
		case errors.As(err, &blocked) && blocked.Entry.Kind == Symlink:
			rest = join(blocked.Component, blocked.Entry.Target) + rest[len(blocked.Component):]
		case err != nil:
			return "", err
		case entry.Kind == Symlink:
			rest = join(rest, entry.Target)
		case entry.Kind == Absent:
			return "", fmt.Errorf("cannot open %s: %w", name, os.ErrNotExist)
		default:
			return rest, nil
		}
	}
	return "", fmt.Errorf("cannot open %s: too many symbolic links", name)
}

// join returns where the link at name points.
func join(name, target string) string {
	if path.IsAbs(target) {
		return path.Clean(target)
	}
	return path.Join(path.Dir(name), target)
}
