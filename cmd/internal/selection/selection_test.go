package selection_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/schema"
)

func choose(t *testing.T, args ...string) (chosen executor.Selection, err error) {
	t.Helper()
	app := &cli.App{Flags: selection.Flags(), Action: func(c *cli.Context) (err error) {
		chosen, err = selection.Of(c)
		return err
	}}
	return chosen, app.Run(append([]string{"test"}, args...))
}

func writeRecord(t *testing.T, dir string, record schema.Record) {
	t.Helper()
	record.Kind, record.Version, record.Started = schema.RecordKind, schema.RecordVersion, time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	data, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	file := executor.RecordPath(dir, record.Run)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFailedOfReadsTheRecordOfARun(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("NIXFLEET_STATE_DIR", dir)
	if _, err := choose(t, "--failed-of", "last"); err == nil || !strings.Contains(err.Error(), "no run is recorded in "+dir) {
		t.Error(err)
	}
	hosts := map[schema.HostName]schema.HostRecord{}
	for _, outcome := range []schema.Outcome{
		schema.HostChanged, schema.HostUnchanged, schema.HostRan, schema.HostRolledBack, schema.HostFailed, schema.HostRefused,
		schema.HostUnreachable, schema.HostUnknown, schema.HostHeld,
	} {
		hosts[schema.HostName(outcome)] = schema.HostRecord{Outcome: outcome}
	}
	hosts["reboots-later"] = schema.HostRecord{Outcome: schema.HostChanged, Reboot: &schema.RebootRecord{State: schema.RebootHeld}}
	hosts["rebooted"] = schema.HostRecord{Outcome: schema.HostChanged, Reboot: &schema.RebootRecord{State: schema.RebootDone}}
	writeRecord(t, dir, schema.Record{Run: "20260301-100000-aaaaaa", Hosts: hosts})
	writeRecord(t, dir, schema.Record{Run: "20260302-100000-aaaaaa", Hosts: map[schema.HostName]schema.HostRecord{"db-1": {Outcome: schema.HostFailed}}})

	chosen, err := choose(t, "--failed-of", "20260301-100000-aaaaaa", "--exclude", "x", "--limit", "3")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(chosen.Among.Hosts)
	if want := []schema.HostName{"failed", "held", "reboots-later", "refused", "rolled-back", "unknown", "unreachable"}; !slices.Equal(chosen.Among.Hosts, want) || chosen.Limit != 3 || len(chosen.Exclude) != 1 {
		t.Errorf("found %+v", chosen)
	}
	if chosen, err = choose(t, "--failed-of", "last"); err != nil || !slices.Equal(chosen.Among.Hosts, []schema.HostName{"db-1"}) {
		t.Errorf("found %+v, %v", chosen, err)
	}
	// Of two in one second the names say nothing.
	writeRecord(t, dir, schema.Record{Run: "20260302-100000-000000", Hosts: map[schema.HostName]schema.HostRecord{"db-2": {Outcome: schema.HostFailed}}})
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(executor.RecordPath(dir, "20260302-100000-000000"), later, later); err != nil {
		t.Fatal(err)
	}
	if chosen, err = choose(t, "--failed-of", "last"); err != nil || !slices.Equal(chosen.Among.Hosts, []schema.HostName{"db-2"}) {
		t.Errorf("found %+v, %v", chosen, err)
	}
	_, err = choose(t, "--failed-of", "20260303-100000-aaaaaa")
	if err == nil || !strings.Contains(err.Error(), `there is no run "20260303-100000-aaaaaa"`) || !strings.Contains(schema.InFull(err), "hint: the last one is 20260302-100000-000000; nixfleet runs lists them") {
		t.Error(err)
	}
	if err := os.WriteFile(executor.RecordPath(dir, "20260304-100000-aaaaaa"), []byte(`{"kind":"other"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := choose(t, "--failed-of", "last"); err == nil || !strings.Contains(err.Error(), "cannot read the record of run 20260304-100000-aaaaaa: ") {
		t.Error(err)
	}
}

func TestALimitIsANumber(t *testing.T) {
	if _, err := choose(t, "--limit", "0"); err == nil || !strings.Contains(err.Error(), "--limit 0: expected 1 or more") {
		t.Error(err)
	}
}
