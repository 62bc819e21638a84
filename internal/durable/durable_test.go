package durable

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// syncing replaces the sync of directories for a test.
func syncing(t *testing.T, by func(*os.File) error) {
	t.Helper()
	before := sync
	sync = by
	t.Cleanup(func() { sync = before })
}

func text(content string) func(*os.File) error {
	return func(file *os.File) error {
		_, err := file.WriteString(content)
		return err
	}
}

func TestReplaceSyncsTheDirectoryAfterTheRename(t *testing.T) {
	name := filepath.Join(t.TempDir(), "plan.json")
	var seen []string
	syncing(t, func(dir *os.File) error {
		content, err := os.ReadFile(name)
		seen = append(seen, dir.Name(), string(content))
		return err
	})
	if err := Replace(name, 0o600, text("new")); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 2 || seen[0] != filepath.Dir(name) || seen[1] != "new" {
		t.Errorf("expected one sync of the directory with the new file in it, found %q", seen)
	}
}

func TestReplaceReportsADirectoryThatCannotBeSynced(t *testing.T) {
	for failure, reported := range map[error]bool{syscall.EIO: true, syscall.EINVAL: false, syscall.ENOTSUP: false} {
		syncing(t, func(*os.File) error { return failure })
		err := Replace(filepath.Join(t.TempDir(), "plan.json"), 0o600, text("new"))
		if errors.Is(err, failure) != reported {
			t.Errorf("%v: found %v", failure, err)
		}
	}
}

func TestReplaceKeepsTheOldFileWhereWritingFails(t *testing.T) {
	name := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(name, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	if err := Replace(name, 0o600, func(*os.File) error { return full }); !errors.Is(err, full) {
		t.Errorf("found %v", err)
	}
	if content, err := os.ReadFile(name); err != nil || string(content) != "old" {
		t.Errorf("found %q, %v", content, err)
	}
	if err := Replace(name, 0o600, text("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("expected the mode of the old file, found %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(name)); err != nil || len(left) != 1 {
		t.Errorf("expected no temporary file, found %v, %v", left, err)
	}
}
