package rooted

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// Meta is a file's or directory's mode and owner.
type Meta struct {
	Mode     uint32
	UID, GID int
}

// WriteFile stages a file. Without meta only we can read it, until [Place.Finish]
// gives it its mode and owner. Only [Place.Sync] makes it durable.
func (p *Place) WriteFile(name string, content io.Reader, meta *Meta) error {
	// If we crash here, recovery removes the staging directory.
	return p.fs.fault.Do("write "+p.name+"/"+name, func() error {
		file, err := p.create(name)
		if err != nil {
			return err
		}
		defer file.Close()
		if _, err := io.Copy(file, content); err != nil {
			return fmt.Errorf("cannot write %s/%s: %w", p.name, name, err)
		}
		if meta == nil {
			return nil
		}
		return setMeta(int(file.Fd()), file.Name(), *meta)
	})
}

// create makes a file that only we can read.
func (p *Place) create(name string) (*os.File, error) {
	fd, err := unix.Openat(p.fd, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot write %s/%s: %w", p.name, name, err)
	}
	return os.NewFile(uintptr(fd), p.name+"/"+name), nil
}

// Sync makes all staged files durable, so that a rename can never show an empty
// one. At once, because the file system then needs to commit only once or twice.
func (p *Place) Sync() error {
	names, err := p.fs.Names(p.name)
	if err != nil {
		return err
	}
	return p.fs.fault.Do("fsync "+p.name, func() error {
		for some := range slices.Chunk(names, 32) {
			errs := make([]error, len(some))
			var group sync.WaitGroup
			for i, name := range some {
				group.Go(func() { errs[i] = p.syncFile(name) })
			}
			group.Wait()
			if err := errors.Join(errs...); err != nil {
				return err
			}
			for _, name := range some {
				p.fs.fault.Synced(p.name + "/" + name)
			}
		}
		return nil
	})
}

func (p *Place) syncFile(name string) error {
	fd, err := unix.Openat(p.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil // a link is in its directory
	}
	if err != nil {
		return fmt.Errorf("cannot open %s/%s: %w", p.name, name, err)
	}
	defer unix.Close(fd)
	if err := unix.Fsync(fd); err != nil {
		return fmt.Errorf("cannot write %s/%s to the disk: %w", p.name, name, err)
	}
	return nil
}

// WriteSymlink stages a symbolic link.
func (p *Place) WriteSymlink(name, target string) error {
	return p.fs.fault.Do("link "+p.name+"/"+name, func() error {
		if err := unix.Symlinkat(target, p.fd, name); err != nil {
			return fmt.Errorf("cannot make the link %s/%s: %w", p.name, name, err)
		}
		return nil
	})
}

// MakeDirectory stages an empty directory with its mode and owner. Durable it is
// once [FS.Sync] was asked for what it is moved to and for where it is moved.
func (p *Place) MakeDirectory(name string, meta Meta) error {
	return p.fs.fault.Do("mkdir "+p.name+"/"+name, func() error {
		if err := unix.Mkdirat(p.fd, name, 0o700); err != nil {
			return fmt.Errorf("cannot make the directory %s/%s: %w", p.name, name, err)
		}
		return setMetaAt(p.fd, name, p.name+"/"+name, meta, false)
	})
}

// Finish gives a staged file its mode and owner.
func (p *Place) Finish(name string, meta Meta) error {
	return p.fs.fault.Do("chmod "+p.name+"/"+name, func() error {
		return setMetaAt(p.fd, name, p.name+"/"+name, meta, false)
	})
}

// Move makes what was staged visible at target, in place of a file or link that
// is there when replace is set. Only [FS.Sync] of the directory makes it durable.
func (p *Place) Move(name, target string, replace bool) error {
	dir, base, err := p.fs.parent(target)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	flags := uint(unix.RENAME_NOREPLACE)
	if replace {
		flags = 0
	}
	// If we crash here, the old or the new one is there, whole, and recovery has what
	// it needs to bring the old one back.
	return p.fs.fault.Do("rename "+target, func() error {
		if err := unix.Renameat2(p.fd, name, dir, base, flags); err != nil {
			return fmt.Errorf("cannot put %s in place: %w", target, err)
		}
		return nil
	})
}

