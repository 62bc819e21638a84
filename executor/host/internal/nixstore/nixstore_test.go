package nixstore

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

const (
	one = schema.StorePath("/nix/store/1z1wqrg2lgkn2wkgwsj8ir4ni3d1bcl9-one")
	two = schema.StorePath("/nix/store/2z1wqrg2lgkn2wkgwsj8ir4ni3d1bcl9-two")
)

// TestContentHash compares with Nix's own on a tree with every kind of entry and
// names that are easily got wrong.
func TestContentHash(t *testing.T) {
	root := t.TempDir()
	top := filepath.Join(root, string(one))
	for name, content := range map[string]string{
		"..foo": "dots", ".hidden": "", "a-b": "12345678", "a/b": "under a", "Z": "upper", "ä": "umlaut", "a.b": strings.Repeat("x", 70000),
	} {
		file := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(top, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../nowhere", filepath.Join(top, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(top, "Z"), 0o755); err != nil {
		t.Fatal(err)
	}
	found, err := ContentHash(t.Context(), root, one)
	if err != nil {
		t.Fatal(err)
	}
	// nix-hash --type sha256 --base64 of the same tree
	if want := schema.NarHash("sha256-i3+FqoXsluubRw4sdYp/zblvp/8A03LXocbYuSr1/O0="); found != want {
		t.Errorf("expected %s, found %s", want, found)
	}
	if out, err := exec.Command("nix-hash", "--type", "sha256", "--base32", top).Output(); err == nil {
		if want, _ := narHash("sha256:" + strings.TrimSpace(string(out))); found != want {
			t.Errorf("nix-hash says %s, we say %s", want, found)
		}
	}
}

func TestReadHashes(t *testing.T) {
	answer := func(build func(*bytes.Buffer)) *bufio.Reader {
		var b bytes.Buffer
		build(&b)
		return bufio.NewReader(&b)
	}
	info := func(b *bytes.Buffer, path schema.StorePath, hash string) {
		writeString(b, string(path))
		writeString(b, "")
		writeNumbers(b, 1)
		writeString(b, string(two))
		writeNumbers(b, 0, 120)
		writeString(b, hash)
		writeString(b, "")
		writeNumbers(b, 1)
		writeString(b, "key:signature")
	}
	const nix32 = "sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"
	hashes, err := readHashes(answer(func(b *bytes.Buffer) {
		writeNumbers(b, serverMagic, protocol)
		info(b, one, nix32)
		info(b, two, "sha256:"+strings.Repeat("0a", 32))
		writeString(b, "")
	}))
	if err != nil || len(hashes) != 2 || hashes[one] != "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" {
		t.Errorf("found %v, %v", hashes, err)
	}
	for want, build := range map[string]func(*bytes.Buffer){
		"does not speak":  func(b *bytes.Buffer) { writeNumbers(b, 1, 2) },
		"is too old":      func(b *bytes.Buffer) { writeNumbers(b, serverMagic, 0x203) },
		"unexpected EOF":  func(b *bytes.Buffer) { writeNumbers(b, serverMagic, protocol, 4) },
		"is not a SHA-25": func(b *bytes.Buffer) { writeNumbers(b, serverMagic, protocol); info(b, one, "md5:123") },
		"cannot be right": func(b *bytes.Buffer) { writeNumbers(b, serverMagic, protocol, 1<<40) },
	} {
		if _, err := readHashes(answer(build)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected %q, found %v", want, err)
		}
	}
}

func TestProfile(t *testing.T) {
	p := NewProfile(t.TempDir(), nil)
	if n, path := p.Current(); n != 0 || path != "" {
		t.Errorf("found generation %d of %q without a profile", n, path)
	}
	var before []Links
	paths := []schema.StorePath{one, one, two, one}
	for i, path := range paths {
		links, err := p.Links(i + 1)
		if err != nil {
			t.Fatal(err)
		}
		before = append(before, links)
		if err := p.Switch(i+1, path); err != nil {
			t.Fatal(err)
		}
		if n, found := p.Current(); n != i+1 || found != path {
			t.Errorf("expected generation %d of %s, found %d of %s", i+1, path, n, found)
		}
		if newest, err := p.Newest(); err != nil || newest != i+1 {
			t.Errorf("expected %d for the newest, found %d, %v", i+1, newest, err)
		}
	}
	if err := p.Collect(4, []int{2}); err != nil {
		t.Fatal(err)
	}
	if numbers, err := p.numbers(); err != nil || !slices.Equal(slices.Sorted(slices.Values(numbers)), []int{2, 4}) {
		t.Errorf("expected the generations 2 and 4, found %v, %v", numbers, err)
	}
	for i := len(paths) - 1; i >= 0; i-- {
		for range 2 {
			if err := p.Return(i+1, before[i]); err != nil {
				t.Fatal(err)
			}
		}
		if links, err := p.Links(i + 1); err != nil || links != before[i] {
			t.Errorf("generation %d: expected %+v, found %+v, %v", i+1, before[i], links, err)
		}
	}
	if n, path := p.Current(); n != 0 || path != "" {
		t.Errorf("found generation %d of %q after going back", n, path)
	}
	if err := p.Root(one); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(p.at(stagedRoot)); err != nil || target != string(one) {
		t.Errorf("found root %q, %v", target, err)
	}
	for range 2 {
		if err := p.Unroot(); err != nil {
			t.Error(err)
		}
	}
}

// TestLocal asks a store of its own, where Nix is there to make one.
func TestLocal(t *testing.T) {
	nix := Find()
	if nix == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no nix-store")
		}
		t.Skip("no nix-store")
	}
	root := t.TempDir()
	program := filepath.Join(root, "nix-store")
	script := "#!/bin/sh\nexec " + nix + " --store 'local?root=" + root + "' \"$@\"\n"
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "hello")
	if err := os.WriteFile(file, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "--add", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	added := schema.StorePath(strings.TrimSpace(string(out)))
	local := Local{Program: program}
	hashes, err := local.Hashes(context.Background(), []schema.StorePath{one, added, two})
	if err != nil || len(hashes) != 1 {
		t.Fatalf("expected one valid path, found %v, %v", hashes, err)
	}
	if content, err := ContentHash(t.Context(), root, added); err != nil || content != hashes[added] {
		t.Errorf("the store says %s, its content is %s, %v", hashes[added], content, err)
	}
	if hashes, err := local.Hashes(context.Background(), nil); err != nil || len(hashes) != 0 {
		t.Errorf("no paths: found %v, %v", hashes, err)
	}
}

func TestBrokenNix(t *testing.T) {
	for _, want := range []struct{ program, text string }{
		{"/bin/false", "cannot ask the Nix store: exit status 1"},
		{"/bin/true", "does not speak the serve protocol"},
	} {
		_, err := Local{Program: want.program}.Hashes(context.Background(), []schema.StorePath{one})
		if err == nil || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%s: expected %q, found %v", want.program, want.text, err)
		}
	}
}
