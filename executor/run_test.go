package executor

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

func (f *fleet) run(command Command, options BackOptions) *schema.Record {
	f.t.Helper()
	f.events = nil
	options.Operator = "alice@desk"
	record, err := Run(context.Background(), f.plan.Index.Hosts, command, options, f.deps)
	if err != nil {
		f.t.Fatal(err)
	}
	return record
}

// says is a script of a host.
func says(text string, exit schema.Exit) func(*simhost.Session) (schema.Exit, error) {
	return func(s *simhost.Session) (schema.Exit, error) {
		s.Send(protocol.Event{Output: &schema.Output{Data: []byte(text)}})
		return exit, nil
	}
}

func TestACommandRunsOnHostsAndItsEndsAreRecorded(t *testing.T) {
	f := newFleet(t, 4)
	var asked atomic.Pointer[simhost.Session]
	f.hosts["web-1"].Set(func(s *simhost.State) {
		s.OnRun = func(s *simhost.Session) (schema.Exit, error) {
			asked.Store(s)
			return says("up 3 days\n", schema.Exit{})(s)
		}
	})
	f.hosts["web-2"].Set(func(s *simhost.State) { s.OnRun = says("no\n", schema.Exit{Status: 3}) })
	f.hosts["web-3"].Set(func(s *simhost.State) { s.OnRun = says("", schema.Exit{Signal: 9}) })
	f.hosts["web-4"].Set(func(s *simhost.State) { s.OnRun = says("", schema.Exit{Signal: 15, TimedOut: true}) })
	argv := []string{"/usr/bin/uptime", "-p", "two words", "$HOME", ""}
	record := f.run(Command{Argv: argv, MaxOutput: 100}, BackOptions{})
	wantHost(t, record, "web-1", schema.HostRan)
	wantHost(t, record, "web-2", schema.HostFailed, "exit status 3")
	wantHost(t, record, "web-3", schema.HostFailed, "killed by signal 9")
	wantHost(t, record, "web-4", schema.HostFailed, "it took too long and was ended")
	if got := asked.Load(); got == nil || !slices.Equal(got.Run.Argv, argv) || got.Run.Timeout != "10m0s" || got.Request.Host != "web-1" || got.Request.Operator != "alice@desk" {
		t.Errorf("the request was %+v", got)
	}
	if record.Verdict != schema.Failed || record.Hosts["web-2"].Exit.Status != 3 || record.Task != "command uptime" {
		t.Errorf("found %+v", record)
	}
	kept, err := os.ReadFile(RecordPath(f.deps.StateDir, record.Run))
	if err != nil || strings.Contains(string(kept), "two words") || !json.Valid(kept) {
		t.Errorf("the record is %s, %v", kept, err)
	}
	if calls := f.hosts["web-1"].Calls(); calls != "serve run" {
		t.Errorf("web-1 was asked %q", calls)
	}
	var output string
	for _, e := range f.events {
		if e.Kind == schema.HostOutput && e.Host == "web-1" {
			output += string(e.Output.Data)
		}
	}
	if output != "up 3 days\n" {
		t.Errorf("it wrote %q", output)
	}
}

// A command is run once: where the connection is lost nobody can say what it did.
func TestACommandIsNeverRunTwice(t *testing.T) {
	f := newFleet(t, 3)
	for name, end := range map[schema.HostName]error{"web-1": simhost.ErrCut, "web-2": simhost.ErrDie} {
		f.hosts[name].Set(func(s *simhost.State) {
			s.OnRun = func(*simhost.Session) (schema.Exit, error) { return schema.Exit{}, end }
		})
	}
	record := f.run(Command{Argv: []string{"reboot"}}, BackOptions{})
	wantHost(t, record, "web-1", schema.HostUnknown, "web-1 was lost before the command had ended; it may have run, whole or in part")
	wantHost(t, record, "web-2", schema.HostUnknown, "may have run")
	wantHost(t, record, "web-3", schema.HostRan)
	for name, host := range f.hosts {
		if calls := host.Calls(); calls != "serve run" {
			t.Errorf("%s was asked %q", name, calls)
		}
	}
}

func TestHostsOnWhichACommandCannotRunSayWhy(t *testing.T) {
	f := newFleet(t, 6)
	f.hosts["web-1"].Set(func(s *simhost.State) { s.Helper = nil })
	f.hosts["web-2"].Set(func(s *simhost.State) { s.Sudo = "sudo: a password is required" })
	f.hosts["web-3"].Server.Stop()
	f.hosts["web-4"].Set(func(s *simhost.State) { s.Version = 99 })
	f.hosts["web-5"].Set(func(s *simhost.State) { s.Holder = "r0" })
	record := f.run(Command{Task: "rotate-logs"}, BackOptions{})
	wantHost(t, record, "web-1", schema.HostRefused, "there is no helper on web-1", "nothing was ever applied there")
	wantHost(t, record, "web-2", schema.HostRefused, "sudo on web-2 wants a password")
	wantHost(t, record, "web-3", schema.HostUnreachable, "cannot")
	wantHost(t, record, "web-4", schema.HostRefused, "of another version of NixFleet")
	wantHost(t, record, "web-5", schema.HostRefused, "locked by run r0")
	wantHost(t, record, "web-6", schema.HostRan)
	if record.Task != "task rotate-logs" {
		t.Error(record.Task)
	}
	// Who only looks need not wait for anybody.
	record = f.run(Command{Argv: []string{"uptime"}, NoLock: true}, BackOptions{Select: Selection{Hosts: []string{"web-5"}}})
	wantHost(t, record, "web-5", schema.HostRan)
}

func TestStoppingARunHoldsTheOtherHosts(t *testing.T) {
	f := newFleet(t, 3)
	stop := make(chan struct{})
	once := sync.OnceFunc(func() { close(stop) })
	for _, host := range f.hosts {
		host.Set(func(s *simhost.State) {
			s.OnRun = func(*simhost.Session) (schema.Exit, error) {
				once()
				return schema.Exit{}, nil
			}
		})
	}
	record := f.run(Command{Argv: []string{"sleep"}}, BackOptions{Parallel: 1, Stop: stop})
	wantHost(t, record, "web-1", schema.HostRan)
	wantHost(t, record, "web-2", schema.HostHeld, "the run was stopped before its turn")
	wantHost(t, record, "web-3", schema.HostHeld, "the run was stopped before its turn")
	if record.Verdict != schema.Halted {
		t.Error(record.Verdict)
	}
}

func TestRunsAreRefusedBeforeAnyConnection(t *testing.T) {
	f := newFleet(t, 1)
	for want, command := range map[string]Command{
		"expected either a task or a command":          {},
		"never runs while somebody is at work":         {Task: "x", NoLock: true},
		"up to 67108864 bytes of output, found 999999": {Argv: []string{"x"}, MaxOutput: 999999999999},
	} {
		record, err := Run(context.Background(), f.plan.Index.Hosts, command, BackOptions{}, f.deps)
		if err == nil || record != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected %q, found %v", want, err)
		}
	}
	if calls := f.only().Calls(); calls != "" {
		t.Errorf("the host was asked %q", calls)
	}
}
