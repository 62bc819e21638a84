// Package closuretest makes store paths for tests: in a Nix store's shape below a
// directory, and as binary caches.
package closuretest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/nixfleet/nixfleet/executor/internal/narsource"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/ulikunitz/xz"
)

// Closure is some store paths, all of them below a root directory.
type Closure struct {
	// Root holds nix/store.
	Root string
	// Entries are the paths, sorted.
	Entries []schema.PathEntry
}

// New returns an empty closure.
func New(t testing.TB) *Closure {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "nix/store"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &Closure{Root: root}
}

// PathOf returns the store path of a name: made up, but well-formed.
func PathOf(name string) schema.StorePath {
	const letters = "0123456789abcdfghijklmnpqrsvwxyz"
	sum := sha256.Sum256([]byte(name))
	hash := make([]byte, 32)
	for i := range hash {
		hash[i] = letters[sum[i]&31]
	}
	return schema.StorePath("/nix/store/" + string(hash) + "-" + name)
}

// Add adds a path with files (directories end with a slash, links say "-> target").
func (c *Closure) Add(t testing.TB, name string, files map[string]string, references ...schema.StorePath) schema.StorePath {
	t.Helper()
	path := PathOf(name)
	top := filepath.Join(c.Root, string(path))
	must(t, os.MkdirAll(top, 0o755))
	for file, content := range files {
		full := filepath.Join(top, file)
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))
		target, isLink := strings.CutPrefix(content, "-> ")
		switch {
		case isLink:
			must(t, os.Symlink(target, full))
		case strings.HasSuffix(file, "/"):
			must(t, os.MkdirAll(full, 0o755))
		case strings.HasPrefix(file, "bin/"):
			must(t, os.WriteFile(full, []byte(content), 0o755))
		default:
			must(t, os.WriteFile(full, []byte(content), 0o644))
		}
	}
	slices.Sort(references)
	c.Entries = append(c.Entries, schema.PathEntry{Path: path, PathInfo: InfoOf(t, c.Root, path, references)})
	slices.SortFunc(c.Entries, func(a, b schema.PathEntry) int { return strings.Compare(string(a.Path), string(b.Path)) })
	return path
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// InfoOf reads hash and size of a path's content.
func InfoOf(t testing.TB, root string, path schema.StorePath, references []schema.StorePath) schema.PathInfo {
	t.Helper()
	content := NAR(t, root, path)
	sum := sha256.Sum256(content)
	if references == nil {
		references = []schema.StorePath{}
	}
	return schema.PathInfo{
		NarHash: schema.NarHash("sha256-" + base64.StdEncoding.EncodeToString(sum[:])),
		NarSize: int64(len(content)), References: references,
	}
}

// NAR returns a path's content.
func NAR(t testing.TB, root string, path schema.StorePath) []byte {
	t.Helper()
	var content bytes.Buffer
	must(t, narsource.Local(root).WriteNAR(context.Background(), schema.PathEntry{Path: path}, &content))
	return content.Bytes()
}

// Table returns the paths as a plan holds them.
func (c *Closure) Table() map[schema.StorePath]schema.PathInfo {
	table := map[schema.StorePath]schema.PathInfo{}
	for _, entry := range c.Entries {
		table[entry.Path] = entry.PathInfo
	}
	return table
}

// Cache writes the closure as a binary cache with a compression, and returns its directory.
func (c *Closure) Cache(t testing.TB, compression string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "nar"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "nix-cache-info"), []byte("StoreDir: /nix/store\n"), 0o644))
	for _, entry := range c.Entries {
		hash := filepath.Base(string(entry.Path))[:32]
		file := "nar/" + hash + ".nar"
		must(t, os.WriteFile(filepath.Join(dir, file), compress(t, compression, NAR(t, c.Root, entry.Path)), 0o644))
		var refs []string
		for _, ref := range entry.References {
			refs = append(refs, filepath.Base(string(ref)))
		}
		info := fmt.Sprintf("StorePath: %s\nURL: %s\nCompression: %s\nNarHash: %s\nNarSize: %d\nReferences: %s\nSomethingNew: yes: indeed\n",
			entry.Path, file, compression, entry.NarHash, entry.NarSize, strings.Join(refs, " "))
		must(t, os.WriteFile(filepath.Join(dir, hash+".narinfo"), []byte(info), 0o644))
	}
	return dir
}

func compress(t testing.TB, kind string, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	switch kind {
	case "none":
		return content
	case "xz":
		w, err := xz.NewWriter(&out)
		must(t, err)
		_, err = w.Write(content)
		must(t, err)
		must(t, w.Close())
	case "zstd":
		w, err := zstd.NewWriter(&out)
		must(t, err)
		_, err = w.Write(content)
		must(t, err)
		must(t, w.Close())
	default:
		t.Fatalf("no compression %q here", kind)
	}
	return out.Bytes()
}
