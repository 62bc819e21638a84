package rooted

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// etcPlace is a staging directory.
const etcPlace = "/etc/.nixfleet/staging"

func newFS(t *testing.T) (*FS, string) {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"etc", "var/lib/nixfleet", "srv/data"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	files, err := Open(root, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	return files, root
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, files *FS, name string) *Place {
	t.Helper()
	place, err := files.OpenPlace(name)
	must(t, err)
	t.Cleanup(place.Close)
	return place
}

func mine() Meta { return Meta{0o644, os.Geteuid(), os.Getegid()} }

func TestLinksAreNotFollowed(t *testing.T) {
	files, root := newFS(t)
	must(t, os.Symlink("/tmp", filepath.Join(root, "etc/evil")))
	must(t, os.WriteFile(filepath.Join(root, "etc/file"), nil, 0o644))
	place := open(t, files, etcPlace)
	must(t, place.WriteFile("x", strings.NewReader("x"), nil))
	for name, want := range map[string]string{
		"/etc/evil/x":     `/etc/evil is a symbolic link to "/tmp", which is not followed`,
		"/etc/evil/x/y/z": `/etc/evil is a symbolic link to "/tmp", which is not followed`,
		"/etc/file/x":     "/etc/file is a file, expected a directory",
	} {
		_, lookup := files.Lookup(name)
		_, read := files.Read(name)
		for what, err := range map[string]error{
			"lookup": lookup, "read": read,
			"remove": files.Remove(name), "set": files.SetDirectory(name, mine()), "move": place.Move("x", name, true),
		} {
			if err == nil || err.Error() != want {
				t.Errorf("%s %s: expected %q, found %v", what, name, want, err)
			}
		}
	}
	if _, err := files.Read("/etc/evil"); !errors.Is(err, unix.ELOOP) {
		t.Errorf("a link was read: %v", err)
	}
	if err := files.SetDirectory("/etc/evil", mine()); !errors.Is(err, unix.ELOOP) {
		t.Errorf("a link was changed: %v", err)
	}
}

// TestALinkAppears replaces a directory by a link after it was looked at.
func TestALinkAppears(t *testing.T) {
	files, root := newFS(t)
	outside := t.TempDir()
	must(t, os.Mkdir(filepath.Join(root, "etc/app"), 0o755))
	if entry, err := files.Lookup("/etc/app/conf"); err != nil || entry.Kind != Absent {
		t.Fatalf("found %+v, %v", entry, err)
	}
	place := open(t, files, etcPlace)
	must(t, place.WriteFile("x", strings.NewReader("secret"), nil))
	must(t, os.Remove(filepath.Join(root, "etc/app")))
	must(t, os.Symlink(outside, filepath.Join(root, "etc/app")))
	if err := place.Move("x", "/etc/app/conf", false); err == nil {
		t.Error("a link was followed")
	}
	if names, err := os.ReadDir(outside); err != nil || len(names) > 0 {
		t.Errorf("something came to %s: %v, %v", outside, names, err)
	}
}

func TestNothingIsReplacedUnasked(t *testing.T) {
	files, root := newFS(t)
	place := open(t, files, etcPlace)
	must(t, place.WriteFile("x", strings.NewReader("ours"), nil))
	must(t, os.WriteFile(filepath.Join(root, "etc/conf"), []byte("theirs"), 0o644))
	if err := place.Move("x", "/etc/conf", false); !errors.Is(err, unix.EEXIST) {
		t.Errorf("expected it to be refused, found %v", err)
	}
	must(t, place.Move("x", "/etc/conf", true))
	if content, err := files.Read("/etc/conf"); err != nil || string(content) != "ours" {
		t.Errorf("found %q, %v", content, err)
	}
}

func TestStagedFilesAreSecret(t *testing.T) {
	files, root := newFS(t)
	place := open(t, files, etcPlace)
	must(t, place.WriteFile("x", strings.NewReader("x"), nil))
	for name, want := range map[string]os.FileMode{"": os.ModeDir | 0o700, "/x": 0o600} {
		if info, err := os.Lstat(filepath.Join(root, etcPlace) + name); err != nil || info.Mode() != want {
			t.Errorf("%s: expected mode %v, found %v, %v", name, want, info.Mode(), err)
		}
	}
	meta := mine()
	meta.Mode = 0o4750
	must(t, place.Finish("x", meta))
	must(t, place.Sync())
	must(t, place.Move("x", "/etc/conf", false))
	if entry, err := files.Lookup("/etc/conf"); err != nil || entry.Mode != 0o4750 {
		t.Errorf("found %+v, %v", entry, err)
	}
	must(t, files.RemovePlace(etcPlace))
	must(t, files.RemovePlace(etcPlace))
	if names, err := files.Names("/etc"); err != nil || strings.Join(names, " ") != "conf" {
		t.Errorf("found %v, %v", names, err)
	}
}

func TestAPlaceThatIsNotOursAlone(t *testing.T) {
	files, root := newFS(t)
	must(t, os.MkdirAll(filepath.Join(root, etcPlace), 0o755))
	if _, err := files.OpenPlace(etcPlace); err == nil || !strings.Contains(err.Error(), "expected owner") {
		t.Errorf("expected a refusal, found %v", err)
	}
	must(t, os.RemoveAll(filepath.Join(root, "etc/.nixfleet")))
	must(t, os.Symlink("/tmp", filepath.Join(root, "etc/.nixfleet")))
	if _, err := files.OpenPlace(etcPlace); err == nil {
		t.Error("a link was followed")
	}
}

func TestAPlaceIsEmptiedFirst(t *testing.T) {
	files, root := newFS(t)
	place := open(t, files, etcPlace)
	must(t, place.WriteFile("left", strings.NewReader(""), nil))
	must(t, place.WriteSymlink("link", "/etc"))
	must(t, place.MakeDirectory("directory", mine()))
	open(t, files, etcPlace)
	if names, err := os.ReadDir(filepath.Join(root, etcPlace)); err != nil || len(names) > 0 {
		t.Errorf("found %v, %v", names, err)
	}
}

// TestPlaces asks for the staging directory on each file system of a host.
func TestPlaces(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounts a file system, which only root can")
	}
	files, root := newFS(t)
	data := filepath.Join(root, "srv/data")
	must(t, unix.Mount("test", data, "tmpfs", 0, "size=1m"))
	defer func() { must(t, unix.Unmount(data, 0)) }()
	must(t, os.Mkdir(filepath.Join(data, "deep"), 0o755))
	for name, want := range map[string]string{
		"/etc/x":                 etcPlace,
		"/etc/not/there/yet":     etcPlace,
		"/srv/data":              etcPlace, // the directory itself is an entry of /srv
		"/srv/data/x":            "/srv/data/.nixfleet-staging",
		"/srv/data/deep/er/here": "/srv/data/.nixfleet-staging",
	} {
		if found, err := files.PlaceFor(name, []string{etcPlace}); err != nil || found != want {
			t.Errorf("%s: expected %s, found %s, %v", name, want, found, err)
		}
	}
	place := open(t, files, "/srv/data/.nixfleet-staging")
	must(t, place.WriteFile("x", strings.NewReader("x"), nil))
	must(t, place.Move("x", "/srv/data/deep/x", false))
	place.Close()
	must(t, files.RemovePlace("/srv/data/.nixfleet-staging"))
	if err := place.fs.Sync("/srv/data/deep"); err != nil {
		t.Error(err)
	}
	if free, err := Free(root, "/srv/data/not/there"); err != nil || free <= 0 || free > 1<<20 {
		t.Errorf("expected at most a mebibyte free, found %d, %v", free, err)
	}
}

func TestResolve(t *testing.T) {
	files, root := newFS(t)
	must(t, os.MkdirAll(filepath.Join(root, "usr/bin"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "usr/bin/dash"), nil, 0o755))
	must(t, os.Symlink("dash", filepath.Join(root, "usr/bin/sh")))
	must(t, os.Symlink("usr/bin", filepath.Join(root, "bin")))
	must(t, os.Symlink("/etc/b", filepath.Join(root, "etc/a")))
	must(t, os.Symlink("/etc/a", filepath.Join(root, "etc/b")))
	if found, err := files.Resolve("/bin/sh"); err != nil || found != "/usr/bin/dash" {
		t.Errorf("found %q, %v", found, err)
	}
	if _, err := files.Resolve("/bin/zsh"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("found %v", err)
	}
	if _, err := files.Resolve("/etc/a"); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("found %v", err)
	}
}
