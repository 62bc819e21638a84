package rooted

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Obstacle is why the kernel does not let a path be changed; empty where it does.
type Obstacle string

// The obstacles, as they follow "cannot change /path: ".
const (
	Immutable           Obstacle = "it is immutable"
	AppendOnly          Obstacle = "it can only be appended to"
	MountPoint          Obstacle = "it is a mount point"
	DirectoryImmutable  Obstacle = "its directory is immutable"
	DirectoryAppendOnly Obstacle = "its directory can only be appended to"
)

// Obstacle says why the kernel would not let a file, link or directory be changed
// or replaced, although nothing is wrong with its path; empty where it would.
func (f *FS) Obstacle(name string) (Obstacle, error) {
	dir, base, err := f.parent(name)
	var blocked *BlockedError
	if errors.Is(err, unix.ENOENT) || errors.As(err, &blocked) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer unix.Close(dir)
	attributes, mode, err := attributesAt(dir, base, name)
	if err != nil {
		return "", err
	}
	switch {
	case attributes&unix.STATX_ATTR_IMMUTABLE != 0:
		return Immutable, nil
	case attributes&unix.STATX_ATTR_APPEND != 0:
		return AppendOnly, nil
	case attributes&unix.STATX_ATTR_MOUNT_ROOT != 0 && mode&unix.S_IFMT != unix.S_IFDIR:
		return MountPoint, nil
	}
	if attributes, _, err = attributesAt(dir, "", name); err != nil {
		return "", err
	}
	switch {
	case attributes&unix.STATX_ATTR_IMMUTABLE != 0:
		return DirectoryImmutable, nil
	case attributes&unix.STATX_ATTR_APPEND != 0:
		return DirectoryAppendOnly, nil
	}
	return "", nil
}

func attributesAt(dir int, base, name string) (attributes uint64, mode uint16, err error) {
	var stat unix.Statx_t
	err = unix.Statx(dir, base, unix.AT_SYMLINK_NOFOLLOW|unix.AT_EMPTY_PATH, unix.STATX_TYPE, &stat)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENAMETOOLONG) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("cannot look at %s: %w", name, err)
	}
	return stat.Attributes & stat.Attributes_mask, stat.Mode, nil
}
