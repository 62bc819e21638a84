// Package engine carries out a plan: its waves in order, the hosts of a wave side
// by side, each host from the first connection to its verdict. It decides nothing
// that the plan has decided, and says of a host only what it has seen.
package engine

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/narsource"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/schema"
)

// Run is one execution of a plan.
type Run struct {
	// ID names the run.
	ID string
	// Plan is verified already.
	Plan *schema.Plan
	// Hosts are those to take.
	Hosts map[schema.HostName]bool
	// Parallel is how many at once.
	Parallel int
	// Wire is told every message to and from a host's helper, in parts; may be nil.
	Wire func(host schema.HostName, sent bool, parts ...[]byte)
	// Operator is who runs it.
	Operator string
	// DryRun changes nothing on any host.
	DryRun bool
	// Source is where the content of store paths comes from.
	Source narsource.Source
	// Dialer connects to hosts.
	Dialer *transport.Dialer
	// Network opens the connections of health checks, and Shell runs their commands and
	// the gate's; it may be nil.
	Network func(ctx context.Context, network, address string) (net.Conn, error)
	Shell   Shell
	// Binary returns the helper's binary for a system.
	Binary func(schema.System) ([]byte, error)
	// OnlyReboot takes hosts through their reboots and changes nothing else, and Force
	// those of them too that need none.
	OnlyReboot, Force bool
	// Wait lets hosts wait for the windows of their reboots.
	Wait bool
	// Stop, once closed, lets hosts in flight finish and no other start.
	Stop <-chan struct{}
	// Observe is told of every event, one at a time.
	Observe func(schema.Event)
	// Journal keeps what a run is resumed from; nil for runs that cannot be.
	Journal Journal
	// Story is what the journal told when the run was resumed; nil of one that begins.
	Story *Story
	// Now is the clock.
	Now func() time.Time
	// Patience are the times to wait; the zero value stands for the defaults.
	Patience Patience

	frozen  *frozen
	mu      sync.Mutex
	records map[schema.HostName]schema.HostRecord
	// halted is why nothing more may begin; empty while something may.
	halted     string
	haltReason schema.Reason
	// offline is how many hosts are held because they could not be reached.
	offline int
	// rules are those of the hosts that may reboot.
	rules map[schema.HostName]*rebootRule
	downs *downs
}

// Patience is how long the engine waits.
type Patience struct {
	// Prepare bounds a host's look at itself, with the hashing of a large closure.
	Prepare time.Duration
	// Begin bounds what a host answers without work: the beginning of a change, a
	// confirmation.
	Begin time.Duration
	// Apply bounds the change of a host.
	Apply time.Duration
	// Reconnect bounds the attempts to reach a host whose link was lost during a change.
	Reconnect time.Duration
	// Retry is the pause between attempts.
	Retry time.Duration
	// Slot is the pause between attempts to have one more host down, and Slots bounds
	// them where no window does.
	Slot, Slots time.Duration
}

func (p Patience) orDefaults() Patience {
	set := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	set(&p.Prepare, 15*time.Minute)
	set(&p.Begin, 3*time.Minute)
	set(&p.Apply, 2*time.Hour)
	set(&p.Reconnect, 2*time.Minute)
	set(&p.Retry, time.Second)
	set(&p.Slot, 15*time.Second)
	set(&p.Slots, time.Hour)
	return p
}

// reached reports whether a host is as the plan says.
func reached(outcome schema.Outcome) bool {
	return outcome == schema.HostChanged || outcome == schema.HostUnchanged
}

const stoppedByOperator = "the run was stopped before its turn"

// stopped reports whether the operator stopped or cut the run.
func (r *Run) stopped(ctx context.Context) bool {
	select {
	case <-r.Stop:
		return true
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// waitForSlot waits until another host may start, and reports whether one may.
func (r *Run) waitForSlot(ctx context.Context, slots chan struct{}) bool {
	if r.stopped(ctx) {
		return false
	}
	select {
	case slots <- struct{}{}:
	case <-r.Stop:
		return false
	case <-ctx.Done():
		return false
	}
	if r.stopped(ctx) { // both were ready
		<-slots
		return false
	}
	return true
}

func (r *Run) hold(name schema.HostName, reason schema.Reason, text string) {
	r.finish(name, schema.HostRecord{Outcome: schema.HostHeld, Reason: reason, Error: text})
}

func (r *Run) finish(name schema.HostName, record schema.HostRecord) {
	r.mu.Lock()
	r.records[name] = record
	r.mu.Unlock()
	r.emit(schema.Event{Kind: schema.HostFinished, Host: name, Outcome: record.Outcome, Exit: record.Exit, Reboot: record.Reboot, Error: record.Error, Hint: record.Hint, Reason: record.Reason, Seconds: record.Seconds})
}

func (r *Run) emit(event schema.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	event.Time, event.Run = r.Now(), r.ID
	if r.Observe != nil {
		r.Observe(event)
	}
}

// Halted is why nothing more began; empty if everything did.
func (r *Run) Halted() (reason schema.Reason, text string) { return r.haltReason, r.halted }

// Verdict sums up what became of the hosts.
func (r *Run) Verdict() schema.Verdict {
	count, reboots := map[schema.Outcome]int{}, 0
	for _, record := range r.records {
		count[record.Outcome]++
		if record.Reboot != nil && record.Reboot.State == schema.RebootHeld && reached(record.Outcome) {
			reboots++
		}
	}
	fine := count[schema.HostChanged] + count[schema.HostUnchanged] + count[schema.HostRan]
	switch all := len(r.records); {
	case r.haltReason == schema.ReasonGateClosed:
		return schema.Halted
	case fine == all && reboots > 0:
		return schema.Held
	case fine == all:
		return schema.Done
	case count[schema.HostHeld] > r.offline:
		return schema.Halted
	case count[schema.HostRefused] == all:
		return schema.Refused
	case fine+r.offline == all:
		return schema.Held
	}
	return schema.Failed
}
