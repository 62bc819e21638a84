package host

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/lease"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// second begins another session without the end of the first.
func (w *world) second(run string) *client {
	w.t.Helper()
	first := w.client
	w.client = nil
	c := w.connect()
	c.Head.Run = run
	w.client = first
	w.t.Cleanup(c.hangUp)
	return c
}

// slowClock lets a test move the clock of leases.
func (w *world) slowClock() *time.Duration {
	now := time.Hour
	w.deps.Clock = lease.Clock{Boot: "b1", Now: func() time.Duration { return now }}
	return &now
}

func (c *client) mustPrepare(p *plan) {
	c.t.Helper()
	if _, err := c.hello(p); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.prepare(p); err != nil {
		c.t.Fatal(err)
	}
}

func wantRefusal(t *testing.T, err error, text string) {
	t.Helper()
	if refused, ok := err.(*protocol.Error); !ok || refused.Kind != protocol.KindRefused || !strings.HasPrefix(refused.Message, text) {
		t.Errorf("expected %q, found %v", text, err)
	}
}

func TestOneRunAtATime(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	p := intent{files: []schema.File{file("/etc/x", "1")}}.plan(t)
	first := w.connect()
	first.mustPrepare(p)
	other := w.second("r2")
	hello, err := other.hello(p)
	if err != nil || hello.Lease == nil || hello.Lease.Run != "r1" || hello.Lease.Operator != "ann@desk" || hello.Unchanged {
		t.Errorf("expected run r1 to hold the host, found %+v, %v", hello, err)
	}
	_, err = other.prepare(p)
	wantRefusal(t, err, "locked by run r1, started 2026-01-01T12:00:00Z, by ann@desk")
	wantRefusal(t, other.send(p, p.part.Manifest.PayloadDigests()), "locked by run r1")
	if err := first.send(p, p.part.Manifest.PayloadDigests()); err != nil {
		t.Fatal(err)
	}
	if _, err := first.apply(); err != nil {
		t.Fatal(err)
	}
	if _, err := other.prepare(p); err != nil {
		t.Errorf("the lease outlives its transaction: %v", err)
	}
}

// TestAHolderThatSleptIsRefused lets another run take over, and then wakes the first.
func TestAHolderThatSleptIsRefused(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	now := w.slowClock()
	p := intent{files: []schema.File{file("/etc/x", "1")}}.plan(t)
	sleeper := w.connect()
	sleeper.mustPrepare(p)
	if err := sleeper.send(p, p.part.Manifest.PayloadDigests()); err != nil {
		t.Fatal(err)
	}
	*now += lease.Length + 1
	other := w.second("r2")
	other.mustPrepare(p)
	late := "the lease of run r1 on this host ended; since 2026-01-01T12:00:00Z it is held by run r2, by ann@desk"
	_, err := sleeper.apply()
	wantRefusal(t, err, late)
	_, err = sleeper.prepare(p)
	wantRefusal(t, err, late)
	if w.exists("/etc/x") {
		t.Error("the host was changed")
	}
	sleeper.hangUp() // which must not end the other's lease
	w.client = nil
	if holder := leasesOf(w.deps).Holder(); holder == nil || holder.Run != "r2" {
		t.Errorf("the lease is held by %+v", holder)
	}
	if _, err := other.apply(); err != nil {
		t.Error(err)
	}
}

func TestALeaseEndsWithItsSession(t *testing.T) {
	w := newWorld(t)
	w.connect().mustPrepare(intent{}.plan(t))
	if leasesOf(w.deps).Holder() == nil {
		t.Fatal("nobody holds the host")
	}
	w.hangUp()
	if holder := leasesOf(w.deps).Holder(); holder != nil {
		t.Errorf("the lease is held by %+v", holder)
	}
}

func TestALeaseIsTakenRenewedAndGivenBack(t *testing.T) {
	w := newWorld(t)
	now := w.slowClock()
	p := intent{}.plan(t)
	c := w.connect()
	if _, err := c.hello(p); err != nil {
		t.Fatal(err)
	}
	ask := func(action protocol.LeaseAction) error {
		_, err := call(c.caller, protocol.Lease, protocol.LeaseRequest{Action: action})
		return err
	}
	for _, action := range []protocol.LeaseAction{protocol.LeaseTake, protocol.LeaseRenew} {
		*now += lease.Length * 2 / 3
		if err := ask(action); err != nil {
			t.Fatal(err)
		}
	}
	if holder := leasesOf(w.deps).Holder(); holder == nil || holder.Until != *now+lease.Length {
		t.Errorf("found %+v", holder)
	}
	if err := ask(protocol.LeaseRelease); err != nil || leasesOf(w.deps).Holder() != nil {
		t.Errorf("it was not given back: %v", err)
	}
	if err := ask("steal"); err == nil || err.Error() != `expected to take, renew or release a lease, found "steal"` {
		t.Errorf("found %v", err)
	}
}

