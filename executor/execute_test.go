package executor

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/closuretest"
	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

func TestChangeThenNothing(t *testing.T) {
	f := newFleet(t, 1)
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostChanged)
	if record.Verdict != schema.Done {
		t.Errorf("verdict %s", record.Verdict)
	}
	if got := record.Hosts["web-1"]; len(got.Changes) != 1 || got.Changes[0].Object != "/etc/web.conf" || got.Generation != 1 || got.Seconds <= 0 {
		t.Errorf("record %+v", got)
	}
	if f.only().Store.Len() != 2 {
		t.Errorf("%d store paths arrived", f.only().Store.Len())
	}
	if got, want := f.only().Calls(), "serve hello prepare store payloads prepare begin attach"; got != want {
		t.Errorf("asked %q instead of %q", got, want)
	}

	record = f.execute()
	wantHost(t, record, "web-1", schema.HostUnchanged)
	if got, want := strings.TrimPrefix(f.only().Calls(), "serve hello prepare store payloads prepare begin attach "), "serve hello"; got != want {
		t.Errorf("an unchanged host was asked %q instead of %q", got, want)
	}
	if n := f.only().Server.Logins.Load(); n != 2 {
		t.Errorf("%d connections for two runs", n)
	}

	// A change of texts alone opens no second channel and prepares once.
	f.only().Set(func(s *simhost.State) { s.Drifted = true; s.Payloads = map[schema.Digest]bool{} })
	wantHost(t, f.execute(), "web-1", schema.HostChanged)
	if !strings.HasSuffix(f.only().Calls(), " serve hello prepare payloads begin attach") {
		t.Errorf("asked %q", f.only().Calls())
	}
}

func TestRecordIsKept(t *testing.T) {
	f := newFleet(t, 1)
	var during schema.Record
	f.only().Set(func(s *simhost.State) {
		s.OnApply = func(change *simhost.Transaction) error {
			readRecord(t, f.deps.StateDir, change.Run, &during)
			return nil
		}
	})
	record := f.execute()
	if during.Verdict != "" || during.Finished != nil || during.Hosts["web-1"].Outcome != schema.HostUnknown {
		t.Errorf("while the run goes on, its record says %+v", during)
	}
	var after schema.Record
	readRecord(t, f.deps.StateDir, record.Run, &after)
	if after.Verdict != schema.Done || after.Finished == nil || after.Operator != "alice@desk" || after.Digest != f.plan.Digest || after.Hosts["web-1"].Outcome != schema.HostChanged {
		t.Errorf("the record says %+v", after)
	}
	if info, err := os.Stat(RecordPath(f.deps.StateDir, record.Run)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func readRecord(t *testing.T, dir, run string, record *schema.Record) {
	t.Helper()
	data, err := os.ReadFile(RecordPath(dir, run))
	if err != nil {
		t.Error(err)
		return
	}
	if err := json.Unmarshal(data, record); err != nil {
		t.Error(err)
	}
}

func TestDryRun(t *testing.T) {
	f := newFleet(t, 1)
	f.options.DryRun = true
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostChanged)
	if len(record.Hosts["web-1"].Changes) != 1 || f.only().Look().Applied != "" || f.only().Store.Len() != 0 {
		t.Errorf("%+v", record.Hosts["web-1"])
	}
	if got := f.only().Calls(); got != "serve hello prepare" {
		t.Errorf("a dry run asked %q", got)
	}
	if !strings.Contains(f.notes(), "would copy 2 store paths, 251 kB") {
		t.Errorf("notes: %s", f.notes())
	}
	if entries, _ := os.ReadDir(filepath.Join(f.deps.StateDir, "runs")); len(entries) != 0 {
		t.Error("a dry run left a record")
	}

	f.only().Set(func(s *simhost.State) { s.Helper = nil })
	wantHost(t, f.execute(), "web-1", schema.HostRefused, "there is no helper on web-1 at /var/lib/nixfleet/bin/nixfleet-host", "hint: the first execution installs the helper where")
}

func TestSubstituters(t *testing.T) {
	f := newFleet(t, 1)
	f.options.Closures = "substituters"
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostRefused, "web-1 needs a store path: the host's substituters lack "+string(closuretest.PathOf("lib")))
	f.only().Store.Substitutes = map[string][]byte{}
	for _, entry := range f.closure.Entries {
		f.only().Store.Substitutes[string(entry.Path)] = []byte("content")
	}
	wantHost(t, f.execute(), "web-1", schema.HostChanged)
}

func TestClosureSourceLacksAPath(t *testing.T) {
	f := newFleet(t, 2)
	path := f.closure.Entries[0].Path
	hash := filepath.Base(string(path))[:32]
	if err := os.Remove(filepath.Join(f.options.Closures, hash+".narinfo")); err != nil {
		t.Fatal(err)
	}
	// One host has the path: it does not care.
	f.hosts["web-2"].Store.Put(string(path), []byte("content"))
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostRefused, "lacks "+string(path), "--closures")
	wantHost(t, record, "web-2", schema.HostChanged)
	if n := f.hosts["web-1"].Store.Len(); n != 0 {
		t.Errorf("%d paths were sent although not all are there", n)
	}
}

