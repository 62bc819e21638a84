// Package durable writes files that must survive a power failure. It serves the
// controller; hosts write their state with executor/host/internal/state.
package durable

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// Replace writes a whole file. When it returns nil, both the contents and the name are
// on the disk. An existing file keeps its mode; a new one gets mode, less the umask.
//
// If we crash here, the file is either the old one or the new one.
func Replace(name string, mode os.FileMode, write func(*os.File) error) error {
	dir := filepath.Dir(name)
	file, err := renameio.NewPendingFile(name, renameio.WithTempDir(dir), renameio.WithPermissions(mode), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	defer func() { _ = file.Cleanup() }()
	if err := write(file.File); err != nil {
		return err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return SyncDir(dir)
}

// SyncDir puts the names in a directory on the disk, after files in it were created or
// renamed. Network file systems that cannot do this do it by themselves.
func SyncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := sync(dir); !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}

// sync is a variable because a test cannot cut the power.
var sync = (*os.File).Sync
