package host

import (
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/lease"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// TestTheDateJumps sets the host's date back and forth: nothing is decided by it.
func TestTheDateJumps(t *testing.T) {
	needRoot(t)
	for _, jump := range []time.Duration{-48 * time.Hour, 48 * time.Hour} {
		w := newWorld(t)
		now := w.deps.Now
		w.deps.Now = func() time.Time { return now() }
		ended := w.behind()
		p := confirming(t, "1m")
		first, id, epoch := w.begun(p)
		w.deps.Now = func() time.Time { return now().Add(jump) }
		if holder := leasesOf(w.deps).Holder(); holder == nil || holder.Run != "r1" {
			t.Errorf("%s: the lease is held by %+v", jump, holder)
		}
		if err := w.second("r1").confirm(id, epoch); err != nil {
			t.Errorf("%s: %v", jump, err)
		}
		if verdict, err := first.attach(id, 0); err != nil || verdict.Outcome != protocol.Applied {
			t.Errorf("%s: %+v, %v", jump, verdict, err)
		}
		ended()
	}
}

// TestAReboot ends leases, and interrupts transactions.
func TestAReboot(t *testing.T) {
	w := newWorld(t)
	w.connect().mustPrepare(intent{}.plan(t))
	w.client = nil // no orderly end
	w.deps.Clock = lease.Clock{Boot: "b2", Now: func() time.Duration { return time.Second }}
	if holder := leasesOf(w.deps).Holder(); holder != nil {
		t.Errorf("the lease is held by %+v", holder)
	}
	w.second("r2").mustPrepare(intent{}.plan(t))
}

// TestNobodyConfirms lets the window pass.
func TestNobodyConfirms(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	before := w.snapshot()
	_, err := w.execute(confirming(t, "1s"))
	failed, ok := err.(*changeError)
	if !ok || failed.Outcome != protocol.RolledBack || failed.Message != "not confirmed within 1s: no new connection of the executor came through" {
		t.Fatalf("found %v", err)
	}
	if after := w.snapshot(); after != before {
		t.Errorf("the host is not as before:\n%s\n%s", before, after)
	}
	if holder := leasesOf(w.deps).Holder(); holder != nil {
		t.Errorf("the lease is held by %+v", holder)
	}
}
