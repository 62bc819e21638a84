package nixstore

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/nixfleet/nixfleet/schema"
)

// Lost returns those of the store paths that are not on the disk, whatever the
// store's database says.
func Lost(root string, paths []schema.StorePath) (map[schema.StorePath]bool, error) {
	lost := map[schema.StorePath]bool{}
	if len(paths) == 0 {
		return lost, nil
	}
	// By descriptor: a closure has thousands of paths, and every session asks.
	store, err := unix.Open(filepath.Join(root, "/nix/store"), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return nil, fmt.Errorf("cannot open the Nix store: %w", err)
	}
	if err == nil {
		defer unix.Close(store)
	}
	var stat unix.Stat_t
	for _, p := range paths {
		if err == nil && unix.Fstatat(store, path.Base(string(p)), &stat, unix.AT_SYMLINK_NOFOLLOW) == nil {
			continue
		}
		lost[p] = true
	}
	return lost, nil
}
