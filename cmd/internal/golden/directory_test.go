package golden

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func read(t *testing.T, name string) *Directory {
	t.Helper()
	d, err := Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func put(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func update(t *testing.T, name string, tree Tree) []Change {
	t.Helper()
	d := read(t, name)
	if err := d.CheckOwn(); err != nil {
		t.Fatal(err)
	}
	changes, err := d.Update(tree, false)
	if err != nil {
		t.Fatal(err)
	}
	if left := read(t, name).Compare(tree, false); len(left) != 0 {
		t.Fatalf("after the update %q differs", left)
	}
	return changes
}

func TestUpdate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "golden")
	if !read(t, dir).Empty() {
		t.Error("what is not there is not empty")
	}
	update(t, dir, Tree{"files/a": []byte("1"), "files/b/c": []byte("2"), "show.txt": []byte("")})
	// What was a file becomes a directory and the other way round.
	changes := update(t, dir, Tree{"files/a/d": []byte("1"), "files/b": []byte("2"), "show.txt": []byte("")})
	if len(changes) != 5 { // four of files, and the list
		t.Errorf("found %d changes", len(changes))
	}
	if update(t, dir, Tree{"files/a/d": []byte("1"), "files/b": []byte("2"), "show.txt": []byte("")}) != nil {
		t.Error("an update of what is fresh changes something")
	}
	// Nobody's files go, and the rest of an update that was killed does.
	put(t, filepath.Join(dir, "files/a", unfinished), "half")
	if found := update(t, dir, Tree{"show.txt": []byte("x")}); len(found) != 5 {
		t.Errorf("found %d changes", len(found))
	}
	if _, err := os.Stat(filepath.Join(dir, "files")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty directory is left: %v", err)
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	for name, prepare := range map[string]func(dir string) error{
		"notes": func(dir string) error { return os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644) },
		"link":  func(dir string) error { return os.Symlink("/etc/passwd", filepath.Join(dir, "link")) },
		"replace": func(dir string) error {
			os.Remove(filepath.Join(dir, "a"))
			return os.Symlink("b", filepath.Join(dir, "a"))
		},
		"list": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, contentsName), []byte("my list\na\n"), 0o644)
		},
	} {
		dir := t.TempDir()
		update(t, dir, Tree{"a": []byte("1")})
		if err := prepare(dir); err != nil {
			t.Fatal(err)
		}
		if err := read(t, dir).CheckOwn(); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A list names what is removed: it must not name what is elsewhere.
func TestHostileList(t *testing.T) {
	base := t.TempDir()
	put(t, filepath.Join(base, "precious"), "mine")
	dir := filepath.Join(base, "golden")
	put(t, filepath.Join(dir, contentsName), listHead+"../precious\n"+base+"/precious\n./CONTENTS\n")
	update(t, dir, Tree{"a": []byte("1")})
	if content, err := os.ReadFile(filepath.Join(base, "precious")); err != nil || string(content) != "mine" {
		t.Errorf("found %q, %v", content, err)
	}
}

// Two branches that were merged left the marks of a conflict in the list.
func TestListInConflict(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, contentsName), "<<<<<<< HEAD\n"+listHead+"a\n=======\n"+listHead+"b\n>>>>>>> other\n")
	put(t, filepath.Join(dir, "a"), "1")
	put(t, filepath.Join(dir, "b"), "2")
	update(t, dir, Tree{"b": []byte("2")})
	if _, err := os.Stat(filepath.Join(dir, "a")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what one of them wrote is left: %v", err)
	}
}

// TestUpdateThatIsCutOff stops an update after each of its files; the next one goes on.
func TestUpdateThatIsCutOff(t *testing.T) {
	old := Tree{"a": []byte("1"), "b": []byte("1"), "d/e": []byte("1")}
	now := Tree{"a": []byte("2"), "c": []byte("2"), "d": []byte("2")}
	for cut := range 5 {
		dir := t.TempDir()
		update(t, dir, old)
		d := read(t, dir)
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		changes := inOrder(d.Compare(now, false))
		if err := d.update(root, now, false, changes[:cut]); err != nil {
			t.Fatal(err)
		}
		// As if it had not come to the last list.
		if err := replace(root, contentsName, listOf([]string{"a", "b", "c", "d", "d/e"}, false)); err != nil {
			t.Fatal(err)
		}
		update(t, dir, now)
	}
}

func TestDifferenceInShort(t *testing.T) {
	long := []byte(strings.Repeat("line\n", 500))
	var told strings.Builder
	err := Write(&told, []Change{
		{"a", []byte("1\n"), []byte("2\n")}, {"bin", nil, []byte{0}}, {"gone", []byte("1\n"), nil}, {"long", nil, long}, {planName, []byte("1"), []byte("2")},
	})
	want := "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\nnew     bin\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\nnew     long\ndiffers plan.json\n"
	if err != nil || told.String() != want {
		t.Errorf("expected\n%s\nfound\n%s", want, told.String())
	}
}
