package host

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
)

// TestCrashWhileGoingBack interrupts transactions that have changed everything, and
// then their way back at every point: where the change failed, where recovery on
// contact is at work, and at boot, with what the disk has by then; and the second
// attempt at a random point once more. The host must be what it was.
func TestCrashWhileGoingBack(t *testing.T) {
	needRoot(t)
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := &wayBack{world: s.prepare(t), plan: s.goal.plan(t)}
			b.ends = s.ends(t, b.world)
			for _, how := range []interruption{
				{name: "failed"}, {name: "recovered on contact"},
				{name: "recovered at boot", cut: true, early: true, keep: func(*disk, int) {}},
			} {
				moments := b.moments(how)
				for i, m := range moments {
					b.play(fmt.Sprintf("%s, %s, crash %d, %s", s.name, how.name, i+1, m.point), how, m, i+1)
				}
				t.Logf("%s: %d points", how.name, len(moments))
			}
		})
	}
}

// wayBack is a transaction that is undone and crashes on the way.
type wayBack struct {
	*world
	plan *plan
	ends ends
}

// moments are what crashes on the way back leave, one for each point.
func (b *wayBack) moments(how interruption) []moment {
	b.t.Helper()
	contact := []interruption{{}}
	transact := func(h *world) { _, _ = h.transact(b.plan) }
	change := b.record(&crash{}, contact, transact)
	commit := slices.IndexFunc(change, func(m moment) bool { return m.point == "before write state.json" })
	if commit < 0 {
		b.t.Fatal("nothing was committed")
	}
	if how.name == "failed" {
		return b.record(&crash{at: commit + 1, once: true}, contact, transact)[commit+1:]
	}
	changed := b.restore(change[commit].roots[0], change[commit].systemd, change[commit].inodes)
	defer os.RemoveAll(changed.root)
	return changed.record(&crash{}, []interruption{how}, func(h *world) { _, _ = h.comeUp(how) })
}

// play goes back after a crash at the nth point, and after another one.
func (b *wayBack) play(what string, how interruption, m moment, n int) {
	b.t.Helper()
	tally.runs.Add(1)
	e := b.ends
	if how.cut {
		e.old = e.oldBoot
	}
	h := b.restore(m.roots[0], m.systemd, m.inodes)
	defer os.RemoveAll(h.root)
	random := rand.New(rand.NewPCG(uint64(n), 2))
	c := &crash{at: 1 + random.IntN(60)}
	if how.keep != nil {
		c.disk = newDisk(h.t, h.root, h.inodes)
	}
	h.arm(c)
	_, _ = h.comeUp(how)
	h.heal()
	if c.disk != nil {
		how.keep(c.disk, n)
		c.disk.cut()
	}
	found, err := h.comeUp(how)
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
	h.mustHaveEnded(what, found, ends{old: e.old, new: "none"})
	if n%8 == 0 && !how.cut {
		h.mustConverge(what, b.plan, e)
	}
}

// comeUp recovers the host, after a boot where the power was cut.
func (w *world) comeUp(how interruption) (*transaction.Verdict, error) {
	if how.cut {
		return w.boot(how.early)
	}
	return w.recover(false)
}
