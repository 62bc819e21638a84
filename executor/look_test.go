package executor

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

func (f *fleet) look(options LookOptions) map[schema.HostName]Seen {
	f.t.Helper()
	seen := map[schema.HostName]Seen{}
	if err := Look(context.Background(), f.plan.Index.Hosts, options, f.deps, func(s Seen) { seen[s.Host] = s }); err != nil {
		f.t.Fatal(err)
	}
	return seen
}

func (f *fleet) propose(options LookOptions) map[schema.HostName]Seen {
	f.t.Helper()
	seen := map[schema.HostName]Seen{}
	if err := Propose(context.Background(), f.plan, options, f.deps, func(s Seen) { seen[s.Host] = s }); err != nil {
		f.t.Fatal(err)
	}
	return seen
}

func TestLookingCostsOneRoundTripAndTouchesNothing(t *testing.T) {
	f := newFleet(t, 3)
	digest, _ := f.manifest()
	f.hosts["web-2"].Set(func(s *simhost.State) { s.Applied = digest })
	f.hosts["web-3"].Set(func(s *simhost.State) { s.Helper = []byte("another helper") })
	seen := f.look(LookOptions{})
	for _, name := range []schema.HostName{"web-1", "web-2", "web-3"} {
		if s := seen[name]; s.Err != nil || s.Observation == nil || s.Proposal != nil {
			t.Errorf("%s: %+v", name, s)
		}
		if calls := f.hosts[name].Calls(); calls != "serve observe" {
			t.Errorf("%s was asked %q", name, calls)
		}
	}
	if o := seen["web-2"].Observation; o.Applied == nil || o.Applied.Manifest != digest {
		t.Errorf("found %+v", o)
	}
}

func TestAPlanIsComparedWithHostsThatAreNotAsItSays(t *testing.T) {
	f := newFleet(t, 3)
	digest, _ := f.manifest()
	f.hosts["web-2"].Set(func(s *simhost.State) { s.Applied = digest })
	f.hosts["web-3"].Set(func(s *simhost.State) { s.Applied, s.Drifted = digest, true })
	seen := f.propose(LookOptions{})
	if s := seen["web-1"]; s.Err != nil || s.Proposal == nil || len(s.Proposal.Changes) != 1 || len(s.Proposal.MissingPaths) != 2 || len(s.Proposal.MissingPayloads) != 1 {
		t.Errorf("found %+v, %v", s.Proposal, s.Err)
	}
	if s := seen["web-2"]; s.Err != nil || s.Proposal != nil || f.hosts["web-2"].Calls() != "serve observe" {
		t.Errorf("found %+v after %s, %v", s.Proposal, f.hosts["web-2"].Calls(), s.Err)
	}
	if s := seen["web-3"]; s.Err != nil || s.Proposal == nil || f.hosts["web-3"].Calls() != "serve observe observe" {
		t.Errorf("found %+v, %v", s.Proposal, s.Err)
	}
	for name, host := range f.hosts {
		if len(host.Look().Payloads) > 0 {
			t.Errorf("%s was sent something to keep", name)
		}
	}
}

// One look tells of each host what is the matter with it; the others go on.
func TestHostsThatCannotBeAskedSayWhy(t *testing.T) {
	t.Parallel() // it waits for the one that does not answer
	f := newFleet(t, 7)
	stuck := make(chan struct{})
	t.Cleanup(func() { close(stuck) })
	f.hosts["web-1"].Set(func(s *simhost.State) { s.Helper = nil })
	f.hosts["web-2"].Set(func(s *simhost.State) { s.Sudo = "sudo: a password is required" })
	f.hosts["web-3"].Server.Stop()
	f.hosts["web-4"].Set(func(s *simhost.State) { s.Version = 99 })
	f.hosts["web-5"].Set(func(s *simhost.State) {
		s.OnObserve = func(*simhost.Session, *protocol.ObserveReply) error { return simhost.ErrDie }
	})
	f.hosts["web-6"].Set(func(s *simhost.State) {
		s.OnObserve = func(*simhost.Session, *protocol.ObserveReply) error { <-stuck; return nil }
	})
	seen := f.look(LookOptions{Timeout: 8 * time.Second})
	for name, want := range map[schema.HostName]string{
		"web-1": "nothing was ever applied there",
		"web-2": "sudo on web-2 wants a password",
		"web-3": "cannot",
		"web-4": "of another version of NixFleet",
		"web-5": "the helper on web-5 ended",
		"web-6": "web-6 (127.0.0.1) did not answer within 8s",
	} {
		if s := seen[name]; s.Err == nil || !strings.Contains(s.Err.Error(), want) || s.Observation != nil {
			t.Errorf("%s: expected %q, found %v", name, want, s.Err)
		}
	}
	for name, want := range map[schema.HostName]bool{"web-1": false, "web-3": true, "web-6": true} {
		if seen[name].Unreachable != want {
			t.Errorf("%s: unreachable is %v", name, seen[name].Unreachable)
		}
	}
	if s := seen["web-7"]; s.Err != nil {
		t.Error(s.Err)
	}
}

func TestLookingIsRefusedBeforeAnyConnection(t *testing.T) {
	f := newFleet(t, 1)
	for want, look := range map[string]func() error{
		`no host of the fleet matches "wbe-1"`: func() error {
			return Look(context.Background(), f.plan.Index.Hosts, LookOptions{Select: Selection{Hosts: []string{"wbe-1"}}}, f.deps, nil)
		},
		`no host of the plan is in the group "wbe"`: func() error {
			return Propose(context.Background(), f.plan, LookOptions{Select: Selection{Groups: []string{"wbe"}}}, f.deps, nil)
		},
		"it is a preview": func() error {
			preview := *f.plan
			preview.Index.Preview = true
			return Propose(context.Background(), &preview, LookOptions{}, f.deps, nil)
		},
		"wrong digest of the index": func() error {
			edited := *f.plan
			edited.Index.Fleet = "another"
			return Propose(context.Background(), &edited, LookOptions{}, f.deps, nil)
		},
	} {
		if err := look(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected %q, found %v", want, err)
		}
	}
	if calls := f.only().Calls(); calls != "" {
		t.Errorf("the host was asked %q", calls)
	}
}

func TestClocksAreCompared(t *testing.T) {
	f := newFleet(t, 1)
	f.only().Set(func(s *simhost.State) {
		s.OnObserve = func(_ *simhost.Session, reply *protocol.ObserveReply) error {
			reply.Observation.At = reply.Observation.At.Add(-time.Hour)
			return nil
		}
	})
	if skew := f.look(LookOptions{})["web-1"].Skew; skew > -59*time.Minute || skew < -61*time.Minute {
		t.Errorf("found %s", skew)
	}
}

func TestManyHostsAreAskedAtOnce(t *testing.T) {
	f := newFleet(t, 12)
	asked := &crowd{expected: 12}
	for _, host := range f.hosts {
		host.Set(func(s *simhost.State) {
			s.OnObserve = func(*simhost.Session, *protocol.ObserveReply) error { asked.visit(); return nil }
		})
	}
	if seen := f.look(LookOptions{Parallel: 12}); asked.most.Load() != 12 || len(seen) != 12 {
		t.Errorf("%d of %d hosts at once", asked.most.Load(), len(seen))
	}
}
