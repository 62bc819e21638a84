package nixeval

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nix-community/go-nix/pkg/nixbase32"

	"github.com/nixfleet/nixfleet/nar"
	"github.com/nixfleet/nixfleet/schema"
)

// sourceName is the name that a fetched tree has in the store.
const sourceName = "source"

// Tree is a file or directory with the hash by which Nix locks it.
type Tree struct {
	Path    string
	NarHash schema.NarHash
}

// HashTree returns the tree at path with its NAR hash. A symbolic link at path
// itself is followed, as people link to what their build made.
func HashTree(ctx context.Context, path string) (Tree, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Tree{}, err
	}
	if real, err = filepath.Abs(real); err != nil {
		return Tree{}, err
	}
	hash := sha256.New()
	if err := nar.Dump(ctx, hash, real); err != nil {
		return Tree{}, err
	}
	return Tree{real, narHashOf(hash.Sum(nil))}, nil
}

func narHashOf(sum []byte) schema.NarHash {
	return schema.NarHash("sha256-" + base64.StdEncoding.EncodeToString(sum))
}

// storePathOf returns where Nix keeps a fetched tree.
func storePathOf(hash schema.NarHash) string {
	sum, err := base64.StdEncoding.DecodeString(string(hash[len("sha256-"):]))
	if err != nil {
		return ""
	}
	fingerprint := sha256.Sum256([]byte("source:sha256:" + hex.EncodeToString(sum) + ":/nix/store:" + sourceName))
	folded := make([]byte, 20) // Nix folds the hash of a store path into 160 bits
	for i, b := range fingerprint {
		folded[i%20] ^= b
	}
	return "/nix/store/" + nixbase32.EncodeToString(folded) + "-" + sourceName
}

// writeTree writes files below a new directory of that label, with the same modes
// everywhere, and returns it as a tree.
func (n *Nix) writeTree(ctx context.Context, label string, files fs.FS) (Tree, error) {
	top := filepath.Join(n.dir, label, sourceName)
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path := filepath.Join(top, filepath.FromSlash(name))
		if entry.IsDir() {
			return os.MkdirAll(path, 0o755)
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return os.WriteFile(path, data, 0o644)
	})
	if err != nil {
		return Tree{}, fmt.Errorf("cannot write %s: %w", label, err)
	}
	return HashTree(ctx, top)
}
