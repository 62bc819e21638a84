package scaffold

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a/fleet")
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := fs.WalkDir(Files(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		want, err := fs.ReadFile(Files(), name)
		if err != nil {
			return err
		}
		if found, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(found) != string(want) {
			t.Errorf("%s: %v", name, err)
		}
		return nil
	})
	if err != nil || files < 10 {
		t.Errorf("found %d files: %v", files, err)
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir); err != nil {
		t.Fatalf("a fresh repository is refused: %v", err)
	}
	own := filepath.Join(dir, "README.md")
	if err := os.WriteFile(own, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	var wrong *InTheWayError
	if err := Write(dir); !errors.As(err, &wrong) || len(wrong.Names) < 5 {
		t.Errorf("found %v", err)
	}
	if found, err := os.ReadFile(own); err != nil || string(found) != "mine" {
		t.Errorf("found %q, %v", found, err)
	}
	if err := Write(own); err == nil {
		t.Error("a file was taken for a directory")
	}
	// A link that leads elsewhere is in the way as well.
	linked := t.TempDir()
	if err := os.Symlink(dir, filepath.Join(linked, "modules")); err != nil {
		t.Fatal(err)
	}
	if err := Write(linked); !errors.As(err, &wrong) {
		t.Errorf("found %v", err)
	}
}