func TestNamesOfRunsAreNoPaths(t *testing.T) {
	w := newWorld(t)
	c := w.connect()
	c.Head.Run = "../../../etc"
	if _, err := c.hello(intent{}.plan(t)); err == nil || err.Error() != `invalid run id "../../../etc"` {
		t.Errorf("found %v", err)
	}
	_, err := w.connect().attach("../../../etc/x", 0)
	if err == nil || err.Error() != `invalid transaction id "../../../etc/x"` {
		t.Errorf("found %v", err)
	}
}

// behind lets begin answer before the transaction has ended, as systemd does.
func (w *world) behind() (wait func()) {
	ended := make(chan struct{})
	w.deps.Start = func(_ context.Context, id string) error {
		go func() {
			defer close(ended)
			w.died = Run(context.Background(), w.deps, id)
		}()
		return nil
	}
	return func() { <-ended }
}

// confirming is a plan of a host that wants to be confirmed.
func confirming(t *testing.T, window string) *plan {
	return intent{files: []schema.File{file("/etc/x", "1")}, change: func(m *schema.Manifest) {
		m.Activation = schema.Activation{ConfirmWindow: window, KeepGenerations: 10}
	}}.plan(t)
}

func (c *client) confirm(id string, epoch int64) error {
	c.Head.Epoch = epoch
	_, err := call(c.caller, protocol.Confirm, protocol.ConfirmRequest{Transaction: id})
	return err
}

// begun begins a transaction and waits until it waits to be confirmed.
func (w *world) begun(p *plan) (c *client, id string, epoch int64) {
	w.t.Helper()
	c = w.connect()
	c.mustPrepare(p)
	if err := c.send(p, p.part.Manifest.PayloadDigests()); err != nil {
		w.t.Fatal(err)
	}
	epoch = c.Head.Epoch
	id, err := c.begin()
	if err != nil {
		w.t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		hello, err := w.second("r9").hello(p)
		if err != nil {
			w.t.Fatal(err)
		}
		if hello.Transaction != nil && hello.Transaction.State == protocol.Waits {
			if found := hello.Transaction; found.ID != id || found.Run != "r1" || found.Operator != "ann@desk" || hello.Unchanged {
				w.t.Errorf("found %+v", found)
			}
			return c, id, epoch
		}
		if time.Now().After(end) {
			w.t.Fatalf("it does not wait: %+v, %v", hello, w.died)
		}
	}
}

func TestConfirmation(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	ended := w.behind()
	p := confirming(t, "1m")
	first, id, epoch := w.begun(p)

	// Who may not confirm: the session that began it, another run, another epoch.
	wantRefusal(t, first.confirm(id, epoch), "this session began before the transaction "+id+" waited")
	wantRefusal(t, w.second("r2").confirm(id, epoch), "the transaction "+id+" belongs to run r1 in epoch 1, not to run r2 in epoch 1")
	wantRefusal(t, w.second("r1").confirm(id, epoch+1), "the transaction "+id+" belongs to run r1 in epoch 1, not to run r1 in epoch 2")
	// Nor can another run take the host meanwhile, be it after the lease.
	_, err := w.second("r2").prepare(p)
	if err == nil {
		t.Error("another run took the host")
	}
	if err := w.second("r1").confirm(id, epoch); err != nil {
		t.Fatal(err)
	}
	verdict, err := first.attach(id, 0)
	if err != nil || verdict.Outcome != protocol.Applied {
		t.Errorf("found %+v, %v", verdict, err)
	}
	ended()
	if w.read("/etc/x") != "1" {
		t.Error("the change is not there")
	}
	wantRefusal(t, w.second("r2").confirm("none", epoch), "there is no transaction none")
}

func TestWatching(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	ended := w.behind()
	p := confirming(t, "1m")
	_, id, epoch := w.begun(p)
	watched := make(chan *protocol.Verdict)
	watcher := w.second("r2")
	go func() {
		verdict, _ := watcher.attach("", 0) // the one at work, whatever its name
		watched <- verdict
	}()
	if err := w.second("r1").confirm(id, epoch); err != nil {
		t.Fatal(err)
	}
	verdict := <-watched
	ended()
	if verdict == nil || verdict.Transaction != id || len(verdict.Changes) != 1 {
		t.Fatalf("found %+v", verdict)
	}
	if len(watcher.events) != 1 || watcher.events[0].Object != "/etc/x" || watcher.numbers[0] != 1 {
		t.Errorf("it saw %v, %v", watcher.events, watcher.numbers)
	}
	for i, number := range watcher.numbers {
		if number != i+1 {
			t.Errorf("event %d has the number %d", i+1, number)
		}
	}
	// Attached again, nothing is told twice.
	later := w.second("r3")
	if _, err := later.attach(id, watcher.numbers[2]); err != nil || len(later.numbers) != len(watcher.numbers)-3 || later.numbers[0] != watcher.numbers[3] {
		t.Errorf("found %v, %v", later.numbers, err)
	}
	_, err := w.second("r4").attach("", 0)
	wantRefusal(t, err, "no transaction is at work on this host")
}
