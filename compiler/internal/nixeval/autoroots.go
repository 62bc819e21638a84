package nixeval

import (
	"os"
	"path/filepath"
	"strings"
)

// forgetRoots removes the links by which Nix remembers roots in a directory, of
// those that are gone. Nix forgets them itself, but not before the next garbage
// collection; where its state is another user's, that is left to it.
func (n *Nix) forgetRoots(dir string) {
	state := lookup(n.options.Environ, "NIX_STATE_DIR")
	if state == "" {
		state = "/nix/var/nix"
	}
	auto := filepath.Join(state, "gcroots", "auto")
	entries, err := os.ReadDir(auto)
	if err != nil {
		return
	}
	for _, entry := range entries {
		link := filepath.Join(auto, entry.Name())
		root, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(root, dir+"/") {
			continue
		}
		if _, err := os.Lstat(root); os.IsNotExist(err) {
			_ = os.Remove(link) // it keeps nothing
		}
	}
}
