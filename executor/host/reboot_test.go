package host

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/lease"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

func (c *client) reboot(boot string) (*protocol.RebootReply, error) {
	return call(c.caller, protocol.Reboot, protocol.RebootRequest{Boot: boot})
}

// reboots is how often the host was told to reboot.
func (w *world) reboots() (n int) {
	for _, line := range w.systemd.log {
		if line == "reboot" {
			n++
		}
	}
	return n
}

// history returns the lines of the kind "reboot".
func (w *world) rebootLines() (lines []schema.HistoryEntry) {
	w.t.Helper()
	reply, err := call(w.second("r9").caller, protocol.History, protocol.HistoryRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(reply.Entries, func(e schema.HistoryEntry) bool { return e.Kind != "reboot" })
}

// nextBoot is what the host is after it has gone down.
func (w *world) nextBoot() {
	w.hangUp()
	w.systemd.boot()
	w.deps.Clock = lease.Clock{Boot: "b2", Now: func() time.Duration { return 20 * time.Second }}
}

func TestAskingReboots(t *testing.T) {
	w := newWorld(t)
	now := w.slowClock()
	w.deps.Clock.Began = *now - 90*time.Second
	w.write("/run/reboot-required", "", 0o644)
	w.write("/run/reboot-required.pkgs", "linux-image\nlibc6\n", 0o644)
	for _, name := range []schema.UnitName{"web.service", "db.service", "nixfleet-task-r4.service"} {
		w.systemd.state[name] = unitFailed
	}
	reply, err := w.connect().reboot("")
	if err != nil {
		t.Fatal(err)
	}
	if reply.Boot != "b1" || reply.Uptime != 90*time.Second || reply.Going || reply.Starting ||
		!slices.Equal(reply.State.Because, []string{"libc6", "linux-image"}) || !slices.Equal(reply.Failed, []schema.UnitName{"db.service", "web.service"}) {
		t.Errorf("found %+v", reply)
	}
	w.booting = true
	if reply, err := w.client.reboot(""); err != nil || !reply.Starting {
		t.Errorf("found %+v, %v", reply, err)
	}
	if w.reboots() > 0 || w.exists("/var/lib/nixfleet") {
		t.Error("asking did something")
	}
}

func TestARebootEndsOneBoot(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.slowClock()
	w.mustExecute(webHost())
	reply, err := w.connect().reboot("b1")
	if err != nil || !reply.Going || w.reboots() != 1 {
		t.Fatalf("found %+v, %v", reply, err)
	}
	if _, err := w.client.reboot(""); err == nil {
		t.Error("the session goes on")
	}
	// Until the host is down nobody else begins anything.
	w.hangUp()
	_, err = w.second("r2").reboot("b1")
	wantRefusal(t, err, "locked by run r1")
	// The reply was lost; the host has not gone down yet.
	if reply, err := w.second("r1").reboot("b1"); err != nil || !reply.Going {
		t.Errorf("found %+v, %v", reply, err)
	}
	w.nextBoot()
	before := w.reboots()
	reply, err = w.second("r1").reboot("b1")
	if err != nil || reply.Going || reply.Boot != "b2" || w.reboots() != before {
		t.Errorf("it rebooted twice: %+v, %v", reply, err)
	}
	if holder := leasesOf(w.deps).Holder(); holder != nil {
		t.Errorf("the lease outlives the boot: %+v", holder)
	}
	lines := w.rebootLines()
	if len(lines) != 1 {
		t.Fatalf("found %+v", lines)
	}
	line := lines[0]
	if line.Boot != "b1" || line.Run != "r1" || line.Operator != "ann@desk" || line.Verdict != "asked" || line.Generation != 1 || line.Transaction != "" || line.Manifest != webHost().plan(t).manifest() {
		t.Errorf("found %+v", line)
	}
	// A change after it is not taken for one that was told of.
	w.mustExecute(intent{})
	if len(w.rebootLines()) != 1 {
		t.Error("the line has gone")
	}
}

// With the epoch of a session before, as after a change, the host goes down as well.
func TestARebootWithTheRunsLease(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	now := w.slowClock()
	p := webHost().plan(t)
	w.mustExecute(webHost())
	c := w.connect()
	c.mustPrepare(p)
	next := w.second("r1")
	next.Head.Epoch = c.Head.Epoch
	if reply, err := next.reboot("b1"); err != nil || !reply.Going {
		t.Fatalf("found %+v, %v", reply, err)
	}
	if holder := leasesOf(w.deps).Holder(); holder == nil || holder.Epoch != c.Head.Epoch {
		t.Errorf("the lease was given back: %+v", holder)
	}
	// One that lost the host to another does nothing.
	*now += lease.Length + 1
	w.second("r2").mustPrepare(p)
	late := w.second("r1")
	late.Head.Epoch = c.Head.Epoch
	_, err := late.reboot("b1")
	wantRefusal(t, err, "the lease of run r1 on this host ended")
	if w.reboots() != 1 {
		t.Errorf("%d reboots", w.reboots())
	}
}

func TestTwoRebootsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.slowClock()
	var group sync.WaitGroup
	var mu sync.Mutex
	going := map[string]bool{}
	for _, run := range []string{"r1", "r2", "r3"} {
		c := w.second(run)
		group.Go(func() {
			reply, err := c.reboot("b1")
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				wantRefusal(t, err, "locked by run ")
				return
			}
			going[run] = reply.Going
		})
	}
	group.Wait()
	if len(going) != 1 || w.reboots() != 1 || len(w.rebootLines()) != 1 {
		t.Errorf("found %v, %d reboots", going, w.reboots())
	}
}

func TestRebootsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.slowClock()
	refusal := func(want autogold.Value) {
		t.Helper()
		_, err := w.connect().reboot(w.deps.Clock.Boot)
		w.hangUp()
		reported, _ := err.(*protocol.Error)
		if reported == nil {
			t.Fatalf("it was not refused: %v", err)
		}
		want.Equal(t, string(reported.Kind)+": "+schema.InFull(reported))
		if holder := leasesOf(w.deps).Holder(); holder != nil {
			t.Errorf("the host is held by %+v", holder)
		}
	}
	w.deps.Inhibitors = func(context.Context) ([]unit.Inhibitor, error) {
		return []unit.Inhibitor{{Who: "APT", Why: "APT is installing or removing packages", PID: 77}}, nil
	}
	refusal(autogold.Expect(`refused: the host must not go down now, says APT (process 77): APT is installing or removing packages
hint: wait for its end, or end it; on the host: systemd-inhibit --list`))
	w.deps.Inhibitors = func(context.Context) ([]unit.Inhibitor, error) { return nil, nil }
	w.deps.Reboot = func(context.Context) error {
		return &unit.RefusedError{Reason: "Transaction for reboot.target/start is destructive (poweroff.target has 'start' job queued)."}
	}
	refusal(autogold.Expect(`refused: the host is not rebooted: systemd does not do it: Transaction for reboot.target/start is destructive (poweroff.target has 'start' job queued).
hint: on the host: systemctl list-jobs`))
	w.deps.Reboot = w.systemd.Reboot
	w.deps.Clock.Boot = lease.UnknownBoot
	refusal(autogold.Expect(`refused: the host is not rebooted: it does not tell one boot from another
hint: on the host: cat /proc/sys/kernel/random/boot_id`))
	w.systemd.hangs = true
	_, err := w.connect().reboot("b1")
	wantRefusal(t, err, "cannot ask systemd")
	if w.reboots() > 0 {
		t.Error("the host was rebooted")
	}
}

// Where nobody knows whether the reboot was heard, it counts as one: the boot will show.
func TestARebootThatMayCome(t *testing.T) {
	w := newWorld(t)
	w.slowClock()
	w.deps.Inhibitors = func(context.Context) ([]unit.Inhibitor, error) { return nil, errors.New("the bus hangs") }
	w.deps.Reboot = func(context.Context) error { return errors.New("the connection was cut") }
	c := w.connect()
	reply, err := c.reboot("b1")
	if err != nil || !reply.Going {
		t.Errorf("found %+v, %v", reply, err)
	}
	autogold.Expect([]string{
		"the bus hangs; it is rebooted all the same",
		"the reboot was asked for, and systemd did not answer: the connection was cut",
	}).Equal(t, c.notes)
}

// A change that was interrupted is undone first; one that cannot be keeps the host from
// going down.
func TestARebootComesAfterAChange(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(webHost())
	next := webHost()
	next.files[0].Payload = "port 9090\n"
	w.crashAt(60)
	if _, err := w.execute(next.plan(t)); err == nil {
		t.Fatal("nothing was interrupted")
	}
	epoch := w.client.Head.Epoch
	w.hangUp()
	w.heal()
	if mustUnfinished(t, w) == nil {
		t.Fatal("nothing was interrupted")
	}
	boot := w.deps.Clock.Boot
	rescue := w.deps.Rescue
	w.deps.Rescue = func(context.Context) error { return nil } // it does not succeed
	_, err := w.second("r1").reboot(boot)
	wantRefusal(t, err, "the transaction r1-")
	holder := w.second("r1")
	holder.Head.Epoch = epoch
	_, err = holder.reboot(boot)
	wantRefusal(t, err, "the transaction r1-")
	if w.reboots() > 0 {
		t.Fatal("the host was rebooted in the middle of a change")
	}
	w.deps.Rescue = rescue
	if reply, err := w.second("r1").reboot(boot); err != nil || !reply.Going || w.reboots() != 1 {
		t.Errorf("found %+v, %v", reply, err)
	}
	if mustUnfinished(t, w) != nil {
		t.Error("the change has not ended")
	}
}

// Wherever the helper is killed, asking again brings the host down once, and the history
// has one line.
func TestARebootCrashesAtEveryEffect(t *testing.T) {
	needRoot(t)
	base := newWorld(t)
	base.slowClock()
	base.mustExecute(webHost())
	base.hangUp()
	counted := base.clone()
	c := counted.arm(&crash{})
	if reply, err := counted.connect().reboot("b1"); err != nil || !reply.Going {
		t.Fatalf("found %+v, %v", reply, err)
	}
	counted.hangUp()
	if c.count < 6 {
		t.Fatalf("only %d points were seen", c.count)
	}
	for n := 1; n <= c.count; n++ {
		for _, cut := range []bool{false, true} {
			w := base.clone()
			crash := w.arm(&crash{at: n})
			if cut {
				crash.disk = newDisk(t, w.root, newInodes(t))
			}
			_, _ = w.connect().reboot("b1")
			w.hangUp()
			w.heal()
			done := w.reboots()
			if cut {
				crash.disk.cut()
			}
			if cut || done > 0 {
				w.nextBoot()
			}
			reply, err := w.second("r1").reboot("b1")
			if err != nil {
				t.Fatalf("%s: %v", c.points[n-1], err)
			}
			again := !cut && done == 0
			if reply.Going != again || w.reboots()-done > 1 {
				t.Errorf("%s: found %+v after %d reboots", c.points[n-1], reply, done)
			}
			lines := w.rebootLines()
			if rebooted := w.reboots() > 0; rebooted && len(lines) != 1 || len(lines) > 1 {
				t.Errorf("%s: %d lines after %d reboots", c.points[n-1], len(lines), w.reboots())
			}
		}
	}
}
