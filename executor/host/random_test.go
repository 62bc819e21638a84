package host

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/schema"
)

// histories is how many random histories are played.
const histories = 200

// TestRandomHistories takes hosts through random intents, edits by hand and
// rollbacks to generations before, with crashes and failures in between. The model
// is simple: whatever the history, the host is what it was, or what a fresh host
// would be with the intent at hand, as the verdict says; and in the end, when the
// intent lets go of everything, what it was in the beginning.
func TestRandomHistories(t *testing.T) {
	needRoot(t)
	for part := range uint64(8) {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			for seed := part; seed < histories; seed += 8 {
				h := &history{world: newHistoryWorld(t), seed: seed, random: rand.New(rand.NewPCG(seed, 0)), fresh: map[schema.Digest]string{}}
				h.play()
				os.RemoveAll(h.root)
			}
		})
	}
}

// history is a host with its past.
type history struct {
	*world
	seed   uint64
	random *rand.Rand
	past   []intent
	now    intent                   // what the host is by now
	fresh  map[schema.Digest]string // what a host without a past is, by manifest
}

func (h *history) play() {
	h.t.Helper()
	before := h.managed()
	for step := range 5 {
		i := randomIntent(h.random)
		if len(h.past) > 0 && h.random.IntN(3) == 0 {
			i = h.past[h.random.IntN(len(h.past))] // a rollback is a transaction like any other
		}
		what := fmt.Sprintf("history %d, step %d", h.seed, step)
		if h.random.IntN(4) == 0 {
			h.edit()
		}
		if h.random.IntN(2) == 0 {
			h.interruptOnce(what, i)
		} else {
			h.mustTransact(what, i)
		}
	}
	h.mustTransact("in the end", intent{})
	if after := withoutGenerations(h.managed()); after != withoutGenerations(before) {
		h.t.Errorf("history %d: let go, the host is another:\n%s", h.seed, difference(before, after))
	}
}

// edit changes a file of ours by hand.
func (h *history) edit() {
	for _, f := range h.now.files {
		if f.Symlink == "" {
			h.write(f.Path, "by hand", 0o666)
			return
		}
	}
}

func (h *history) mustTransact(what string, i intent) {
	h.t.Helper()
	tally.runs.Add(1)
	verdict, err := h.transact(i.plan(h.t))
	if err != nil || verdict.Outcome != transaction.Applied && verdict.Outcome != transaction.Unchanged {
		h.t.Fatalf("%s: %+v, %v", what, verdict, err)
	}
	h.now = i
	h.past = append(h.past, i)
	h.mustBeFresh(what)
}

// mustBeFresh compares with a host that has no past.
func (h *history) mustBeFresh(what string) {
	h.t.Helper()
	p := h.now.plan(h.t)
	want, known := h.fresh[p.manifest()]
	if !known {
		fresh := newHistoryWorld(h.t)
		defer os.RemoveAll(fresh.root)
		if verdict, err := fresh.transact(p); err != nil {
			h.t.Fatalf("%s: %+v, %v", what, verdict, err)
		}
		want = withoutGenerations(fresh.managed())
		h.fresh[p.manifest()] = want
	}
	root := h.image()
	if found := withoutGenerations(h.describe(root)); found != want {
		h.t.Fatalf("%s: a fresh host is another:\n%s", what, difference(want, found))
	}
	h.mustBeSweptIn(root)
}

