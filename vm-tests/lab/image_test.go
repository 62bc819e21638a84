package lab

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// fakeMmdebstrap puts a script in its place. In it, $dir is the root to build.
func fakeMmdebstrap(t *testing.T, script string) {
	t.Helper()
	// Not labtest.Require, which imports this package; and a fake needs none of the programs.
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("building an image needs root")
		}
		t.Skip("building an image needs root")
	}
	bin := t.TempDir()
	text := "#!/bin/sh\nfor a; do case $a in /*) dir=$a;; esac; done\n" + script
	if err := os.WriteFile(filepath.Join(bin, "mmdebstrap"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
}

func testCache(t *testing.T) cache {
	t.Helper()
	c, err := openCache(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// roots lists what a cache has of images, locks aside.
func roots(t *testing.T, c cache) []string {
	t.Helper()
	entries, err := os.ReadDir(c.images())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names
}

func TestFailedImage(t *testing.T) {
	fakeMmdebstrap(t, `mkdir -p "$dir/etc"; echo "E: no such mirror"; exit 3`)
	c := testCache(t)
	_, err := prepareImage(t.Context(), c, newLogger(nil), Bookworm)
	if err == nil || !strings.Contains(err.Error(), "cannot build the Debian 12 root") || !strings.Contains(err.Error(), "E: no such mirror") {
		t.Errorf("a failed build says %v", err)
	}
	if left := roots(t, c); len(left) > 0 {
		t.Errorf("a failed build leaves %q", left)
	}
}

func TestCancelledImage(t *testing.T) {
	fakeMmdebstrap(t, `mkdir -p "$dir/etc"; : >"$dir/../started"; sleep 60`)
	c := testCache(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for !exists(filepath.Join(c.images(), "started")) {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
	}()
	if _, err := prepareImage(ctx, c, newLogger(nil), Bookworm); err == nil {
		t.Error("a cancelled build succeeds")
	}
	if left := roots(t, c); len(left) > 0 {
		t.Errorf("a cancelled build leaves %q", left)
	}
}

// TestHalfImage starts from what a run leaves that was killed while it built.
func TestHalfImage(t *testing.T) {
	fakeMmdebstrap(t, `mkdir "$dir" && echo whole >"$dir/mark"`)
	c := testCache(t)
	half := filepath.Join(c.images(), ".building-"+imageName(Trixie))
	if err := os.MkdirAll(filepath.Join(half, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := prepareImage(t.Context(), c, newLogger(nil), Trixie)
	if err != nil {
		t.Fatal(err)
	}
	if !exists(filepath.Join(dir, "mark")) || exists(filepath.Join(dir, "etc")) || exists(half) {
		t.Errorf("the image is made of a half one: %q", roots(t, c))
	}
}

func TestOneBuilder(t *testing.T) {
	fakeMmdebstrap(t, `sleep 0.2; mkdir "$dir" && echo once >>"$dir/../builds"`)
	c := testCache(t)
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			_, err := prepareImage(t.Context(), c, newLogger(nil), Bookworm)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(c.images(), "builds"))
	if err != nil || string(text) != "once\n" {
		t.Errorf("builds: %q, %v", text, err)
	}
}

func TestClean(t *testing.T) {
	c := testCache(t)
	for _, dir := range []string{filepath.Join(c.images(), "bookworm-0"), filepath.Join(c.labs(), "here")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	owner, err := tryLock(filepath.Join(c.labs(), "here", "owner.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := Clean(c.dir, nil); err == nil || !strings.Contains(err.Error(), `lab "here" is up`) {
		t.Errorf("cleaning under a lab that is up: %v", err)
	}
	_ = owner.Close()
	if err := Clean(c.dir, nil); err != nil {
		t.Fatal(err)
	}
	if exists(c.dir) {
		t.Error("Clean leaves the cache")
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestDebianSources(t *testing.T) {
	keys := signedBy()
	for _, c := range []struct{ name, targets, want string }{
		{
			"a mirror of one's own",
			"Debian bookworm main http://mirror.example/debian/\nDebian bookworm-updates main http://mirror.example/debian/\n" +
				"Debian bookworm-security main http://mirror.example/security/\nDebian bookworm contrib http://mirror.example/debian/\n" +
				"Debian bookworm-backports main http://mirror.example/debian/\nDocker bookworm stable http://docker.example/\n",
			"deb " + keys + "http://mirror.example/debian/ trixie main\ndeb " + keys + "http://mirror.example/debian/ trixie-updates main\n" +
				"deb " + keys + "http://mirror.example/security/ trixie-security main",
		},
		{"Ubuntu", "Ubuntu noble main http://archive.ubuntu.com/ubuntu/\n", ""},
		{"security only", "Debian bookworm-security main http://mirror.example/security/\n", ""},
		{"local files", "Debian bookworm main file:/srv/mirror\n", ""},
		{"never updated", "$(ORIGIN) bookworm main http://mirror.example/debian/\n bookworm main http://mirror.example/debian/\n", ""},
	} {
		if got := strings.Join(debianSources(c.targets, Trixie), "\n"); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	if sources := aptSources(Bookworm); len(sources) == 0 || !strings.HasSuffix(sources[0], " bookworm main") {
		t.Errorf("this machine's sources: %q", sources)
	}
}

func TestCacheDirectory(t *testing.T) {
	if _, err := openCache(t.TempDir() + "/a,b"); err == nil || !strings.Contains(err.Error(), "no colon, comma, backslash or space") {
		t.Errorf("a directory that overlay mounts cannot name: %v", err)
	}
	t.Setenv("XDG_CACHE_HOME", "/x")
	if got := DefaultCacheDir(); got != "/x/nixfleet-lab" {
		t.Errorf("with XDG_CACHE_HOME: %q", got)
	}
	t.Setenv("XDG_CACHE_HOME", "")
	if got := DefaultCacheDir(); got != "/var/cache/nixfleet-lab" {
		t.Errorf("without XDG_CACHE_HOME: %q", got)
	}
}

func TestPackages(t *testing.T) {
	listed := strings.Join(Packages(), " ") + " "
	for _, n := range needed {
		if !strings.Contains(listed, n.aptPackage+" ") {
			t.Errorf("apt-packages lacks %s, which %s needs", n.aptPackage, n.program)
		}
	}
}

func TestNotReady(t *testing.T) {
	old := needed
	t.Cleanup(func() { needed = old })
	needed = append(needed[:len(needed):len(needed)], struct{ program, aptPackage string }{"lab-test-none", "lab-package"})
	err := Ready()
	want := "cannot run a lab: this machine has no lab-test-none\nhint: apt-get install lab-package"
	if os.Geteuid() != 0 {
		want = "it must be root"
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
