// Package rooted is the one door to the host's managed files and directories.
//
// It walks every path from the root directory, component by component, and never
// follows a symbolic link: a link that somebody planted cannot lead a change out
// of the managed tree. Changes are prepared in a staging directory on the same
// file system, which nobody but root can enter, and become visible by a rename,
// whole and with their right owner and mode.
package rooted

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nixfleet/nixfleet/executor/host/internal/effect"
	"github.com/nixfleet/nixfleet/schema"
)

// FS is the file system below a root directory.
type FS struct {
	name  string
	root  int // an O_PATH descriptor
	fault effect.Fault
}

// Open returns the file system below root: "/" on a host, elsewhere in tests.
func Open(root string, fault effect.Fault) (*FS, error) {
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", root, err)
	}
	return &FS{name: root, root: fd, fault: fault}, nil
}

// Root returns the root directory's own path.
func (f *FS) Root() string { return f.name }

// Close gives the root directory back.
func (f *FS) Close() error { return unix.Close(f.root) }

// Kind is what stands at a path.
type Kind string

// The kinds. Sockets, devices and pipes are Other.
const (
	Absent    Kind = ""
	File      Kind = "file"
	Directory Kind = "directory"
	Symlink   Kind = "symbolic link"
	Other     Kind = "special file"
)

// Entry is what stands at a path.
type Entry struct {
	Kind     Kind
	Mode     uint32 // the twelve bits of chmod(2)
	UID, GID int
	Size     int64
	Inode    uint64
	Target   string // of a symbolic link
}

// BlockedError says that a path cannot be reached, because one of the
// directories on the way is none.
type BlockedError struct {
	// Component is the path of what is in the way.
	Component string
	// Entry is what is in the way.
	Entry Entry
}

func (e *BlockedError) Error() string {
	if e.Entry.Kind == Symlink {
		return fmt.Sprintf("%s is a symbolic link to %q, which is not followed", e.Component, e.Entry.Target)
	}
	return fmt.Sprintf("%s is a %s, expected a directory", e.Component, e.Entry.Kind)
}

// Lookup tells what stands at a path. Nothing there, or no directory on the way,
// is no error: the entry's kind is Absent.
func (f *FS) Lookup(name string) (Entry, error) {
	dir, base, err := f.parent(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, nil
	}
	if err != nil {
		return Entry{}, err
	}
	defer unix.Close(dir)
	return lookupAt(dir, base, name)
}

func lookupAt(dir int, base, name string) (Entry, error) {
	var stat unix.Stat_t
	err := unix.Fstatat(dir, base, &stat, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENAMETOOLONG) {
		return Entry{}, nil // a name that is too long cannot be there
	}
	if err != nil {
		return Entry{}, fmt.Errorf("cannot look at %s: %w", name, err)
	}
	entry := entryOf(&stat)
	if entry.Kind == Symlink {
		buffer := make([]byte, 4096)
		n, err := unix.Readlinkat(dir, base, buffer)
		if err != nil {
			return Entry{}, fmt.Errorf("cannot read the link %s: %w", name, err)
		}
		entry.Target = string(buffer[:n])
	}
	return entry, nil
}

func entryOf(stat *unix.Stat_t) Entry {
	entry := Entry{Kind: Other, Mode: stat.Mode & 0o7777, UID: int(stat.Uid), GID: int(stat.Gid), Size: stat.Size, Inode: stat.Ino}
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		entry.Kind = File
	case unix.S_IFDIR:
		entry.Kind = Directory
	case unix.S_IFLNK:
		entry.Kind = Symlink
	}
	return entry
}

// parent opens the directory that holds name. The caller closes it.
func (f *FS) parent(name string) (dir int, base string, err error) {
	if !path.IsAbs(name) || path.Clean(name) != name || name == "/" {
		return -1, "", fmt.Errorf("internal error: %q is not a clean absolute path", name)
	}
	dir, err = f.directory(path.Dir(name))
	return dir, path.Base(name), err
}

// directory opens a directory for looking at and changing its entries.
func (f *FS) directory(name string) (int, error) {
	fd, err := unix.FcntlInt(uintptr(f.root), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("cannot open /: %w", err)
	}
	at := ""
	for component := range strings.SplitSeq(strings.Trim(name, "/"), "/") {
		if component == "" {
			break
		}
		at += "/" + component
		next, err := unix.Openat(fd, component, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			err = explain(fd, component, at, err)
		}
		unix.Close(fd)
		if err != nil {
			return -1, err
		}
		fd = next
	}
	return fd, nil
}

func explain(dir int, base, name string, cause error) error {
	if errors.Is(cause, unix.ENOTDIR) || errors.Is(cause, unix.ELOOP) {
		if entry, err := lookupAt(dir, base, name); err == nil && entry.Kind != Absent {
			return &BlockedError{name, entry}
		}
	}
	return fmt.Errorf("cannot open %s: %w", name, cause)
}

// Removable reports whether a file or link stands there: of what was ours, nothing
// else is ever removed.
func (e Entry) Removable() bool { return e.Kind == File || e.Kind == Symlink }

// ModeText returns the entry's mode as the manifest writes it.
func (e Entry) ModeText() schema.Mode { return schema.ModeOf(e.Mode) }
