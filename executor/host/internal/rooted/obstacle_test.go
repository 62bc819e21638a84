package rooted_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
)

func TestObstacle(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("sets attributes and mounts, which only root can")
	}
	root := t.TempDir()
	for _, name := range []string{"free", "fixed", "log", "mounted", "d/x", "link-to"} {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("fixed", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	set := func(name string, flag int) {
		t.Helper()
		file, err := os.Open(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if err := unix.IoctlSetPointerInt(int(file.Fd()), unix.FS_IOC_SETFLAGS, flag); err != nil {
			t.Skipf("this file system has no attributes: %v", err)
		}
		t.Cleanup(func() {
			file, err := os.Open(filepath.Join(root, name))
			if err == nil {
				err = unix.IoctlSetPointerInt(int(file.Fd()), unix.FS_IOC_SETFLAGS, 0)
				file.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	const immutable, appendOnly = 0x10, 0x20
	set("fixed", immutable)
	set("log", appendOnly)
	set("d", immutable)
	mounted := filepath.Join(root, "mounted")
	if err := unix.Mount(filepath.Join(root, "free"), mounted, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(mounted, 0) })
	files, err := rooted.Open(root, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	for name, want := range map[string]rooted.Obstacle{
		"/free": "", "/none": "", "/none/below": "", "/free/below": "", "/link": "", "/d/x/y": "",
		"/fixed": rooted.Immutable, "/log": rooted.AppendOnly, "/mounted": rooted.MountPoint,
		"/d": rooted.Immutable, "/d/x": rooted.DirectoryImmutable, "/d/new": rooted.DirectoryImmutable,
	} {
		if found, err := files.Obstacle(name); err != nil || found != want {
			t.Errorf("%s: expected %q, found %q, %v", name, want, found, err)
		}
	}
}
