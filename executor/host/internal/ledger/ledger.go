// Package ledger is for small files that several processes of the helper read and
// replace: one process at a time, and each file whole.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long another process may hold a lock. They do so for an instant,
// unless they are stopped.
const patience = 10 * time.Second

// Lock tries again and again to lock a file, until ctx is done or another process has
// had it for too long. The kernel ends a lock with the process that holds it, however
// that ends.
func Lock(ctx context.Context, file *os.File, try func(fd uintptr) error) error {
	for end := time.Now().Add(patience); ; {
		err := try(file.Fd())
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES):
			return err
		case time.Now().After(end):
			return fmt.Errorf("another process has held %s for %s", file.Name(), patience)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Replace replaces a file, durably: after an error the old one is there. It is for
// who holds a lock, so one name for the new file is enough, and a crash leaves at
// most that.
func Replace(file string, data []byte) error {
	fresh := file + Fresh
	err := write(fresh, data)
	if err == nil {
		err = os.Rename(fresh, file)
	}
	if err != nil {
		// It may fill a disk that is full. Where it cannot be removed, the next one replaces it.
		_ = os.Remove(fresh)
		return err
	}
	return Sync(filepath.Dir(file))
}

// Fresh ends the name of a file that has not come into its place.
const Fresh = ".new"

func write(name string, data []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}

// Sync forces a directory's entries to the disk.
func Sync(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
