package executor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/engine"
	"github.com/nixfleet/nixfleet/executor/internal/journal"
	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/schema"
)

// mortal is a controller that dies at an entry of its journal, before or after it is on
// the disk: nothing that it sends then arrives anywhere.
type mortal struct {
	*fleet
	cut  context.CancelCauseFunc
	mu   sync.Mutex
	left int
	late bool // after the entry
	dead bool
	open map[net.Conn]bool
}

var errDied = errors.New("the controller died")

func (m *mortal) append(keep engine.Journal) engine.Journal {
	return func(entry schema.Entry) error {
		m.mu.Lock()
		if m.dead {
			m.mu.Unlock()
			return errDied
		}
		dies := m.left == 0
		m.left--
		if dies {
			m.dead = true
		}
		m.mu.Unlock()
		if !dies {
			return keep(entry)
		}
		if m.late {
			if err := keep(entry); err != nil {
				return err
			}
		}
		m.mu.Lock()
		for conn := range m.open {
			conn.Close()
		}
		m.mu.Unlock()
		m.cut(errDied)
		return errDied
	}
}

func (m *mortal) dial(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.dead {
			conn.Close()
			return nil, errDied
		}
		m.open[conn] = true
		return conn, nil
	}
}

// dieAt executes and dies at an entry of the journal. It reports whether the run came so
// far, and the run.
func (f *fleet) dieAt(entry int, late bool, resume string) (run string, died bool) {
	f.t.Helper()
	ctx, cut := context.WithCancelCause(context.Background())
	defer cut(nil)
	m := &mortal{fleet: f, cut: cut, left: entry, late: late, open: map[net.Conn]bool{}}
	options, deps := f.options, f.deps
	options.Resume = resume
	deps.dies, deps.Dial = m.append, m.dial(deps.dial())
	record, err := Execute(ctx, f.plan, options, deps)
	if err != nil && !errors.Is(err, errDied) {
		f.t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return record.Run, m.dead
}

func (f *fleet) resume(run string) *schema.Record {
	f.t.Helper()
	options := f.options
	options.Resume = run
	record, err := Execute(context.Background(), f.plan, options, f.deps)
	if err != nil {
		f.t.Fatal(err)
	}
	return record
}

// resumed is the record of a run that is resumed, if it has not come to its end.
func (f *fleet) resumed(run string) *schema.Record {
	f.t.Helper()
	if f.unfinished(run) {
		return f.resume(run)
	}
	story, err := ReadRun(f.deps.StateDir, run)
	if err != nil {
		f.t.Fatal(err)
	}
	return story.Record
}

// unfinished reports whether the journal does not tell of the run's end.
func (f *fleet) unfinished(run string) bool {
	f.t.Helper()
	story, err := ReadRun(f.deps.StateDir, run)
	if err != nil {
		f.t.Fatal(err)
	}
	return engine.Tell(story.Journal).Verdict == ""
}

// ends is what a run came to, on the hosts and in its record.
func (f *fleet) ends(record *schema.Record) string {
	var b strings.Builder
	fmt.Fprintln(&b, record.Verdict, record.Halted)
	for _, name := range sortedHosts(f.hosts) {
		state := f.hosts[name].Look()
		error, _, _ := strings.Cut(record.Hosts[name].Error, "\n")
		error, _, _ = strings.Cut(error, ": cannot connect")
		fmt.Fprintln(&b, name, record.Hosts[name].Outcome, state.Applied.Short(), error)
	}
	return b.String()
}

// A rollout that dies at any entry of its journal, before or after the entry is on the
// disk, and is resumed, comes to what it would have come to.
func TestResumeAtEveryEntry(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 5)
			r := &randomRollout{fleet: f, random: rand.New(rand.NewPCG(seed, 11)), fails: map[schema.HostName]bool{}, offline: map[schema.HostName]bool{}, pause: map[schema.HostName]time.Duration{}}
			r.draw()
			f.options.Parallel = 1 // so that one run is as the other
			want := f.ends(f.execute())
			for entry := 0; ; entry++ {
				var died bool
				for _, late := range []bool{false, true} {
					r.reset()
					var run string
					if run, died = f.dieAt(entry, late, ""); !died {
						break
					}
					if got := f.ends(f.resumed(run)); got != want {
						t.Fatalf("died at entry %d, late %v:\n%s\ninstead of\n%s\nfails %v, offline %v, waves %+v\njournal %s", entry, late, got, want, r.fails, r.offline, f.plan.Index.Rollout, f.journal(run))
					}
				}
				if !died {
					break
				}
			}
		})
	}
}

func (f *fleet) journal(run string) string {
	data, err := os.ReadFile(journal.Path(filepath.Join(f.deps.StateDir, "runs"), run))
	if err != nil {
		f.t.Error(err)
	}
	return string(data)
}

