package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cache is the directory that holds images (kept) and labs (as long as they run).
type cache struct{ dir string }

// DefaultCacheDir is $XDG_CACHE_HOME/nixfleet-lab, or /var/cache/nixfleet-lab.
func DefaultCacheDir() string {
	if dir := os.Getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "nixfleet-lab")
	}
	return "/var/cache/nixfleet-lab"
}

// openCache makes the directory if need be; empty means DefaultCacheDir.
func openCache(dir string) (cache, error) {
	if dir == "" {
		dir = DefaultCacheDir()
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return cache{}, fmt.Errorf("cannot use the lab's cache directory: %w", err)
	}
	// These characters have a meaning in the options of an overlay mount.
	if strings.ContainsAny(dir, ":,\\ \t\n") {
		return cache{}, fmt.Errorf("cannot use the lab's cache directory %q: no colon, comma, backslash or space is possible in it", dir)
	}
	c := cache{dir}
	for path, mode := range map[string]os.FileMode{c.images(): 0o755, c.labs(): 0o700} {
		if err := os.MkdirAll(path, mode); err != nil {
			return cache{}, fmt.Errorf("cannot make the lab's cache directory: %w", err)
		}
	}
	return c, nil
}

func (c cache) images() string { return filepath.Join(c.dir, "images") }
func (c cache) labs() string   { return filepath.Join(c.dir, "labs") }

// lock serialises what concerns the set of labs: making a directory, sweeping.
func (c cache) lock() (*os.File, error) {
	return lockFile(context.Background(), filepath.Join(c.dir, "lock"), nil)
}

// Clean removes the whole cache, images included. It refuses while a lab is up.
func Clean(cacheDir string, log io.Writer) error {
	c, err := openCache(cacheDir)
	if err != nil {
		return err
	}
	sweep(c, newLogger(log))
	entries, err := os.ReadDir(c.labs())
	if err != nil {
		return fmt.Errorf("cannot clean the lab's cache: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("cannot clean the lab's cache: lab %q is up", entries[0].Name())
	}
	if err := removeTree(c.dir); err != nil {
		return fmt.Errorf("cannot clean the lab's cache: %w", err)
	}
	return nil
}

var errLocked = errors.New("locked by another process")

// tryLock takes an exclusive lock that ends when the returned file, and every inherited copy of it, is closed.
func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, &os.PathError{Op: "lock", Path: path, Err: err}
	}
	return f, nil
}

// lockFile waits for a lock; waiting is called once if there is something to wait for.
func lockFile(ctx context.Context, path string, waiting func()) (*os.File, error) {
	for {
		f, err := tryLock(path)
		if !errors.Is(err, errLocked) {
			return f, err
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// sleep waits, or returns the context's error when that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
