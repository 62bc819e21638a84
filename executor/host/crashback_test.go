package host

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
)

// commitPoint returns the number of the point right before the state file is replaced.
func commitPoint(t testing.TB, w *world, p *plan) int {
	t.Helper()
	h := w.clone()
	defer os.RemoveAll(h.root)
	c := h.arm(&crash{})
	if _, err := h.transact(p); err != nil {
		t.Fatal(err)
	}
	at := slices.Index(c.points, "before write state.json") + 1
	if at == 0 {
		t.Fatal("nothing was committed")
	}
	return at
}

// TestCrashWhileGoingBack interrupts transactions that have changed everything, and
// then their way back at every point: where the change failed, where recovery on
// contact is at work, and at boot, with what the disk has by then; and the second
// attempt at a random point once more. The host must be what it was.
func TestCrashWhileGoingBack(t *testing.T) {
	needRoot(t)
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := s.prepare(t)
			e := s.ends(t, w)
			p := s.goal.plan(t)
			commit := commitPoint(t, w, p)
			for _, how := range []interruption{
				{name: "failed"}, {name: "recovered on contact"},
				{name: "recovered at boot", cut: true, early: true, keep: func(*disk, int) {}},
			} {
				total := 1
				for n := 1; n <= total; n++ {
					b := &wayBack{world: w.clone(), what: fmt.Sprintf("%s, %s, crash %d", s.name, how.name, n), plan: p, commit: commit, at: n,
						random: rand.New(rand.NewPCG(uint64(n), 2))}
					total = b.play(how, e)
					os.RemoveAll(b.root)
				}
				t.Logf("%s: %d points", how.name, total)
			}
		})
	}
}

// wayBack is a transaction that is undone and crashes on the way.
type wayBack struct {
	*world
	what       string
	plan       *plan
	commit, at int
	random     *rand.Rand
}

// play returns how many points the way back has.
func (b *wayBack) play(how interruption, e ends) (total int) {
	b.t.Helper()
	tally.runs.Add(1)
	if how.cut {
		e.old, e.new = e.oldBoot, e.newBoot
	}
	var c *crash
	if how.name == "failed" {
		c = b.arm(&crash{at: b.commit, once: true, then: b.commit + b.at})
		_, _ = b.transact(b.plan)
		c.count -= b.commit
	} else {
		b.arm(&crash{at: b.commit})
		_, _ = b.transact(b.plan)
		c = b.recoverOnce(how, b.at)
	}
	total = c.count
	if c.crashed {
		b.recoverOnce(how, 1+b.random.IntN(60))
	}
	found := b.recoverAll(how)
	b.mustHaveEnded(b.what, found, ends{old: e.old, new: "none"})
	if b.at%8 == 0 && !how.cut {
		b.mustConverge(b.what, b.plan, e)
	}
	return total
}

// recoverOnce recovers up to the nth point.
func (b *wayBack) recoverOnce(how interruption, n int) *crash {
	c := &crash{at: n}
	if how.keep != nil {
		c.disk = newDisk(b.t, b.root)
		defer os.RemoveAll(c.disk.grave)
	}
	b.arm(c)
	if how.cut {
		_, _ = b.boot(how.early)
	} else {
		_, _ = b.recover(false)
	}
	b.heal()
	if c.disk != nil {
		how.keep(c.disk, n)
		c.disk.cut()
	}
	return c
}

func (b *wayBack) recoverAll(how interruption) (found *transaction.Verdict) {
	b.t.Helper()
	b.heal()
	var err error
	if how.cut {
		found, err = b.boot(how.early)
	} else {
		found, err = b.recover(false)
	}
	if err != nil {
		b.t.Fatalf("%s: %v", b.what, err)
	}
	return found
}
