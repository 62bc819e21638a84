package main

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/executor/internal/sshtest"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// host is one of them, behind a network and with work that takes time.
type host struct {
	*fleet
	server *sshtest.Server
	work   time.Duration // of [fleet.times] times as long
	sim    atomic.Pointer[simhost.Host]
}

// reset makes the host new.
func (h *host) reset() {
	sim := simhost.New(h.server, &h.parts)
	look := func(*simhost.Session) error {
		time.Sleep(h.latency.look)
		return nil
	}
	sim.Set(func(s *simhost.State) {
		s.Helper, s.HelperHash = []byte("simulated"), h.helper
		s.OnHello, s.OnPrepare, s.OnApply, s.OnError = look, look, h.apply, h.fault
	})
	h.sim.Store(sim)
}

// workTime is how long a change takes now.
func (h *host) workTime() time.Duration { return h.work * time.Duration(h.times.Load()) }

func (h *host) changed() bool { return h.sim.Load().Look().Applied != "" }

// run runs a command. Those of plain words take as long as what the helper does, and
// measure what SSH alone takes.
func (h *host) run(c *sshtest.Command) int {
	time.Sleep(h.latency.start)
	switch strings.TrimPrefix(c.Line, "sudo -n ") {
	case "look":
		time.Sleep(h.latency.look)
	case "work":
		time.Sleep(h.latency.look + h.workTime())
	case "true":
	default:
		return h.sim.Load().Run(c)
	}
	return 0
}

// apply sends the events of the work, evenly over its time, and waits to be confirmed.
func (h *host) apply(t *simhost.Transaction) error {
	changes := t.Changes()
	events := []protocol.Event{{Stage: schema.StageStaging}, {Stage: schema.StageStop}, {Stage: schema.StageFiles}}
	for i := range changes {
		events = append(events, protocol.Event{Change: &changes[i]})
	}
	events = append(events, protocol.Event{Stage: schema.StageUnits})
	began, steps := time.Now(), time.Duration(len(events)+1) // waiting is the last
	for i, event := range events {
		time.Sleep(time.Until(began.Add(time.Duration(i+1) * h.workTime() / steps)))
		t.Send(event)
	}
	time.Sleep(time.Until(began.Add(h.workTime())))
	t.Confirm("1m0s")
	t.Commit(changes)
	return nil
}