// Waves: a host that fails stops those after its own.
func TestFailureHoldsLaterWaves(t *testing.T) {
	f := newFleet(t, 4)
	f.waves([]schema.HostName{"web-1"}, []schema.HostName{"web-2", "web-3"}, []schema.HostName{"web-4"})
	f.hosts["web-2"].Set(func(s *simhost.State) {
		s.OnApply = func(change *simhost.Transaction) error {
			change.End(protocol.Verdict{Outcome: protocol.RolledBack, Message: "web.service failed", Hint: "journalctl -u web", Changes: []schema.Change{{Action: schema.Update, Kind: "file", Object: "/etc/web.conf"}}})
			return nil
		}
	})
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostChanged)
	wantHost(t, record, "web-2", schema.HostRolledBack, "web.service failed\nhint: journalctl -u web")
	wantHost(t, record, "web-3", schema.HostChanged)
	wantHost(t, record, "web-4", schema.HostHeld, "not every host of wave 2 is as the plan says")
	if record.Verdict != schema.Halted || len(record.Hosts["web-2"].Changes) != 1 {
		t.Errorf("verdict %s, %+v", record.Verdict, record.Hosts["web-2"])
	}
	if n := f.hosts["web-4"].Server.Connections.Load(); n != 0 {
		t.Error("a held host was connected to")
	}
}

func TestVerdictOfOneWave(t *testing.T) {
	f := newFleet(t, 2)
	refuse := func(*simhost.Session) error { return errors.New("/etc/web.conf was not made by NixFleet") }
	f.hosts["web-1"].Set(func(s *simhost.State) { s.OnPrepare = refuse })
	if record := f.execute(); record.Verdict != schema.Failed {
		t.Errorf("verdict %s where one of two was refused", record.Verdict)
	}
	f.hosts["web-2"].Set(func(s *simhost.State) { s.OnPrepare = refuse; s.Drifted = true })
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostRefused, "/etc/web.conf was not made by NixFleet")
	if record.Verdict != schema.Refused {
		t.Errorf("verdict %s where all were refused", record.Verdict)
	}
}

func TestParallelIsALimit(t *testing.T) {
	f := newFleet(t, 6)
	f.options.Parallel = 2
	atWork := &crowd{expected: 2}
	for _, host := range f.hosts {
		host.Set(func(s *simhost.State) {
			s.OnApply = func(*simhost.Transaction) error { atWork.visit(); return nil }
		})
	}
	if record := f.execute(); record.Verdict != schema.Done || atWork.most.Load() != 2 {
		t.Errorf("verdict %s, %d hosts at once", record.Verdict, atWork.most.Load())
	}

	f.plan.Index.Rollout.MaxParallel = 1 // --parallel only lowers
	f.seal()
	atWork.most.Store(0)
	atWork.expected = 1
	for _, host := range f.hosts {
		host.Set(func(s *simhost.State) { s.Drifted = true })
	}
	if f.execute(); atWork.most.Load() != 1 {
		t.Errorf("%d hosts at once where the plan allows one", atWork.most.Load())
	}
}

func TestFirstInterruptFinishesHostsInFlight(t *testing.T) {
	f := newFleet(t, 3)
	f.options.Parallel = 1
	stop := make(chan struct{})
	f.options.Stop = stop
	f.hosts["web-1"].Set(func(s *simhost.State) {
		s.OnApply = func(*simhost.Transaction) error { close(stop); time.Sleep(50 * time.Millisecond); return nil }
	})
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostChanged)
	wantHost(t, record, "web-2", schema.HostHeld, "the run was stopped before its turn")
	wantHost(t, record, "web-3", schema.HostHeld, "the run was stopped")
	if record.Verdict != schema.Halted {
		t.Errorf("verdict %s", record.Verdict)
	}
}

func TestSecondInterruptCuts(t *testing.T) {
	f := newFleet(t, 2)
	ctx, cancel := context.WithCancelCause(context.Background())
	both := make(chan struct{}, 2)
	release := make(chan struct{})
	block := func() error { both <- struct{}{}; <-release; return simhost.ErrDie }
	f.hosts["web-1"].Set(func(s *simhost.State) { s.OnApply = func(*simhost.Transaction) error { return block() } })
	f.hosts["web-2"].Set(func(s *simhost.State) { s.OnPrepare = func(*simhost.Session) error { return block() } })
	go func() {
		<-both
		<-both
		cancel(errors.New("interrupted twice"))
	}()
	record := f.executeIn(ctx)
	close(release)
	wantHost(t, record, "web-1", schema.HostUnknown, "the run was cut while web-1 was being changed: interrupted twice", "hint: the host finishes or undoes the change by itself")
	wantHost(t, record, "web-2", schema.HostHeld, "the run was cut before the host was changed: interrupted twice")
	if record.Verdict != schema.Halted {
		t.Errorf("verdict %s", record.Verdict)
	}
	var kept schema.Record
	readRecord(t, f.deps.StateDir, record.Run, &kept)
	if kept.Verdict != schema.Halted {
		t.Errorf("the record says %q", kept.Verdict)
	}
}

func TestEvents(t *testing.T) {
	f := newFleet(t, 1)
	f.only().Set(func(s *simhost.State) {
		s.OnApply = func(change *simhost.Transaction) error {
			change.Send(protocol.Event{Stage: schema.StageFiles})
			change.Send(protocol.Event{Note: "one moment"})
			return nil
		}
	})
	record := f.execute()
	var told []string
	for _, e := range f.events {
		word := string(e.Kind)
		switch e.Kind {
		case schema.HostStage:
			word = string(e.Stage)
		case schema.HostChange:
			word = e.Change.Object
		}
		told = append(told, word)
		if e.Run != record.Run || e.Time.IsZero() {
			t.Errorf("event %+v", e)
		}
	}
	want := "run-started wave-started host-started connect prepare copy note payloads prepare apply files note /etc/web.conf host-finished wave-finished run-finished"
	if got := strings.Join(told, " "); got != want {
		t.Errorf("told\n%s\ninstead of\n%s", got, want)
	}
}
