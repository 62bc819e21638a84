package journal

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

func first(run string) schema.Entry {
	return schema.Entry{Time: time.Unix(0, 0).UTC(), Kind: schema.RunBegun, Run: &schema.Beginning{
		Version: schema.JournalVersion, Program: "1", ID: run, Digest: schema.DigestOf(nil), Fleet: "f", Operator: "a@b", Hosts: schema.HostList{"web-1"}, Parallel: 1,
	}}
}

func create(t *testing.T, dir, run string) *Journal {
	t.Helper()
	j, err := Create(dir, first(run))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestGoesOn(t *testing.T) {
	dir := t.TempDir()
	j := create(t, dir, "r")
	var writing sync.WaitGroup
	for i := range 50 {
		writing.Go(func() {
			if err := j.Append(schema.Entry{Kind: schema.HostBegun, Host: schema.HostName(fmt.Sprintf("h%d", i))}); err != nil {
				t.Error(err)
			}
		})
	}
	writing.Wait()
	j.Close()
	// A power cut tore the last line.
	file, err := os.OpenFile(Path(dir, "r"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(file, `{"time":"2026-01-01T00:00:00Z","kind":"host-en`)
	file.Close()
	if entries, atWork, err := Read(dir, "r"); len(entries) != 51 || atWork || err != nil {
		t.Errorf("%d entries, %v, %v", len(entries), atWork, err)
	}
	j, entries, err := Continue(dir, "r")
	if err != nil || len(entries) != 51 || entries[0].Run.ID != "r" {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	if err := j.Append(schema.Entry{Kind: schema.RunResumed}); err != nil {
		t.Fatal(err)
	}
	j.Close()
	if entries, _, err := Read(dir, "r"); err != nil || len(entries) != 52 || entries[51].Kind != schema.RunResumed {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

func TestOneAtATime(t *testing.T) {
	dir := t.TempDir()
	j := create(t, dir, "r")
	if _, _, err := Continue(dir, "r"); !errors.Is(err, ErrAtWork) {
		t.Error(err)
	}
	if _, err := Create(dir, first("r")); err == nil {
		t.Error("a run began twice")
	}
	create(t, dir, "other").Close()
	heads, err := AtWork(dir)
	if err != nil || len(heads) != 1 || heads[0].ID != "r" {
		t.Errorf("%v, %v", heads, err)
	}
	if _, atWork, _ := Read(dir, "r"); !atWork {
		t.Error("nobody seems to work on it")
	}
	j.Close()
	if heads, _ := AtWork(dir); len(heads) != 0 {
		t.Errorf("%v", heads)
	}
	if runs, err := Runs(dir); fmt.Sprint(runs) != "[r other]" || err != nil {
		t.Errorf("%v, %v", runs, err)
	}
}

func TestDamage(t *testing.T) {
	dir := t.TempDir()
	for content, want := range map[string]string{
		"":                            ErrEmpty.Error(),
		`{"kind":"run-be`:             ErrEmpty.Error(),
		"{}\n":                        `is no journal of a run: its first line is not "run-begun"`,
		`{"kind":"run-begun"}` + "\n": "is no journal of a run",
		`{"kind":"run-begun","run":{"version":3,"hosts":[]}}` + "\n":                                                 "expected version 2, found 3",
		`{"kind":"run-begun","run":{"version":2,"hosts":[]}}` + "\n{]\n" + "{}\n":                                    "cannot read line 2",
		`{"kind":"run-begun","run":{"version":2,"hosts":[]}}` + "\n" + `{"kind":"host-ended","host":"web-1"}` + "\n": `"host-ended" comes without a record`,
	} {
		if err := os.WriteFile(Path(dir, "r"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, read := range []func() error{
			func() error { _, _, err := Read(dir, "r"); return err },
			func() error { _, _, err := Continue(dir, "r"); return err },
		} {
			if err := read(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: expected %q, got %v", content, want, err)
			}
		}
	}
	if _, _, err := Continue(dir, "none"); err == nil || !strings.Contains(err.Error(), `there is no journal of a run "none"`) {
		t.Error(err)
	}
}

// What follows a line that was written in part could not be read: so nothing does.
func TestNothingAfterAFailure(t *testing.T) {
	j := create(t, t.TempDir(), "r")
	j.file.Close()
	for range 2 {
		if err := j.Append(schema.Entry{Kind: schema.HostBegun}); err == nil || !strings.Contains(err.Error(), "cannot write the journal of the run") {
			t.Error(err)
		}
	}
}
