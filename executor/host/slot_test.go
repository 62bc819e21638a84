package host

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/lease"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// slots makes a host that has been helped before, with a clock that a test moves.
func newSlotWorld(t testing.TB) (*world, *time.Duration) {
	w := newWorld(t)
	mkdir(w, "/var/lib/nixfleet", 0o755)
	return w, w.slowClock()
}

func slotOf(holder, length string) protocol.SlotRequest {
	return protocol.SlotRequest{Action: protocol.SlotTake, Key: "shop/web/1", Holder: holder, For: length}
}

func (c *client) slot(ask protocol.SlotRequest) (*protocol.SlotReply, error) {
	return call(c.caller, protocol.Slot, ask)
}

// slot asks in a session of its own.
func (w *world) slot(ask protocol.SlotRequest) protocol.SlotReply {
	w.t.Helper()
	reply, err := w.second("r7").slot(ask)
	if err != nil {
		w.t.Fatal(err)
	}
	return *reply
}

func (w *world) wantSlot(ask protocol.SlotRequest, want protocol.SlotReply) {
	w.t.Helper()
	if found := w.slot(ask); found != want {
		w.t.Errorf("%s %s: expected %+v, found %+v", ask.Holder, ask.Action, want, found)
	}
}

var granted = protocol.SlotReply{Granted: true}

func TestASlotIsOneHolders(t *testing.T) {
	w, now := newSlotWorld(t)
	first, second := slotOf("r1 web-1", "10m"), slotOf("r2 web-2", "10m")
	w.wantSlot(first, granted)
	w.wantSlot(first, granted) // the reply was lost
	*now += 9 * time.Minute
	w.wantSlot(second, protocol.SlotReply{Holder: "r1 web-1", Operator: "ann@desk", For: "1m1s"})
	w.wantSlot(first, granted)
	*now += 9 * time.Minute
	w.wantSlot(second, protocol.SlotReply{Holder: "r1 web-1", Operator: "ann@desk", For: "1m1s"})
	second.Action = protocol.SlotRelease
	w.wantSlot(second, protocol.SlotReply{Holder: "r1 web-1", Operator: "ann@desk", For: "1m1s"})
	first.Action = protocol.SlotRelease
	w.wantSlot(first, protocol.SlotReply{})
	w.wantSlot(first, protocol.SlotReply{})
	second.Action = protocol.SlotTake
	w.wantSlot(second, granted)
}

func TestASlotRunsOut(t *testing.T) {
	w, now := newSlotWorld(t)
	w.wantSlot(slotOf("r1 web-1", "10m"), granted)
	*now += 10*time.Minute + 1
	w.wantSlot(slotOf("r2 web-2", "10m"), granted)
	other := slotOf("r3 web-3", "1m")
	other.Key = "shop/web/2"
	w.wantSlot(other, granted)
	*now += time.Hour
	third := slotOf("r4 web-4", "1m")
	third.Key = "shop/db/1"
	w.wantSlot(third, granted)
	if left, _ := filepath.Glob(w.at("/var/lib/nixfleet/slots/*")); len(left) != 1 {
		t.Errorf("slots that have run out are left: %v", left)
	}
}

// After a boot nobody knows how long the host was off.
func TestASlotOutlivesABoot(t *testing.T) {
	w, _ := newSlotWorld(t)
	w.wantSlot(slotOf("r1 web-1", "10m"), granted)
	now := 9 * time.Minute
	w.deps.Clock = lease.Clock{Boot: "b2", Now: func() time.Duration { return now }}
	w.wantSlot(slotOf("r2 web-2", "10m"), protocol.SlotReply{Holder: "r1 web-1", Operator: "ann@desk", For: "1m1s"})
	w.deps.Clock.Began = 5 * time.Minute // within a kernel that others share
	w.wantSlot(slotOf("r2 web-2", "10m"), protocol.SlotReply{Holder: "r1 web-1", Operator: "ann@desk", For: "6m1s"})
	now = 15 * time.Minute
	w.wantSlot(slotOf("r2 web-2", "10m"), granted)
}

// Whoever holds the host, and whatever happens on it, slots are kept.
func TestSlotsNeedNoLease(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	p := intent{files: []schema.File{file("/etc/x", "1")}}.plan(t)
	c := w.connect()
	c.mustPrepare(p)
	if err := c.send(p, p.part.Manifest.PayloadDigests()); err != nil {
		t.Fatal(err)
	}
	asked := false
	w.happens("before write state.json", func() {
		asked = true
		w.wantSlot(slotOf("r2 web-1", "10m"), granted)
	})
	if _, err := c.apply(); err != nil || !asked {
		t.Errorf("found %v, %v", err, asked)
	}
	// In a session that goes on it does not come between.
	if reply, err := c.slot(slotOf("r2 web-1", "10m")); err != nil || !reply.Granted {
		t.Errorf("found %+v, %v", reply, err)
	}
	if _, err := c.prepare(p); err != nil {
		t.Error(err)
	}
}

