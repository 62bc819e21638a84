package nixeval

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// fakeNix is a Nix whose programs all are one shell script.
func fakeNix(t *testing.T, script string) *Nix {
	t.Helper()
	bin := t.TempDir()
	for _, program := range []string{"nix", "nix-store"} {
		if err := os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	nix, err := Open(Options{Environ: []string{"PATH=" + bin + ":/usr/bin:/bin"}, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nix.Close() })
	return nix
}

// says is a script that prints an error as Nix does and fails.
func says(text string) string {
	return fmt.Sprintf("cat >&2 <<'END'\n%s\nEND\nexit 1\n", text)
}

func writeFleet(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "flake.nix"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestNixMissing(t *testing.T) {
	_, err := findNixIn([]string{"PATH=" + t.TempDir()}, nil)
	want := "error: Nix is not installed: found no program nix in PATH [nix-missing]"
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "hint: on Debian or Ubuntu: apt-get install nix-bin") {
		t.Errorf("found %v", err)
	}
}

func TestKnownTroubles(t *testing.T) {
	for _, c := range []struct {
		said string
		want diagnostic.Code
	}{
		{"error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': No such file or directory", diagnostic.NixDaemon},
		{"error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': Permission denied", diagnostic.NixDaemon},
		{"error: getting status of /nix/var/nix/daemon-socket/socket: Permission denied", diagnostic.NixDaemon},
		{"error: the group 'nixbld' specified in 'build-users-group' does not exist", diagnostic.NixBuildUsers},
		{"error: opening lock file '/nix/var/nix/db/big-lock': Permission denied", diagnostic.NixStore},
		{"error: cannot perform a sandboxed build because user namespaces are not enabled; check /proc/sys/user/max_user_namespaces", diagnostic.NixSandbox},
		{"error: writing to file: No space left on device", diagnostic.NixStore},
		{"error: experimental Nix feature 'nix-command' is disabled; use '--extra-experimental-features nix-command' to override", diagnostic.NixNoFlakes},
		{"error: unrecognised flag '--extra-experimental-features'", diagnostic.NixTooOld},
		{`@nix {"action":"msg","level":0,"msg":"error: x","raw_msg":"cannot connect to socket at 'x': \u001b[35;1mNo such file or directory\u001b[0m"}`, diagnostic.NixDaemon},
	} {
		nix := fakeNix(t, says(c.said))
		_, err := nix.LockSource(context.Background(), writeFleet(t))
		list, ok := diagnostic.Of(err)
		if !ok || len(list) != 1 || list[0].Code != c.want || list[0].Hint == "" {
			t.Errorf("%s\ngives %v, want %s with a hint", c.said, err, c.want)
		}
	}
}

func TestTooOldByVersion(t *testing.T) {
	nix := fakeNix(t, `if [ "$1" = --version ]; then echo "nix (Nix) 2.3.16"; exit 0; fi; echo "error: something else" >&2; exit 1`)
	err := nix.Realise(context.Background(), []schema.StorePath{"/nix/store/x.drv"})
	if want := "expected 2.8 or newer, found nix (Nix) 2.3.16"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("found %v, want %s", err, want)
	}
}

func TestSourceErrors(t *testing.T) {
	fleet := writeFleet(t)
	for _, c := range []struct{ fleet, said, want string }{
		{filepath.Join(t.TempDir(), "gone"), "", "there is no fleet at"},
		{t.TempDir(), "", "is not a fleet: it has no flake.nix [source-no-flake]"},
		{fleet, "error: 'path:x' requires lock file changes but they're not allowed due to '--no-update-lock-file'", "flake.lock does not lock all of its inputs [source-lock]"},
		{fleet, "error: executing 'git': No such file or directory", "git could not read the fleet's checkout [source-fetch]"},
		{fleet, "error: something new", "[source-fetch]\n  something new"},
		{"github:nobody/nothing", "error: unable to download", "cannot read the fleet \"github:nobody/nothing\" [source-fetch]"},
	} {
		nix := fakeNix(t, says(c.said))
		_, err := nix.LockSource(context.Background(), c.fleet)
		if _, ok := diagnostic.Of(err); !ok || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q gives %v, want %s", c.fleet, c.said, err, c.want)
		}
	}
}

