package host

import (
	"os"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/schema"
)

const (
	topPath = schema.StorePath("/nix/store/1z1wqrg2lgkn2wkgwsj8ir4ni3d1bcl9-host")
	libPath = schema.StorePath("/nix/store/2z1wqrg2lgkn2wkgwsj8ir4ni3d1bcl9-lib")
	// The NAR hashes of what install writes.
	topHash = schema.NarHash("sha256-N79TedtygUrsUkgnLlxZ9BcA7D/1bby/5nlb2h5zhck=")
	libHash = schema.NarHash("sha256-u/MN2F7ELjqdV4GUSSwRmMhl9Fjbp8sz9QUpd0s4FbA=")
)

// closure is a closure whose top holds a file and a link into its other path.
func closure() []schema.PathEntry {
	return []schema.PathEntry{
		{Path: topPath, PathInfo: schema.PathInfo{NarHash: topHash, NarSize: 1000, References: []schema.StorePath{libPath}}},
		{Path: libPath, PathInfo: schema.PathInfo{NarHash: libHash, NarSize: 500, References: []schema.StorePath{}}},
	}
}

// install puts the closure into the host's store.
func (w *world) install() {
	w.t.Helper()
	w.write(string(topPath)+"/etc/conf", "from the store\n", 0o444)
	link(w, string(libPath), string(topPath)+"/lib")
	link(w, "/etc/hosts", string(topPath)+"/escape")
	w.write(string(libPath)+"/data", "from the library\n", 0o444)
	for _, entry := range closure() {
		w.registry[entry.Path] = entry.NarHash
	}
}

func source(path, from string) schema.File {
	return schema.File{Path: path, Source: from, Mode: "0600", Owner: "root", Group: "root"}
}

func TestClosure(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	i := intent{closure: closure(), files: []schema.File{
		source("/etc/conf", string(topPath)+"/etc/conf"), source("/etc/data", string(topPath)+"/lib/data"),
	}}
	p := i.plan(t)

	c := w.connect()
	if _, err := c.hello(p); err != nil {
		t.Fatal(err)
	}
	prepared, err := c.prepare(p)
	if err != nil || len(prepared.MissingPaths) != 2 || len(prepared.Changes) != 3 {
		t.Fatalf("expected two missing paths and three changes, found %+v, %v", prepared, err)
	}
	if _, err := c.apply(); err == nil {
		t.Fatal("applied without its closure")
	} else {
		autogold.Expect("2 paths of the closure are not in the host's store, /nix/store/1z1wqrg2lgkn2wkgwsj8ir4ni3d1bcl9-host among them").Equal(t, err.Error())
	}
	w.install()
	if prepared, err = c.prepare(p); err != nil || len(prepared.MissingPaths) != 0 {
		t.Fatalf("expected nothing missing, found %+v, %v", prepared, err)
	}
	reply, err := c.apply()
	if err != nil || reply.Generation != 1 {
		t.Fatalf("expected generation 1, found %+v, %v", reply, err)
	}
	if w.read("/etc/conf") != "from the store\n" || w.read("/etc/data") != "from the library\n" {
		t.Error("the files are not those of the closure")
	}
	if target, err := os.Readlink(w.at(nixstore.ProfileLink)); err != nil || target != "system-1-link" {
		t.Errorf("the profile is %q, %v", target, err)
	}
	if w.exists("/nix/var/nix/gcroots/nixfleet/staged") {
		t.Error("the root of the apply is left")
	}
	w.mustBeUnchanged(i)

	// The profile's drift is seen, and repaired without a new generation.
	if err := os.Remove(w.at(nixstore.ProfileLink)); err != nil {
		t.Fatal(err)
	}
	if changes := w.mustExecute(i); summary(changes) != "create profile /nix/var/nix/profiles/nixfleet/system (generation 1)" {
		t.Errorf("found %s", summary(changes))
	}
	w.mustBeUnchanged(i)
	if err := os.RemoveAll(w.at(string(topPath))); err != nil {
		t.Fatal(err)
	}
	if hello, err := w.connect().hello(p); err != nil || hello.Unchanged {
		t.Errorf("a closure that is gone is not seen: %+v, %v", hello, err)
	}
}

func TestSourcesStayInTheClosure(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.install()
	w.write("/etc/hosts", "secret", 0o600)
	for _, c := range []struct {
		from string
		want autogold.Value
	}{
		{string(topPath) + "/escape", autogold.Expect("cannot take /etc/x from the store: /nix/store/1z1wqrg2lgkn2wkgwsj8ir4ni3d1bcl9-host/escape leads to /etc/hosts, which is not in the host's closure")},
		{string(topPath) + "/etc", autogold.Expect("cannot take /etc/x from the store: /nix/store/1z1wqrg2lgkn2wkgwsj8ir4ni3d1bcl9-host/etc is a directory, expected a file")},
	} {
		// The file is there already, so that its content is compared.
		w.write("/etc/x", "", 0o600)
		f := source("/etc/x", c.from)
		c.want.Equal(t, w.refusal(intent{closure: closure(), files: []schema.File{f}}.plan(t)))
	}
}

func TestContentIsCheckedOnce(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.install()
	p := intent{closure: closure()}.plan(t)
	_, err := w.execute(p)
	if err != nil {
		t.Fatal(err)
	}
	// What was checked at an earlier apply is not read again.
	w.write(string(libPath)+"/data", "spoilt later", 0o644)
	again := intent{closure: closure(), files: []schema.File{file("/etc/x", "1")}}
	w.mustExecute(again)
}

// emptyFile is the NAR hash of an empty file.
const emptyFile = schema.NarHash("sha256-d6xi4mKdjkX2JFicDIv5niSzpyI0m/Hnm8GGAIU04kY=")
