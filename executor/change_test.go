package executor

import (
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

var oneFile = &schema.Change{Action: schema.Create, Kind: "file", Object: "/etc/web.conf"}

// A link that breaks during the change leaves the host to itself. Nothing is said
// before the change was seen again, and no event is missed or told twice.
func TestLinkBreaksDuringTheChange(t *testing.T) {
	for name, c := range map[string]struct {
		// cut breaks the link; nil cuts it, and the host can be reached again at once.
		cut func(*simhost.Transaction)
		// then is what the host does after the link broke.
		then    func(*simhost.Transaction) error
		outcome schema.Outcome
		says    []string
	}{
		"and the host completes it": {
			then:    func(*simhost.Transaction) error { return nil },
			outcome: schema.HostChanged,
		},
		"and the host takes its time": {
			then:    func(*simhost.Transaction) error { time.Sleep(200 * time.Millisecond); return nil },
			outcome: schema.HostChanged,
		},
		"again and again": {
			then: func(change *simhost.Transaction) error {
				for range 3 {
					time.Sleep(50 * time.Millisecond)
					change.Send(protocol.Event{Note: "still there"})
					change.Cut()
				}
				return nil
			},
			outcome: schema.HostChanged,
		},
		"and the change fails": {
			then: func(change *simhost.Transaction) error {
				return &protocol.Error{Message: "web.service failed: exit status 1", Hint: "journalctl -u web"}
			},
			outcome: schema.HostRolledBack,
			says:    []string{"web.service failed: exit status 1\nhint: journalctl -u web"},
		},
		"and it cannot be undone": {
			then: func(change *simhost.Transaction) error {
				change.End(protocol.Verdict{Outcome: protocol.HalfChanged, Message: "/etc/web.conf is not as before"})
				return nil
			},
			outcome: schema.HostFailed,
			says:    []string{"/etc/web.conf is not as before"},
		},
		"and the change is killed": {
			then:    func(*simhost.Transaction) error { return simhost.ErrLost },
			outcome: schema.HostRolledBack,
			says:    []string{"it was interrupted"},
		},
		"and the host is gone": {
			cut:     func(change *simhost.Transaction) { change.Host.Server.Vanish() },
			then:    func(*simhost.Transaction) error { return simhost.ErrLost },
			outcome: schema.HostUnknown,
			says: []string{"the connection was lost while web-1 was being changed (", "and what became of it cannot be seen: cannot connect to web-1",
				"hint: the host finishes or undoes the change by itself"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.cut == nil {
				c.cut = (*simhost.Transaction).Cut
			}
			f := newFleet(t, 1)
			if c.outcome == schema.HostUnknown {
				f.deps.patience.Reconnect = time.Second
			}
			told := f.upon(func(e schema.Event) bool { return e.Kind == schema.HostChange })
			f.only().Set(func(s *simhost.State) {
				s.OnApply = func(change *simhost.Transaction) error {
					change.Send(protocol.Event{Change: oneFile})
					<-told
					c.cut(change)
					return c.then(change)
				}
			})
			record := f.execute()
			wantHost(t, record, "web-1", c.outcome, c.says...)
			if c.outcome == schema.HostChanged && record.Hosts["web-1"].Generation != 1 {
				t.Errorf("%+v", record.Hosts["web-1"])
			}
			if n := strings.Count(f.only().Calls(), "begin"); n != 1 {
				t.Errorf("began %d times", n)
			}
			seen := 0
			for _, e := range f.events {
				if e.Kind == schema.HostChange {
					seen++
				}
			}
			want := 1
			if c.outcome == schema.HostChanged {
				want = 2 // the script's own, and what the host tells at its end
			}
			if seen != want {
				t.Errorf("%d changes were told instead of %d", seen, want)
			}
		})
	}
}

// A link that breaks when the change begins leaves open whether it has.
func TestLinkBreaksAtTheBeginning(t *testing.T) {
	t.Run("and it has", func(t *testing.T) {
		f := newFleet(t, 1)
		f.only().Set(func(s *simhost.State) {
			s.OnBegin = func(*simhost.Session) error { return simhost.ErrCut }
			s.OnApply = func(*simhost.Transaction) error { time.Sleep(100 * time.Millisecond); return nil }
		})
		wantHost(t, f.execute(), "web-1", schema.HostChanged)
		if n := strings.Count(f.only().Calls(), "begin"); n != 1 {
			t.Errorf("began %d times", n)
		}
	})
	t.Run("and it has ended", func(t *testing.T) {
		f := newFleet(t, 1)
		f.only().Set(func(s *simhost.State) {
			s.OnBegin = func(*simhost.Session) error { time.Sleep(100 * time.Millisecond); return simhost.ErrCut }
		})
		wantHost(t, f.execute(), "web-1", schema.HostChanged)
		if n := strings.Count(f.only().Calls(), "begin"); n != 1 {
			t.Errorf("began %d times", n)
		}
	})
}

// A change that waits is confirmed over a connection of its own.
func TestConfirmation(t *testing.T) {
	t.Run("well", func(t *testing.T) {
		f := newFleet(t, 1)
		f.only().Set(func(s *simhost.State) {
			s.OnApply = func(change *simhost.Transaction) error { change.Confirm("60s"); return nil }
		})
		wantHost(t, f.execute(), "web-1", schema.HostChanged)
		if got, want := f.only().Calls(), "serve hello prepare store payloads prepare begin attach serve confirm"; got != want {
			t.Errorf("asked %q instead of %q", got, want)
		}
		if n := f.only().Server.Logins.Load(); n != 2 {
			t.Errorf("%d connections: the proof is a new one", n)
		}
	})
	t.Run("the link is cut meanwhile", func(t *testing.T) {
		f := newFleet(t, 1)
		f.only().Set(func(s *simhost.State) {
			s.OnApply = func(change *simhost.Transaction) error { change.Cut(); change.Confirm("60s"); return nil }
		})
		wantHost(t, f.execute(), "web-1", schema.HostChanged)
	})
	t.Run("never", func(t *testing.T) {
		f := newFleet(t, 1)
		tried := f.upon(func(e schema.Event) bool { return strings.Contains(e.Note, "cannot confirm") })
		f.only().Set(func(s *simhost.State) {
			s.OnApply = func(change *simhost.Transaction) error {
				change.Send(protocol.Event{Stage: schema.StageConfirm, Confirm: &protocol.Waiting{Window: "1s"}})
				<-tried
				return &protocol.Error{Message: "not confirmed within 1s"}
			}
		})
		wantHost(t, f.execute(), "web-1", schema.HostRolledBack, "not confirmed within 1s\n  seen from here: the transaction ")
		if !strings.Contains(f.notes(), "cannot confirm the change yet: the transaction ") {
			t.Errorf("notes: %s", f.notes())
		}
	})
}

func TestChangeDeadline(t *testing.T) {
	f := newFleet(t, 1)
	f.deps.patience.Apply = 100 * time.Millisecond
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	f.only().Set(func(s *simhost.State) {
		s.OnApply = func(*simhost.Transaction) error { <-release; return nil }
	})
	wantHost(t, f.execute(), "web-1", schema.HostUnknown, "web-1 is still being changed after 100ms", "hint: nixfleet watch shows what it does")
}
