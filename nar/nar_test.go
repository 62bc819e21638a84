package nar_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nixfleet/nixfleet/nar"
)

// odd has names that sort unexpectedly or look like paths, patterns or options.
var odd = map[string]string{
	"bin/run": "#!/bin/sh\n", "empty": "", "eight": "12345678", "a/b/c": "deep", "a.b": "", "a-b": "", "A": "upper",
	"..hidden": "dots", "...": "more dots", "..d/..f": "nested", ".git/config": "", "-n": "option", "~": "", "*": "pattern", "a b": "",
	"line\nbreak": "", "back\\slash": "", `quo"te`: "", "$x": "", "ü": "two bytes", "\xff": "not UTF-8", "nul.": "",
	strings.Repeat("n", 255): "longest", "large": strings.Repeat("0123456789abcdef", 20000),
}

func writeOdd(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range odd {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(
		os.Chmod(filepath.Join(dir, "bin/run"), 0o755), os.Chmod(filepath.Join(dir, "eight"), 0o655), // only the owner's bit counts
		os.Mkdir(filepath.Join(dir, "void"), 0o700), os.Symlink("../elsewhere", filepath.Join(dir, "link")), os.Symlink("void", filepath.Join(dir, "..link")),
	); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDumpIsWhatNixDumps(t *testing.T) {
	dir := writeOdd(t)
	for _, name := range []string{"", "large", "bin/run", "link", "void"} {
		path := filepath.Join(dir, name)
		want, err := exec.Command("nix-store", "--dump", path).Output()
		if err != nil {
			t.Fatalf("nix-store --dump: %v", err)
		}
		var found bytes.Buffer
		if err := nar.Dump(context.Background(), &found, path); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if !bytes.Equal(found.Bytes(), want) {
			t.Errorf("%q: the NAR differs from that of nix-store --dump", name)
		}
	}
}

func TestDumpRefusesPipes(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	err := nar.Dump(context.Background(), &bytes.Buffer{}, filepath.Dir(pipe))
	if want := pipe + " is neither a file nor a directory nor a symbolic link"; err == nil || err.Error() != want {
		t.Errorf("found %v, want %s", err, want)
	}
}

func TestDumpStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	stopped := errors.New("stopped")
	cancel(stopped)
	if err := nar.Dump(ctx, &bytes.Buffer{}, t.TempDir()); !errors.Is(err, stopped) {
		t.Errorf("found %v", err)
	}
}