// Remove removes a file or link. That it is gone already is no error.
func (f *FS) Remove(name string) error { return f.unlink(name, 0) }

// RemoveDirectory removes an empty directory. That it is gone already is no error;
// that it is not empty, or a mount point, is none either, but then it is not removed.
func (f *FS) RemoveDirectory(name string) (removed bool, err error) {
	err = f.unlink(name, unix.AT_REMOVEDIR)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) || errors.Is(err, unix.EBUSY) {
		return false, nil
	}
	return err == nil, err
}

func (f *FS) unlink(name string, flags int) error {
	dir, base, err := f.parent(name)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	// If we crash here, it is there or gone, and has another name in a staging
	// directory where it was not ours to lose.
	return f.fault.Do("remove "+name, func() error {
		if err := unix.Unlinkat(dir, base, flags); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("cannot remove %s: %w", name, err)
		}
		return nil
	})
}

// SetDirectory changes an existing directory's mode and owner. On the way the
// directory is never open to anybody to whom it is closed before and after.
func (f *FS) SetDirectory(name string, meta Meta) error {
	dir, base, err := f.parent(name)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	entry, err := lookupAt(dir, base, name)
	if err != nil {
		return err
	}
	// If we crash here, the directory is between its two modes, and recovery knows
	// the old one.
	return f.fault.Do("chmod "+name, func() error {
		if entry.UID != meta.UID || entry.GID != meta.GID {
			between := Meta{entry.Mode & meta.Mode & 0o700, entry.UID, entry.GID}
			if err := setMetaAt(dir, base, name, between, false); err != nil {
				return err
			}
		}
		if err := setMetaAt(dir, base, name, meta, true); err != nil {
			return err
		}
		f.fault.Synced(name)
		return nil
	})
}

// setMetaAt works on a descriptor, so that the file cannot be exchanged for a
// link in between. With sync the change is durable.
func setMetaAt(dir int, base, name string, meta Meta, sync bool) error {
	fd, err := unix.Openat(dir, base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("cannot open %s: %w", name, err)
	}
	defer unix.Close(fd)
	if err := setMeta(fd, name, meta); err != nil || !sync {
		return err
	}
	if err := unix.Fsync(fd); err != nil {
		return fmt.Errorf("cannot write %s to the disk: %w", name, err)
	}
	return nil
}

// setMeta changes owner and then mode, since chown(2) clears the setuid bit.
func setMeta(fd int, name string, meta Meta) error {
	if err := unix.Fchown(fd, meta.UID, meta.GID); err != nil {
		return fmt.Errorf("cannot change the owner of %s: %w", name, err)
	}
	if err := unix.Fchmod(fd, meta.Mode); err != nil {
		return fmt.Errorf("cannot change the mode of %s: %w", name, err)
	}
	return nil
}

// Sync makes the entries of directories durable, all at once. One that is gone, or
// that something else has replaced, is an entry of another directory by now.
func (f *FS) Sync(names ...string) error {
	if len(names) == 0 {
		return nil
	}
	// If we crash here, renames and removals of before may be undone.
	return f.fault.Do("fsync "+names[0], func() error {
		errs := make([]error, len(names))
		var group sync.WaitGroup
		for i, name := range names {
			group.Go(func() { errs[i] = f.sync(name) })
		}
		group.Wait()
		for _, name := range names {
			f.fault.Synced(name)
		}
		return errors.Join(errs...)
	})
}

func (f *FS) sync(name string) error {
	dir, err := f.directory(name)
	var replaced *BlockedError
	if errors.Is(err, unix.ENOENT) || errors.As(err, &replaced) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	file, err := reopen(dir, name)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Sync(); err != nil {
		return fmt.Errorf("cannot write %s to the disk: %w", name, err)
	}
	return nil
}
