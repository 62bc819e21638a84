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

// Somebody else watches a change: over a link that breaks, with every event once.
func TestWatch(t *testing.T) {
	f := newFleet(t, 2)
	begun, watched := make(chan struct{}), make(chan struct{})
	f.hosts["web-1"].Set(func(s *simhost.State) {
		s.OnApply = func(change *simhost.Transaction) error {
			change.Send(protocol.Event{Note: "one"})
			close(begun)
			<-watched
			change.Cut()
			change.Send(protocol.Event{Note: "two"})
			return &protocol.Error{Message: "web.service failed"}
		}
	})
	done := make(chan *schema.Record)
	go func() {
		record, err := Execute(context.Background(), f.plan, f.options, f.deps)
		if err != nil {
			t.Error(err)
		}
		done <- record
	}()
	<-begun
	// Not before the other host has ended.
	for f.hosts["web-2"].Look().Applied == "" {
		time.Sleep(5 * time.Millisecond)
	}
	var notes []string
	deps := f.deps
	deps.Observe = func(e schema.Event) {
		if e.Kind == schema.HostNote && e.Host == "web-1" {
			notes = append(notes, e.Note)
			if e.Note == "one" {
				close(watched)
			}
		}
	}
	records, err := Watch(context.Background(), f.plan.Index.Hosts, LookOptions{Operator: "bob@desk"}, deps)
	if err != nil {
		t.Fatal(err)
	}
	record := <-done
	wantHost(t, record, "web-1", schema.HostRolledBack, "web.service failed")
	seen := &schema.Record{Hosts: records}
	wantHost(t, seen, "web-1", schema.HostRolledBack, "web.service failed")
	wantHost(t, seen, "web-2", schema.HostRefused, "no transaction is at work on this host")
	if len(notes) != 4 || !strings.HasPrefix(notes[0], "the change of run ") || notes[1] != "one" || notes[3] != "two" {
		t.Errorf("it saw %q", notes)
	}
}
