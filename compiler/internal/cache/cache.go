// Package cache keeps what compilations gave, by what went into them.
//
// It may only ever save time: an entry that is gone, cut off or altered counts as
// none, and a cache that cannot be written is none.
package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// bound is how many bytes the entries may have together; the ones that were not
// used for longest go first.
const bound = 512 << 20

// Cache is a directory of entries. The zero value holds nothing and keeps nothing.
type Cache struct {
	dir   string
	bound int64
}

// Open returns the cache in a directory, which is made when it is needed; without
// a directory nothing is kept.
func Open(dir string) Cache { return Cache{dir, bound} }

// Key names an entry by all that decides what is in it.
func Key(parts ...[]byte) string {
	hash := sha256.New()
	for _, part := range parts {
		sum := sha256.Sum256(part)
		hash.Write(sum[:])
	}
	return hex.EncodeToString(hash.Sum(nil))
}

func (c Cache) file(key string) string { return filepath.Join(c.dir, key) }

// Get returns an entry, if there is one that is as it was put.
func (c Cache) Get(key string) ([]byte, bool) {
	if c.dir == "" {
		return nil, false
	}
	data, err := os.ReadFile(c.file(key))
	if err != nil || len(data) < sha256.Size {
		return nil, false
	}
	content, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	hash := seal(key)
	hash.Write(content)
	if !bytes.Equal(sum, hash.Sum(nil)) {
		return nil, false
	}
	now := time.Now()
	_ = os.Chtimes(c.file(key), now, now) // so that it is not the next to go
	return content, true
}

// seal begins the hash at an entry's end. It binds the entry to its key, so that no
// other can take its place.
func seal(key string) hash.Hash {
	hash := sha256.New()
	hash.Write([]byte(key))
	return hash
}

// Put keeps what write writes. That it could not be kept is nobody's business.
func (c Cache) Put(key string, write func(io.Writer) error) {
	if c.dir == "" || os.MkdirAll(c.dir, 0o700) != nil {
		return
	}
	// If we crash here, a temporary file stays behind, which the bound removes in time.
	// A cache need not be durable: what is cut off counts as none.
	file, err := os.CreateTemp(c.dir, "new-")
	if err != nil {
		return
	}
	defer os.Remove(file.Name())
	hash := seal(key)
	err = write(&limited{io.MultiWriter(file, hash), c.bound / 2})
	if err == nil {
		_, err = file.Write(hash.Sum(nil))
	}
	if closed := file.Close(); err == nil && closed == nil && os.Rename(file.Name(), c.file(key)) == nil {
		c.trim()
	}
}

// limited writes so many bytes and no more: one entry shall not take the place of
// all others.
type limited struct {
	to   io.Writer
	left int64
}

func (l *limited) Write(data []byte) (int, error) {
	if l.left -= int64(len(data)); l.left < 0 {
		return 0, errors.New("too large")
	}
	return l.to.Write(data)
}

// trim removes what was not used for longest until the rest is within the bound.
func (c Cache) trim() {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return
	}
	var infos []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			infos = append(infos, info)
		}
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	var total int64
	for _, info := range infos {
		if total += info.Size(); total > c.bound {
			_ = os.Remove(filepath.Join(c.dir, info.Name()))
		}
	}
}