func TestManyWantOneSlot(t *testing.T) {
	w, _ := newSlotWorld(t)
	var group sync.WaitGroup
	replies := make([]*protocol.SlotReply, 8)
	for i := range replies {
		c := w.second(fmt.Sprint("r", i))
		group.Go(func() {
			reply, err := c.slot(slotOf(fmt.Sprint("r", i, " web-1"), "10m"))
			if err != nil {
				t.Error(err)
				return
			}
			replies[i] = reply
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	won, holder := 0, ""
	for i, reply := range replies {
		if reply.Granted {
			won, holder = won+1, fmt.Sprint("r", i, " web-1")
		}
	}
	for i, reply := range replies {
		if !reply.Granted && reply.Holder != holder {
			t.Errorf("%d is told of %+v, and %s has it", i, reply, holder)
		}
	}
	if won != 1 {
		t.Errorf("%d have it", won)
	}
}

func TestSlotsThatAreRefused(t *testing.T) {
	w, _ := newSlotWorld(t)
	for _, c := range []struct {
		change func(*protocol.Request, *protocol.SlotRequest)
		want   autogold.Value
	}{
		{func(_ *protocol.Request, s *protocol.SlotRequest) { s.Key = "" }, autogold.Expect(`protocol: "" is no key of a slot: expected 1 to 300 characters that can be printed`)},
		{func(_ *protocol.Request, s *protocol.SlotRequest) { s.Holder = "r1\nweb" }, autogold.Expect(`protocol: "r1\nweb" is no holder of a slot: expected 1 to 300 characters that can be printed`)},
		{func(r *protocol.Request, _ *protocol.SlotRequest) { r.Operator = "ann\x07" }, autogold.Expect(`protocol: "ann\a" is no operator of a slot: expected 1 to 300 characters that can be printed`)},
		{func(_ *protocol.Request, s *protocol.SlotRequest) { s.For = "25h" }, autogold.Expect(`protocol: expected a slot to be asked for more than 0s and up to 24h0m0s, found "25h"`)},
		{func(_ *protocol.Request, s *protocol.SlotRequest) { s.For = "0s" }, autogold.Expect(`protocol: expected a slot to be asked for more than 0s and up to 24h0m0s, found "0s"`)},
		{func(_ *protocol.Request, s *protocol.SlotRequest) { s.For = "" }, autogold.Expect(`protocol: expected a slot to be asked for more than 0s and up to 24h0m0s, found ""`)},
		{func(_ *protocol.Request, s *protocol.SlotRequest) { s.Action = "steal" }, autogold.Expect(`protocol: expected to take or release a slot, found "steal"`)},
	} {
		ask := slotOf("r1 web-1", "10m")
		client := w.connect()
		c.change(&client.Head, &ask)
		_, err := client.slot(ask)
		reported, _ := err.(*protocol.Error)
		if reported == nil {
			t.Fatalf("%+v was not refused: %v", ask, err)
		}
		c.want.Equal(t, string(reported.Kind)+": "+schema.InFull(reported))
	}
	w.deps.Clock.Boot = lease.UnknownBoot
	_, err := w.connect().slot(slotOf("r1 web-1", "10m"))
	wantRefusal(t, err, "the host cannot keep slots: it does not tell one boot from another")
	if w.exists("/var/lib/nixfleet/slots") {
		t.Error("something was kept")
	}
}

// On a full disk nothing is granted, what was granted stays, and it can be given back.
func TestSlotsOnAFullDisk(t *testing.T) {
	needRoot(t)
	w, now := newSlotWorld(t)
	dir := w.at("/var/lib/nixfleet")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	w.wantSlot(slotOf("r1 web-1", "10m"), granted)
	if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	*now += time.Minute
	other := slotOf("r2 web-2", "10m")
	other.Key = "shop/web/2"
	for _, ask := range []protocol.SlotRequest{other, slotOf("r1 web-1", "10m")} {
		_, err := w.connect().slot(ask)
		wantRefusal(t, err, "cannot keep a slot: ")
		if err == nil || !strings.HasSuffix(err.Error(), "no space left on device") {
			t.Error(err)
		}
	}
	w.wantSlot(slotOf("r3 web-3", "10m"), protocol.SlotReply{Holder: "r1 web-1", Operator: "ann@desk", For: "9m1s"})
	if left, _ := filepath.Glob(dir + "/slots/*"); len(left) != 1 {
		t.Errorf("something is left: %v", left)
	}
	back := slotOf("r1 web-1", "")
	back.Action = protocol.SlotRelease
	w.wantSlot(back, protocol.SlotReply{})
}

func TestASpoiltSlotIsNobodys(t *testing.T) {
	w, _ := newSlotWorld(t)
	w.wantSlot(slotOf("r1 web-1", "10m"), granted)
	files, _ := filepath.Glob(w.at("/var/lib/nixfleet/slots/*"))
	if err := os.WriteFile(files[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := w.connect().slot(slotOf("r1 web-1", "10m"))
	wantRefusal(t, err, "cannot read the slot "+files[0])
	other := slotOf("r1 web-1", "10m")
	other.Key = "shop/web/2"
	w.wantSlot(other, granted)
}

// A host that leaves its fleet keeps no slots, also not for who asks while it goes.
func TestALeftHostKeepsNoSlots(t *testing.T) {
	needRoot(t)
	w := newReleaseWorld(t)
	w.mustExecute(managed())
	w.wantSlot(slotOf("r2 web-1", "10m"), granted)
	late := w.second("r2")
	done := make(chan error, 1)
	release := false
	w.happens("before remove slots", func() {
		release = true
		go func() {
			_, err := late.slot(slotOf("r2 web-2", "10m"))
			done <- err
		}()
		time.Sleep(20 * time.Millisecond)
	})
	if err := w.release(); err != nil || !release {
		t.Fatal(err, release)
	}
	wantRefusal(t, <-done, "cannot lock the slots: ")
	if w.exists("/var/lib/nixfleet") {
		t.Error("the directory is there again")
	}
	_, err := w.connect().slot(slotOf("r2 web-1", "10m"))
	wantRefusal(t, err, "cannot lock the slots: open "+w.at("/var/lib/nixfleet"))
}

// Wherever the helper is killed or the power cut, a slot that was granted is held, one
// that was given back is free, and the holder can go on.
func TestSlotsSurviveACrashAtEveryEffect(t *testing.T) {
	needRoot(t)
	base, _ := newSlotWorld(t)
	stale := slotOf("r0 web-9", "1m")
	stale.Key = "shop/web/9"
	base.wantSlot(stale, granted)
	base.deps.Clock.Now = func() time.Duration { return 2 * time.Hour }
	mine, theirs := slotOf("r1 web-1", "10m"), slotOf("r2 web-2", "10m")
	give := mine
	give.Action = protocol.SlotRelease
	counted := base.clone()
	c := counted.arm(&crash{})
	counted.askSlots(mine, mine, give)
	if c.count < 8 {
		t.Fatalf("only %d points were seen", c.count)
	}
	for n := 1; n <= c.count; n++ {
		what := fmt.Sprintf("point %d, %s", n, c.points[n-1])
		for _, lose := range []func(*disk){nil, func(*disk) {}, func(d *disk) { d.forgetSome(rand.New(rand.NewPCG(uint64(n), 3))) }} {
			w := base.clone()
			crash := w.arm(&crash{at: n})
			if lose != nil {
				crash.disk = newDisk(t, w.root, newInodes(t))
			}
			answered := w.askSlots(mine, mine, give)
			w.heal()
			if lose != nil {
				lose(crash.disk)
				crash.disk.cut()
			}
			found := w.slot(theirs)
			if giving := answered == 2; answered > 0 && !giving && found.Granted {
				t.Errorf("%s: a slot is granted twice", what)
			}
			if !found.Granted {
				w.wantSlot(mine, granted)
				w.wantSlot(give, protocol.SlotReply{})
				w.wantSlot(theirs, granted)
			}
			if left, _ := filepath.Glob(w.at("/var/lib/nixfleet/slots/*")); len(left) != 1 {
				t.Errorf("%s: something is left: %v", what, left)
			}
			if t.Failed() {
				t.FailNow()
			}
			os.RemoveAll(w.root)
		}
	}
}

// askSlots asks up to the first that is not answered, and returns how many were.
func (w *world) askSlots(asks ...protocol.SlotRequest) (answered int) {
	w.t.Helper()
	defer w.hangUp()
	for _, ask := range asks {
		if _, err := w.connect().slot(ask); err != nil {
			return answered
		}
		answered++
	}
	return answered
}
