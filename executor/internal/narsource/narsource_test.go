package narsource_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nixfleet/nixfleet/executor/internal/closuretest"
	"github.com/nixfleet/nixfleet/executor/internal/narsource"
	"github.com/nixfleet/nixfleet/schema"
)

// odd is a tree with everything that a NAR can hold, and names that sort and look oddly.
var odd = map[string]string{
	"bin/run": "#!/bin/sh\n", "empty": "", "eight": "12345678", "..dots": "dots", "a/b/c": "deep", "a.b": "sorts between", "a-b": "and this",
	"void/": "", "link": "-> ../elsewhere", "A": "upper", "ü": "two bytes", "large": strings.Repeat("0123456789abcdef", 20000),
}

func TestLocalLacksAPath(t *testing.T) {
	source, err := narsource.Open("")
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, source.Check(context.Background(), closuretest.PathOf("nowhere")),
		"this machine's Nix store lacks "+string(closuretest.PathOf("nowhere")), "hint: name a binary cache that has it: --closures")
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("expected an error")
	}
	for _, part := range parts {
		if !strings.Contains(schema.InFull(err), part) {
			t.Errorf("expected %q in: %v", part, err)
		}
	}
}

func TestCaches(t *testing.T) {
	closure := closuretest.New(t)
	path := closure.Add(t, "odd", odd)
	want := closuretest.NAR(t, closure.Root, path)
	for _, compression := range []string{"none", "xz", "zstd"} {
		dir := closure.Cache(t, compression)
		var fetched atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/sub/nar/") {
				fetched.Add(1)
			}
			http.StripPrefix("/sub", http.FileServer(http.Dir(dir))).ServeHTTP(w, r)
		}))
		defer server.Close()
		for _, spec := range []string{dir, "file://" + dir, server.URL + "/sub", server.URL + "/sub/?priority=10"} {
			readByMany(t, spec, closure.Entries[0], want)
		}
		if n := fetched.Load(); n != 2 {
			t.Errorf("%s: 8 readers of a web cache fetched its file %d times, opened twice", compression, n)
		}
	}
}

func readByMany(t *testing.T, spec string, entry schema.PathEntry, want []byte) {
	t.Helper()
	source, err := narsource.Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if err := source.Check(context.Background(), entry.Path); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			var got bytes.Buffer
			if err := source.WriteNAR(context.Background(), entry, &got); err != nil {
				t.Errorf("%s: %v", spec, err)
			} else if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s: another NAR came out", spec)
			}
		})
	}
	all.Wait()
}

func TestSpoolIsRemoved(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	closure := closuretest.New(t)
	closure.Add(t, "odd", odd)
	source, err := narsource.Open(closure.Cache(t, "xz"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := source.WriteNAR(context.Background(), closure.Entries[0], &out); err != nil {
		t.Fatal(err)
	}
	during, _ := os.ReadDir(temp)
	source.Close()
	if after, _ := os.ReadDir(temp); len(during) == 0 || len(after) != 0 {
		t.Errorf("%d files during, %d after", len(during), len(after))
	}
}

func TestOpenErrors(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	empty, foreign := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "nix-cache-info"), []byte("StoreDir: /other/store\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string]string{
		"/does/not/exist": `cannot open the closure source "/does/not/exist": `,
		"s3://bucket":     `cannot use the closure source "s3://bucket": expected a directory, a file://, http:// or https:// URL, or "substituters"`,
		empty:             empty + " is not a binary cache: expected a nix-cache-info in it, found none",
		foreign:           "is for another store: expected /nix/store, found /other/store",
		server.URL:        server.URL + "/ is not a binary cache",
		strings.Replace(server.URL, "http://", "http://me:secret@", 1): "http://me:xxxxx@",
	} {
		_, err := narsource.Open(spec)
		wantError(t, err, want)
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("shows the password: %v", err)
		}
	}
}

func TestDamagedCache(t *testing.T) {
	closure := closuretest.New(t)
	path := closure.Add(t, "odd", odd)
	entry := closure.Entries[0]
	hash := filepath.Base(string(path))[:32]
	for info, want := range map[string]string{
		"":                                      "lacks " + string(path),
		"StorePath: " + string(path):            hash + ".narinfo names no file",
		"StorePath: /nix/store/other\nURL: x\n": "is damaged: expected " + string(path) + " in " + hash + ".narinfo, found /nix/store/other",
		"URL: ../../etc/passwd\nCompression: none\n":                   "path escapes from parent",
		"URL: nar/" + hash + ".nar\nCompression: lzma\n":               `expected compression none, xz, zstd, bzip2 or gzip, found "lzma"`,
		"URL: nar/" + hash + ".nar\nCompression: xz\n":                 "cannot unpack nar/" + hash + ".nar of " + string(path),
		"URL: nar/missing.nar\nCompression: none\nFutureField: a: b\n": "cannot read nar/missing.nar of " + string(path),
	} {
		dir := closure.Cache(t, "none")
		file := filepath.Join(dir, hash+".narinfo")
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if info != "" {
			if err := os.WriteFile(file, []byte(info), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		source, err := narsource.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, source.WriteNAR(context.Background(), entry, &bytes.Buffer{}), want)
		source.Close()
	}
}

// A server that fails for a moment is asked again.
func TestWebTriesAgain(t *testing.T) {
	closure := closuretest.New(t)
	closure.Add(t, "odd", odd)
	dir := closure.Cache(t, "none")
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
	}))
	defer server.Close()
	source, err := narsource.Open(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	source.Close()
}
