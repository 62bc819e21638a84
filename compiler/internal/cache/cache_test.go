package cache

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func writes(text string) func(io.Writer) error {
	return func(to io.Writer) error {
		_, err := io.WriteString(to, text)
		return err
	}
}

func TestKeepsWhatWasPut(t *testing.T) {
	c := Open(filepath.Join(t.TempDir(), "not", "there", "yet"))
	key := Key([]byte("a"), []byte("b"))
	if _, ok := c.Get(key); ok {
		t.Error("an empty cache has an entry")
	}
	c.Put(key, writes("content"))
	if found, ok := c.Get(key); !ok || string(found) != "content" {
		t.Errorf("found %q, %v", found, ok)
	}
	if _, ok := c.Get(Key([]byte("ab"))); ok || Key([]byte("a"), []byte("b")) == Key([]byte("ab"), nil) {
		t.Error("other parts have the same key")
	}
}

// TestDamage spoils an entry in every byte and in every length.
func TestDamage(t *testing.T) {
	c := Open(t.TempDir())
	c.Put("key", writes("content"))
	whole, err := os.ReadFile(c.file("key"))
	if err != nil {
		t.Fatal(err)
	}
	spoil := func(data []byte) {
		t.Helper()
		if err := os.WriteFile(c.file("key"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if found, ok := c.Get("key"); ok {
			t.Errorf("%q is taken for %q", data, found)
		}
	}
	for i := range whole {
		spoil(whole[:i])
		altered := bytes.Clone(whole)
		altered[i] ^= 1
		spoil(altered)
	}
	spoil(append(bytes.Clone(whole), 'x'))
	if err := os.WriteFile(c.file("other"), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Get("other"); ok {
		t.Error("an entry is taken for another one")
	}
}

func TestBound(t *testing.T) {
	c := Cache{t.TempDir(), 1000}
	for i, name := range []string{"oldest", "older", "old"} {
		c.Put(name, writes(strings.Repeat("x", 300)))
		at := time.Now().Add(time.Duration(i-10) * time.Hour)
		if err := os.Chtimes(c.file(name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := c.Get("oldest"); !ok { // and so it was used last
		t.Fatal("an entry is gone too early")
	}
	c.Put("new", writes(strings.Repeat("x", 300)))
	for name, want := range map[string]bool{"oldest": true, "older": false, "new": true} {
		if _, ok := c.Get(name); ok != want {
			t.Errorf("%s is there: %v", name, ok)
		}
	}
	c.Put("huge", writes(strings.Repeat("x", 600)))
	c.Put("broken", func(to io.Writer) error { return errors.Join(writes("x")(to), io.ErrUnexpectedEOF) })
	if _, ok := c.Get("broken"); ok {
		t.Error("what could not be written is there")
	}
	if files, err := os.ReadDir(c.dir); err != nil || len(files) != 3 {
		t.Errorf("the directory has %v, %v", files, err)
	}
	if _, ok := c.Get("huge"); ok {
		t.Error("one entry takes the place of all others")
	}
}

// TestNoPlaceToKeep has a file where the directory should be.
func TestNoPlaceToKeep(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Cache{Open(filepath.Join(file, "x")), Open(file), Open("")} {
		c.Put("key", writes("x"))
		if _, ok := c.Get("key"); ok {
			t.Error("found what cannot be there")
		}
	}
}