// Dying again and again, several hosts at a time, with changes that wait to be
// confirmed: every host ends as the plan says, changed once.
func TestDyingAgainAndAgain(t *testing.T) {
	f := newFleet(t, 6)
	f.waves([]schema.HostName{"web-1"}, []schema.HostName{"web-2", "web-3"}, []schema.HostName{"web-4", "web-5", "web-6"})
	for _, host := range f.hosts {
		host.Set(func(s *simhost.State) {
			s.OnApply = func(change *simhost.Transaction) error { change.Confirm("60s"); return nil }
		})
	}
	random := rand.New(rand.NewPCG(1, 2))
	run, died := f.dieAt(3, true, "")
	for n := 0; died && f.unfinished(run) && n < 100; n++ {
		run, died = f.dieAt(3+random.IntN(5), random.IntN(2) == 0, run)
	}
	if died && f.unfinished(run) {
		t.Fatal("it never came to its end")
	}
	story, err := ReadRun(f.deps.StateDir, run)
	if err != nil {
		t.Fatal(err)
	}
	if story.State != string(schema.Done) || story.Left != 0 || len(story.Record.Hosts) != 6 {
		t.Errorf("%+v", story.RunSummary)
	}
	for name, host := range f.hosts {
		wantHost(t, story.Record, name, schema.HostChanged)
		if n := strings.Count(host.Calls(), "begin"); n != 1 {
			t.Errorf("the change of %s began %d times", name, n)
		}
	}
}

// What an operator has stopped goes on; what has come to its end does not.
func TestResumeRefusals(t *testing.T) {
	f := newFleet(t, 3)
	f.options.Program = "1.0"
	f.plan.Index.Rollout.MaxParallel = 1
	f.seal()
	stop := make(chan struct{})
	f.hosts["web-1"].Set(func(s *simhost.State) {
		s.OnApply = func(*simhost.Transaction) error { close(stop); time.Sleep(20 * time.Millisecond); return nil }
	})
	options := f.options
	options.Stop = stop
	record, err := Execute(context.Background(), f.plan, options, f.deps)
	if err != nil || record.Verdict != schema.Halted {
		t.Fatalf("%+v, %v", record, err)
	}
	wantHost(t, record, "web-1", schema.HostChanged)
	wantHost(t, record, "web-2", schema.HostHeld, "stopped before its turn")
	if story, err := Resumable(f.plan, f.deps.StateDir); err != nil || story.Run != record.Run || story.Left != 2 {
		t.Errorf("%+v, %v", story, err)
	}
	for want, change := range map[string]func(*Options){
		"nixfleet 1.0 began it, and this is 2.0": func(o *Options) { o.Program = "2.0" },
		"a run has its hosts":                    func(o *Options) { o.Select.Hosts = []string{"web-1"} },
		"as a dry run":                           func(o *Options) { o.DryRun = true },
		`there is no journal of a run "other"`:   func(o *Options) { o.Resume = "other" },
	} {
		options := f.options
		options.Resume = record.Run
		change(&options)
		if _, err := Execute(context.Background(), f.plan, options, f.deps); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected %q, got %v", want, err)
		}
	}
	digest := f.plan.Digest
	f.plan.Index.TimeZone = "Europe/Berlin"
	f.seal()
	options = f.options
	options.Resume = record.Run
	for _, err := range []error{
		func() error { _, err := Execute(context.Background(), f.plan, options, f.deps); return err }(),
		func() error { _, err := Resumable(f.plan, f.deps.StateDir); return err }(),
	} {
		if err == nil || !strings.Contains(err.Error(), string(digest)) || !strings.Contains(err.Error(), string(f.plan.Digest)) {
			t.Error(err)
		}
	}
	f.plan.Index.TimeZone = "UTC"
	f.seal()
	done := f.resume(record.Run)
	if done.Verdict != schema.Done || done.Run != record.Run || !done.Started.Equal(record.Started) {
		t.Errorf("%+v", done)
	}
	options.Resume = record.Run
	if _, err := Execute(context.Background(), f.plan, options, f.deps); err == nil || !strings.Contains(err.Error(), "has come to its end, done") {
		t.Error(err)
	}
	if _, err := Resumable(f.plan, f.deps.StateDir); err == nil || !strings.Contains(err.Error(), "no run of this plan can be resumed") {
		t.Error(err)
	}
}

// Two controllers on one rollout: the second is told.
func TestTwoControllers(t *testing.T) {
	f := newFleet(t, 2)
	f.hosts["web-1"].Set(func(s *simhost.State) {
		s.OnApply = func(*simhost.Transaction) error {
			at, err := journal.AtWork(filepath.Join(f.deps.StateDir, "runs"))
			if err != nil || len(at) != 1 {
				t.Errorf("%v, %v", at, err)
				return nil
			}
			deps, options := f.deps, f.options
			deps.Observe = nil
			if _, err := Execute(context.Background(), f.plan, options, deps); err == nil || !strings.Contains(err.Error(), "run "+at[0].ID+" by alice@desk takes web-1 now") {
				t.Error(err)
			}
			options.Resume = at[0].ID
			if _, err := Execute(context.Background(), f.plan, options, deps); err == nil || !strings.Contains(err.Error(), "a process on this machine is at work on it") {
				t.Error(err)
			}
			if runs, err := Runs(deps.StateDir, 0); err != nil || len(runs) != 1 || runs[0].State != RunAtWork {
				t.Errorf("%+v, %v", runs, err)
			}
			return nil
		}
	})
	if record := f.execute(); record.Verdict != schema.Done {
		t.Errorf("%+v", record)
	}
}