// TestMetadata reads what nix flake metadata says in its versions.
func TestMetadata(t *testing.T) {
	const hash = "sha256-gJR3JwbHE6P+ZI9VeD+YC5GzuoabYyy+1P264BKXWGs="
	clean, err := parseMetadata(context.Background(), []byte(`{"locked": {"dir": "sub", "lastModified": 1795384141, "narHash": "`+hash+`", "ref": "master",
		"rev": "5478a1cecaf164ed4ea55730c0f1d13fc9b2a416", "revCount": 2, "type": "git", "url": "file:///x"}, "path": "/nix/store/aaa-source",
		"fingerprint": "new in 2.26"}`))
	if err != nil {
		t.Fatal(err)
	}
	if clean.Revision != "5478a1cecaf164ed4ea55730c0f1d13fc9b2a416" || clean.Dirty || clean.Directory != "sub" || clean.Fleet() != "/nix/store/aaa-source/sub" {
		t.Errorf("a clean tree is %+v", clean)
	}
	if clean.locked["type"] != "git" {
		t.Errorf("a clean tree is locked as %v", clean.locked)
	}
	dirty, err := parseMetadata(context.Background(), []byte(`{"locked": {"lastModified": 1, "narHash": "`+hash+`", "type": "git", "url": "file:///x",
		"dirtyRev": "5478a1cecaf164ed4ea55730c0f1d13fc9b2a416-dirty"}, "path": "/nix/store/aaa-source"}`))
	if err != nil {
		t.Fatal(err)
	}
	if dirty.Revision != "" || !dirty.Dirty || dirty.locked["type"] != "path" || dirty.locked["path"] != "/nix/store/aaa-source" {
		t.Errorf("a dirty tree is %+v", dirty)
	}
	path, err := parseMetadata(context.Background(), []byte(`{"locked": {"narHash": "`+hash+`", "type": "path", "path": "/x"}, "path": "/nix/store/aaa-source"}`))
	if err != nil || path.Dirty || path.NarHash != hash {
		t.Errorf("a plain directory is %+v, %v", path, err)
	}
}

// TestPathInfos reads both shapes of nix path-info.
func TestPathInfos(t *testing.T) {
	const (
		a    = "/nix/store/03437fkh73bvpwd4m41a1pndnhxzasah-a"
		b    = "/nix/store/64j4lvlbp8d25p70j1xqxljdyawlfj6n-b"
		hash = "sha256-gJR3JwbHE6P+ZI9VeD+YC5GzuoabYyy+1P264BKXWGs="
	)
	want := map[schema.StorePath]schema.PathInfo{
		a: {NarHash: hash, NarSize: 120, References: []schema.StorePath{}},
		b: {NarHash: hash, NarSize: 344, References: []schema.StorePath{a, b}},
	}
	for _, text := range []string{
		`[{"path":"` + a + `","narHash":"` + hash + `","narSize":120,"references":[],"deriver":"x"},{"path":"` + b + `","narHash":"` + hash + `","narSize":344,"references":["` + b + `","` + a + `"]}]`,
		`{"` + a + `":{"narHash":"` + hash + `","narSize":120,"references":[],"ca":null},"` + b + `":{"narHash":"` + hash + `","narSize":344,"references":["` + b + `","` + a + `"]}}`,
	} {
		found := map[schema.StorePath]schema.PathInfo{}
		if err := parsePathInfos([]byte(text), found); err != nil || !reflect.DeepEqual(found, want) {
			t.Errorf("%s\ngives %v, %v", text, found, err)
		}
	}
	for _, text := range []string{`[{"path":"` + a + `","valid":false}]`, `{"` + a + `":null}`} {
		err := parsePathInfos([]byte(text), map[schema.StorePath]schema.PathInfo{})
		if err == nil || !strings.Contains(err.Error(), a+" is not in the store") {
			t.Errorf("%s gives %v", text, err)
		}
	}
}

func TestBuildFailures(t *testing.T) {
	const drv = "/nix/store/rhcq8332ixybb6hv4fwwqpashkd4y3xw-bad.drv"
	nix := fakeNix(t, `case "$*" in
	*--referrers-closure*) printf '%s\n' `+drv+` /nix/store/63j3zr0f0myvv0ad4z50zyf42x8bsvyj-host.drv; exit 0 ;;
	esac
	`+says(`@nix {"action":"start","fields":["`+drv+`","",1,1],"id":7,"level":3,"text":"building '`+drv+`'","type":105}
@nix {"action":"result","fields":["cc: not found"],"id":7,"type":101}
@nix {"action":"result","fields":["\u0001"],"id":7,"type":101}
@nix {"action":"msg","level":0,"msg":"x","raw_msg":"builder for '\u001b[35;1m`+drv+`\u001b[0m' failed with exit code 1;\nlast 1 log lines:"}
@nix {"action":"stop","id":7}
@nix {"action":"msg","level":0,"msg":"x","raw_msg":"1 dependencies of derivation '/nix/store/63j3zr0f0myvv0ad4z50zyf42x8bsvyj-host.drv' failed to build"}`))
	err := nix.Realise(context.Background(), []schema.StorePath{"/nix/store/63j3zr0f0myvv0ad4z50zyf42x8bsvyj-host.drv", "/nix/store/nmjsm81hpn22cnflr19sg2zp18b843ci-host.drv"})
	var failed *BuildError
	if !errors.As(err, &failed) {
		t.Fatalf("found %v", err)
	}
	want := []BuildFailure{{
		Derivation: drv, Reason: "its builder failed with exit code 1", Log: []string{"cc: not found"},
		Closures: []schema.StorePath{"/nix/store/63j3zr0f0myvv0ad4z50zyf42x8bsvyj-host.drv"},
	}}
	if !reflect.DeepEqual(failed.Failures, want) {
		t.Errorf("found %+v, want %+v", failed.Failures, want)
	}
}