// interruptOnce begins a transaction that fails, is killed, or loses its host's power.
func (h *history) interruptOnce(what string, i intent) {
	h.t.Helper()
	how := interruptions[h.random.IntN(len(interruptions))]
	n := 1 + h.random.IntN(120)
	what = fmt.Sprintf("%s, %s at %d", what, how.name, n)
	tally.runs.Add(1)
	old := h.managed()
	c := h.interruptAt(n, how)
	verdict, err := h.transact(i.plan(h.t))
	h.heal()
	if how.cut {
		old = "" // a host that boots starts what is enabled, and no more
	}
	found := &verdict
	if err != nil || how.cut {
		if found, err = h.comeBack(how, c, n); err != nil {
			h.t.Fatalf("%s: %v", what, err)
		}
	}
	if found == nil {
		found = h.lastVerdict()
	}
	switch {
	case found != nil && (found.Outcome == transaction.Applied || found.Outcome == transaction.Unchanged):
		h.now = i
		h.past = append(h.past, i)
	case found != nil && found.Outcome == transaction.Failed:
		h.t.Fatalf("%s: %+v", what, found)
	case old != "" && h.managed() != old:
		h.t.Fatalf("%s: the host is not what it was (%+v):\n%s", what, found, difference(old, h.managed()))
	}
	// What is left of an account, an edit, or a unit that a boot has not started, the
	// next execution sees to.
	h.mustTransact(what+", executed again", h.now)
}

func (h *history) interruptAt(n int, how interruption) *crash {
	c := &crash{at: n, once: how.once}
	if how.keep != nil {
		c.disk = newDisk(h.t, h.root, newInodes(h.t))
	}
	return h.arm(c)
}

func (h *history) comeBack(how interruption, c *crash, n int) (*transaction.Verdict, error) {
	if !how.cut {
		return h.recover(false)
	}
	if c.disk != nil {
		how.keep(c.disk, n)
		c.disk.cut()
		os.RemoveAll(c.disk.inodes.dir)
	}
	return h.boot(how.early)
}

func newHistoryWorld(t testing.TB) *world {
	w := newWorld(t)
	w.write("/etc/a", "theirs", 0o640)
	mkdir(w, "/etc/d", 0o711)
	link(w, "/nowhere", "/etc/l")
	return w
}

// randomIntent picks from few paths, so that kinds change and originals are met.
func randomIntent(random *rand.Rand) intent {
	var i intent
	number := func(n int) *int { return &n }
	owner := schema.AccountName("root")
	if random.IntN(2) == 0 {
		i.groups = append(i.groups, schema.Group{Name: "web", GID: number(700)})
		if random.IntN(2) == 0 {
			u := user("web")
			u.UID = number(700)
			u.Shell = []string{"/bin/sh", "/usr/sbin/nologin"}[random.IntN(2)]
			i.users, owner = append(i.users, u), "web"
		}
	}
	taken := map[string]bool{}
	for _, path := range []string{"/etc/a", "/etc/d", "/etc/l", "/etc/d/x", "/etc/n", "/etc/n/y", "/etc/n/y/z", "/srv/s/t"} {
		above := taken["/etc/d"] && path == "/etc/d/x" || taken["/etc/n"] && len(path) > 6 && path[:6] == "/etc/n" || taken["/etc/n/y"] && path == "/etc/n/y/z"
		mode := []schema.Mode{"0600", "0644", "0755"}[random.IntN(3)]
		switch choice := random.IntN(5); {
		case above:
		case choice == 0 && path != "/etc/a" && path != "/etc/l":
			i.directories = append(i.directories, schema.Directory{Path: path, Mode: mode, Owner: owner, Group: "root", Adopt: true})
		case choice == 1 && path != "/etc/d":
			taken[path] = true
			i.files = append(i.files, schema.File{Path: path, Symlink: "/target/" + string(mode), Mode: "0644", Owner: "root", Group: "root", Adopt: true})
		case choice == 2 && path != "/etc/d":
			taken[path] = true
			i.files = append(i.files, schema.File{Path: path, Payload: schema.Digest(mode), Mode: mode, Owner: owner, Group: "root", Adopt: true})
		}
	}
	for _, name := range []schema.UnitName{"one.service", "two.service"} {
		if random.IntN(2) == 0 {
			u := service(name, fmt.Sprintf("# %d\nExecStart=run\n", random.IntN(3)))
			u.OnChange = []schema.OnChange{schema.StopStart, schema.Restart}[random.IntN(2)]
			i.units = append(i.units, u)
		}
	}
	for _, name := range []schema.PackageName{"docker.io", "libc6", "nginx"} { // the first one is held by others
		if random.IntN(3) == 0 {
			i.holds = append(i.holds, name)
		}
	}
	return i
}
