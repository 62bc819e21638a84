package host

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/schema"
)

func (w *world) names(directory string) []string {
	w.t.Helper()
	entries, err := os.ReadDir(w.at(directory))
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// Contents of manifests long gone go; originals and what is applied stay.
func TestContentsAreCollected(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.write("/etc/motd", "theirs", 0o644)
	i := intent{files: []schema.File{file("/etc/motd", "ours"), file("/etc/x", "0")}, units: []schema.Unit{service("a.service", "ExecStart=run")}}
	i.files[0].Adopt = true
	for n := range 15 { // of which the last ten are kept, with what they need
		i.files[1].Payload = schema.Digest(fmt.Sprint(n))
		w.mustExecute(i)
		if blobs := w.names("/var/lib/nixfleet/blobs"); len(blobs) != min(n+1, 10)+3 {
			t.Fatalf("%d: expected one original and %d payloads, found %v", n, min(n+1, 10)+2, blobs)
		}
	}
	for n := 5; n < 15; n++ {
		if err := os.WriteFile(w.at(fmt.Sprintf("/var/lib/nixfleet/generations/%d/manifest.json", n+1)), []byte("spoilt"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.mustExecute(intent{})
	if w.read("/etc/motd") != "theirs" {
		t.Error("the original is lost")
	}
	if blobs := w.names("/var/lib/nixfleet/blobs"); len(blobs) != 0 {
		t.Errorf("%v is left", blobs)
	}
}

func TestOldGenerationsAreCollected(t *testing.T) {
	store := state.New(t.TempDir(), nil)
	manifest := func(n int) *schema.Manifest {
		content := []byte(fmt.Sprint(n))
		if err := store.PutPayload(content); err != nil {
			t.Fatal(err)
		}
		return &schema.Manifest{Files: []schema.File{{Path: "/etc/x", Payload: schema.DigestOf(content), Mode: "0644", Owner: "root", Group: "root"}},
			Base: schema.Debian, System: schema.X8664Linux}
	}
	for n := range 30 {
		if err := store.SaveGeneration(state.Generation{Number: n}, manifest(n), nil); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := store.Collect(&schema.State{Applied: &schema.Applied{Generation: 3}}, 20)
	if err != nil || len(kept) != 21 {
		t.Fatalf("kept %v, %v", kept, err)
	}
	for n := range 30 {
		if kept, want := store.HasBlob(schema.DigestOf([]byte(fmt.Sprint(n)))), n == 3 || n >= 10; kept != want {
			t.Errorf("the content of generation %d: kept %v, expected %v", n, kept, want)
		}
	}
}

// A path that the database has and the disk has not is not there.
func TestAStorePathThatIsLost(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.install()
	i := intent{closure: closure()}
	w.mustExecute(i)
	w.mustBeUnchanged(i)
	if err := os.Rename(w.at(string(libPath)), filepath.Join(w.root, "away")); err != nil {
		t.Fatal(err)
	}
	lost := "the host's store has lost " + string(libPath) + ": its database has the path, the disk has not\n" +
		"hint: on the host: nix-store --verify, which makes the store forget it; then execute again"
	if text := w.refusal(i.plan(t)); text != lost {
		t.Errorf("found %s", text)
	}
	if err := os.Remove(w.at("/var/lib/nixfleet/state.json")); err != nil {
		t.Fatal(err)
	}
	if text := w.refusal(i.plan(t)); text != lost {
		t.Errorf("without a state file: found %s", text)
	}
	delete(w.registry, libPath) // which is what nix-store --verify does
	c := w.connect()
	if _, err := c.hello(i.plan(t)); err != nil {
		t.Fatal(err)
	}
	prepared, err := c.prepare(i.plan(t))
	if err != nil || len(prepared.MissingPaths) != 1 {
		t.Errorf("found %+v, %v", prepared, err)
	}
}