// TestCancelEndsTheGroup cancels a Nix that has a child of its own.
func TestCancelEndsTheGroup(t *testing.T) {
	dir := t.TempDir()
	pids := filepath.Join(dir, "pids")
	nix := fakeNix(t, "sleep 300 & echo $! >"+pids+".new; mv "+pids+".new "+pids+"; wait\n")
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for range 6000 {
			if _, err := os.Stat(pids); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	start := time.Now()
	_, err := nix.LockSource(ctx, writeFleet(t))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("found %v", err)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("it took %v", took)
	}
	data, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	var stat []byte
	for range 3000 {
		if stat, err = os.ReadFile("/proc/" + strings.TrimSpace(string(data)) + "/stat"); err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the child lives on: %s", stat)
}

func TestEnvironmentIsClean(t *testing.T) {
	env := environment([]string{"HOME=/h", "TZ=Asia/Tokyo", "LANG=de_DE.UTF-8", "LC_ALL=de_DE.UTF-8", "NIX_PATH=x", "NIX_CONFIG=a = b", "SECRET=x", "https_proxy=p", "PATH=/bin"})
	joined := strings.Join(env, "\n") + "\n"
	for _, want := range []string{"HOME=/h\n", "TZ=UTC\n", "LC_ALL=C\n", "NIX_CONFIG=a = b\n", "https_proxy=p\n", "PATH=/bin\n"} {
		if !strings.Contains(joined, want) {
			t.Errorf("the environment lacks %q", want)
		}
	}
	for _, unwanted := range []string{"Tokyo", "de_DE", "NIX_PATH", "SECRET"} {
		if strings.Contains(joined, unwanted) {
			t.Errorf("the environment has %q", unwanted)
		}
	}
}

func TestQuote(t *testing.T) {
	if found := quote(`a"b\c${d}$e`); found != `"a\"b\\c\${d}$e"` {
		t.Errorf("found %s", found)
	}
}

// TestHashTree compares with what "nix hash path" and "nix-store --add" gave.
func TestHashTree(t *testing.T) {
	nix := fakeNix(t, "exit 1")
	tree, err := nix.writeTree(context.Background(), "x", fstest.MapFS{"x": {Data: []byte("hi\n")}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "/nix/store/5rjrvrfh7n70s2zwq7mh37l78g2rsl0f-source"; storePathOf(tree.NarHash) != want {
		t.Errorf("the tree would be %s, Nix made %s of it", storePathOf(tree.NarHash), want)
	}
}

func TestReadInput(t *testing.T) {
	nix := fakeNix(t, "exit 1")
	dir := t.TempDir()
	file := filepath.Join(dir, "app")
	if err := os.WriteFile(file, []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "result")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	direct, err := nix.ReadInput(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	linked, err := nix.ReadInput(context.Background(), link)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(direct, linked) || direct.Executable == nil || !*direct.Executable {
		t.Errorf("the file is %+v, a link to it %+v", direct, linked)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	plain, err := nix.ReadInput(context.Background(), file)
	if err != nil || plain.NarHash == direct.NarHash || *plain.Executable {
		t.Errorf("without its x bit the file is %+v, %v", plain, err)
	}
	if _, err := nix.ReadInput(context.Background(), filepath.Join(dir, "gone")); err == nil {
		t.Error("an input that is not there was read")
	}
}

func TestUnescape(t *testing.T) {
	if found := unescape("\x1b[31;1merror:\x1b[0m a \x1b[35;1mb\x1b[0m"); found != "error: a b" {
		t.Errorf("found %q", found)
	}
	unescape("\x1b[") // cut off
}

func TestEvaluationWithoutAWord(t *testing.T) {
	for script, want := range map[string]string{
		"kill -9 $$": "the evaluation ended without a word: it was killed, most likely because memory ran out [eval-memory]",
		"echo 'GC Warning: Out of Memory!' >&2; echo 'error: out of memory' >&2; exit 1": "error: the evaluation took more memory than there is [eval-memory]",
		"exit 3": "the evaluation ended without a word: exit status 3 [eval-failed]",
		`echo "error: heap $GC_MAXIMUM_HEAP_SIZE" >&2; exit 1`: "heap 1000",
	} {
		nix := fakeNix(t, `case "$*" in *eval*) `+script+` ;; esac; exit 0`)
		evaluation, err := nix.Prepare(context.Background(), &Source{Tree: Tree{Path: "/nix/store/x"}, locked: map[string]any{}}, Tree{NarHash: "sha256-gJR3JwbHE6P+ZI9VeD+YC5GzuoabYyy+1P264BKXWGs="}, intent.Request{})
		if err != nil {
			t.Fatal(err)
		}
		evaluation.Memory, evaluation.Whole = 1000, 2000
		if _, err = evaluation.Part(context.Background(), intent.Part{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: found %v, want %s", script, err, want)
		}
	}
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte(`@nix {"action":"msg","level":0,"raw_msg":"x"}` + "\nplain\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		j := &journal{progress: func(string) {}}
		for _, piece := range strings.SplitAfter(string(data), " ") {
			if n, err := j.Write([]byte(piece)); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
		}
		j.close()
		j.text()
		failuresIn(j)
	})
}
