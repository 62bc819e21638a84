package rooted

import (
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/nixfleet/nixfleet/schema"
)

// otherPlace is the staging directory at the top of a file system that has no other.
const otherPlace = ".nixfleet-staging"

// mount tells file systems apart, and two mounts of one: a rename works only within one.
type mount struct{ device, id uint64 }

func mountOf(fd int) (mount, error) {
	var stat unix.Statx_t
	// Kernels before 5.8 leave the mount's id zero: then the device alone decides.
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, &stat); err != nil {
		return mount{}, fmt.Errorf("cannot tell the file system: %w", err)
	}
	return mount{unix.Mkdev(stat.Dev_major, stat.Dev_minor), stat.Mnt_id}, nil
}

func (f *FS) mountOfDirectory(name string) (mount, error) {
	fd, err := f.directory(name)
	if err != nil {
		return mount{}, err
	}
	defer unix.Close(fd)
	return mountOf(fd)
}

// PlaceFor returns the staging directory for a path: one from which a rename to
// the path works. Directories on the way to the path need not exist yet; a file
// of ours may stand in their place. Known are staging directories, two levels below a
// directory that exists, for the file systems that hold them.
func (f *FS) PlaceFor(name string, known []string) (string, error) {
	dir := path.Dir(name)
	want, err := f.mountOfDirectory(dir)
	var blocked *BlockedError
	for dir != "/" && (errors.Is(err, unix.ENOENT) || errors.As(err, &blocked)) {
		dir = path.Dir(dir)
		want, err = f.mountOfDirectory(dir)
	}
	if err != nil {
		return "", err
	}
	for _, place := range known {
		if found, err := f.mountOfDirectory(path.Dir(path.Dir(place))); err == nil && found == want {
			return place, nil
		}
	}
	for dir != "/" {
		above, err := f.mountOfDirectory(path.Dir(dir))
		if err != nil {
			return "", err
		}
		if above != want {
			break
		}
		dir = path.Dir(dir)
	}
	return path.Join(dir, otherPlace), nil
}

// Place is a staging directory. It belongs to us alone, so nobody can exchange
// what is in it, and it is used by descriptor, so nobody can exchange itself.
type Place struct {
	fs   *FS
	name string
	fd   int
}

// OpenPlace makes a staging directory where there is none, and empties it.
func (f *FS) OpenPlace(name string) (*Place, error) {
	if err := f.makePrivate(path.Dir(name), name); err != nil {
		return nil, err
	}
	p, err := f.EnterPlace(name)
	if err != nil {
		return nil, err
	}
	if err := p.clear(); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// EnterPlace opens a staging directory with what is in it.
func (f *FS) EnterPlace(name string) (*Place, error) {
	fd, err := f.directory(name)
	if err != nil {
		return nil, err
	}
	p := &Place{f, name, fd}
	if err := p.check(); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (f *FS) makePrivate(above, name string) error {
	if path.Base(above) == ".nixfleet" {
		if err := f.mkdir(above, 0o700); err != nil && !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
	// If we crash here, recovery finds and removes the directory.
	if err := f.mkdir(name, 0o700); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}

func (f *FS) mkdir(name string, mode uint32) error {
	dir, base, err := f.parent(name)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	return f.fault.Do("mkdir "+name, func() error {
		if err := unix.Mkdirat(dir, base, mode); err != nil {
			return fmt.Errorf("cannot make the directory %s: %w", name, err)
		}
		return nil
	})
}

func (p *Place) check() error {
	var stat unix.Stat_t
	if err := unix.Fstat(p.fd, &stat); err != nil {
		return fmt.Errorf("cannot look at %s: %w", p.name, err)
	}
	if int(stat.Uid) != unix.Geteuid() || stat.Mode&0o077 != 0 {
		return fmt.Errorf("cannot stage in %s: expected owner %d and mode 0700, found owner %d and mode %04o",
			p.name, unix.Geteuid(), stat.Uid, stat.Mode&0o7777)
	}
	return nil
}

// clear removes what an interrupted transaction left.
func (p *Place) clear() error {
	names, err := p.fs.Names(p.name)
	if err != nil || len(names) == 0 {
		return err
	}
	// If we crash here, the rest is removed at the next attempt.
	return p.fs.fault.Do("clear "+p.name, func() error {
		for _, name := range names {
			if err := p.remove(name); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p *Place) remove(name string) error {
	if err := removeAll(p.fd, name); err != nil {
		return fmt.Errorf("cannot remove %s/%s: %w", p.name, name, err)
	}
	return nil
}

// removeAll removes a file, a link or a directory with all that is in it. After a
// power cut a directory that was moved away may be back with something in it.
func removeAll(dir int, name string) error {
	err := unix.Unlinkat(dir, name, 0)
	if errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EPERM) {
		err = unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
	}
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.EEXIST) {
		return err
	}
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	file := os.NewFile(uintptr(fd), name)
	defer file.Close()
	names, err := file.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, child := range names {
		if err := removeAll(fd, child); err != nil {
			return err
		}
	}
	return unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
}

// Path returns the path of what is staged, for programs that look at it.
func (p *Place) Path(name string) string { return path.Join(p.fs.name, p.name, name) }

// Digest returns the digest of a staged file's content.
func (p *Place) Digest(name string) (schema.Digest, error) {
	return p.fs.Digest(path.Join(p.name, name))
}

// Close gives the descriptor back and leaves the directory.
func (p *Place) Close() { unix.Close(p.fd) }

// RemovePlace removes a staging directory with what is in it, and is content
// where there is none.
func (f *FS) RemovePlace(name string) error {
	entry, err := f.Lookup(name)
	if err != nil {
		return err
	}
	if entry.Kind == Directory {
		p, err := f.EnterPlace(name)
		if err != nil {
			return err
		}
		err = p.clear()
		p.Close()
		if err != nil {
			return err
		}
		if _, err := f.RemoveDirectory(name); err != nil {
			return err
		}
	}
	above := path.Dir(name)
	if path.Base(above) != ".nixfleet" {
		return nil
	}
	if entry, err = f.Lookup(above); err != nil || entry.Kind == Absent {
		return err
	}
	_, err = f.RemoveDirectory(above)
	return err
}

// Free returns the free bytes of the file system that holds a directory below
// root, or the nearest one above it that exists.
func Free(root, directory string) (int64, error) {
	for dir := directory; ; dir = path.Dir(dir) {
		var stat unix.Statfs_t
		err := unix.Statfs(path.Join(root, dir), &stat)
		if errors.Is(err, unix.ENOENT) && dir != "/" {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("cannot tell the free space of %s: %w", dir, err)
		}
		return int64(stat.Bavail) * stat.Bsize, nil // not every root may use what is reserved for it
	}
}
