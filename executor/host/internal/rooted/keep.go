package rooted

import (
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// ReplacedError says that something else stands at a path than stood there when
// the transaction looked.
type ReplacedError struct{ Path string }

func (e *ReplacedError) Error() string {
	return fmt.Sprintf("%s was changed by somebody else while we worked", e.Path)
}

// Keep gives the file or link at a path a second name in the place: so it can
// come back as it is, with its times, attributes and access list.
func (p *Place) Keep(name, target string) error {
	dir, base, err := p.fs.parent(target)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	// If we crash here, the file has a second name or not; nothing was changed.
	return p.fs.fault.Do("keep "+target, func() error {
		if err := unix.Linkat(dir, base, p.fd, name, 0); err != nil {
			return fmt.Errorf("cannot keep %s: %w", target, err)
		}
		return nil
	})
}

// Lookup tells what has a name in the place.
func (p *Place) Lookup(name string) (Entry, error) { return lookupAt(p.fd, name, p.name+"/"+name) }

// Exchange makes what was staged visible at target, where the file or link with
// that inode is. Somebody else's, which came there meanwhile, stays: then it fails
// with a [ReplacedError].
func (p *Place) Exchange(name, target string, inode uint64) error {
	dir, base, err := p.fs.parent(target)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	// If we crash here, the old or the new one is there, whole, and the other one has
	// a name in the place.
	return p.fs.fault.Do("rename "+target, func() error {
		err := p.exchange(name, dir, base, target, inode)
		if err != nil {
			return fmt.Errorf("cannot put %s in place: %w", target, err)
		}
		return nil
	})
}

func (p *Place) exchange(name string, dir int, base, target string, inode uint64) error {
	err := unix.Renameat2(p.fd, name, dir, base, unix.RENAME_EXCHANGE)
	switch {
	case errors.Is(err, unix.ENOENT):
		return &ReplacedError{target}
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		// A file system that cannot: then somebody has an instant to be overlooked.
		if found, err := lookupAt(dir, base, target); err != nil || found.Inode != inode {
			return errors.Join(err, &ReplacedError{target})
		}
		return unix.Renameat(p.fd, name, dir, base)
	case err != nil:
		return err
	}
	old, err := p.Lookup(name)
	if err == nil && old.Inode == inode {
		return nil
	}
	return errors.Join(err, &ReplacedError{target}, unix.Renameat2(p.fd, name, dir, base, unix.RENAME_EXCHANGE))
}

// Restore puts what has a name in the place at target, over what is there.
func (p *Place) Restore(name, target string) error {
	dir, base, err := p.fs.parent(target)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	// If we crash here, the old one is back, or the next recovery brings it.
	return p.fs.fault.Do("restore "+target, func() error {
		if err := unix.Renameat(p.fd, name, dir, base); err != nil {
			return fmt.Errorf("cannot bring %s back: %w", target, err)
		}
		return nil
	})
}

// Drop removes a name from the place, if it is there.
func (p *Place) Drop(name string) error {
	if found, err := p.Lookup(name); err != nil || found.Kind == Absent {
		return err
	}
	// If we crash here, the name is removed with the place.
	return p.fs.fault.Do("drop "+p.name+"/"+name, func() error { return p.remove(name) })
}

// reserveName and reserveSize are of a file in the place, which goes when the disk
// is full and a name must be found room for.
const (
	reserveName = "reserve"
	reserveSize = 64 << 10
)

// Reserve keeps some room on the file system for the way back.
func (p *Place) Reserve() error {
	// If we crash here, recovery removes it with the place.
	return p.fs.fault.Do("reserve "+p.name, func() error {
		file, err := p.create(reserveName)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := Allocate(file, reserveSize); err != nil {
			return fmt.Errorf("cannot reserve room in %s: %w", p.name, err)
		}
		return nil
	})
}

// Allocate gives a file that many bytes of the disk.
func Allocate(file *os.File, size int64) error {
	err := unix.Fallocate(int(file.Fd()), 0, 0, size)
	if !errors.Is(err, unix.EOPNOTSUPP) {
		return err
	}
	_, err = file.WriteAt(make([]byte, size), 0)
	return err
}

// Unreserve gives the room to whoever needs it.
func (p *Place) Unreserve() error { return p.Drop(reserveName) }

// SyncPlace makes the place and the names in it durable.
func (p *Place) SyncPlace() error {
	return p.fs.Sync(p.name, path.Dir(p.name), path.Dir(path.Dir(p.name)))
}
