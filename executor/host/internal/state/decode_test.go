package state

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

// The next version reads what this one has written: it has a reader for it, which
// fills in what this one did not know.
func TestTheNextVersionReadsThisOne(t *testing.T) {
	store := New(t.TempDir(), nil)
	written := &schema.State{Kind: schema.StateKind, Version: schema.StateVersion, Host: "web-1"}
	fillMaps(written)
	if err := store.Save(written); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(store.Path("state.json"))
	if err != nil {
		t.Fatal(err)
	}
	next := map[int]func([]byte, *schema.State) error{
		schema.StateVersion + 1: strictly,
		schema.StateVersion: func(data []byte, state *schema.State) error {
			state.Reboot.Needed = true // what this version did not know
			return strictly(data, state)
		},
	}
	var found schema.State
	if err := decodeWith(next, data, &found); err != nil || found.Host != "web-1" {
		t.Fatalf("found %+v, %v", found, err)
	}
	if !strings.Contains(string(data), `"version":2`) || found.Version != schema.StateVersion {
		t.Errorf("found version %d in %s", found.Version, data)
	}
}

func TestStateFilesOfOthers(t *testing.T) {
	for text, want := range map[string]string{
		`{"kind":"nixfleet.state","version":9}`:                             `cannot read the state file /var/lib/nixfleet/state.json: expected nixfleet.state of version 2, found "nixfleet.state" of version 9: another nixfleet was here`,
		`{"kind":"nixfleet.plan","version":1}`:                              `found "nixfleet.plan" of version 1`,
		`{"kind":"nixfleet.state","version":2,"host":"web-1","pending":{}}`: `unknown field "pending"`,
		`{"kind":"nixfleet.state"`:                                          `the document is cut short: it ends after 24 bytes`,
	} {
		store := New(t.TempDir(), nil)
		if err := os.MkdirAll(store.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(store.dir, "state.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Load(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: expected %q, found %v", text, want, err)
		}
	}
}

// A line that a power cut has torn does not take the next one with it.
func TestALineAfterATornOne(t *testing.T) {
	store := New(t.TempDir(), nil)
	if err := store.Append("lines", []byte(`{"n":1}`), true); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(store.Path("lines"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"n":`); err != nil {
		t.Fatal(err)
	}
	file.Close()
	if err := store.Append("lines", []byte(`{"n":3}`), false); err != nil {
		t.Fatal(err)
	}
	data, err := store.Read("lines")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	var last struct{ N int }
	if len(lines) != 3 || json.Unmarshal([]byte(lines[2]), &last) != nil || last.N != 3 {
		t.Errorf("found %q", lines)
	}
	if _, err := store.Read("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("found %v", err)
	}
}
