package host

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

// TestRandomHistories takes hosts through random intents, with crashes in between.
// Whatever the history, the host is then what its last intent says, just as a
// fresh host is; and in the end, when the intent lets go of everything, what it
// was in the beginning.
func TestRandomHistories(t *testing.T) {
	needRoot(t)
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			w := newHistoryWorld(t)
			before := w.snapshot()
			for range 6 {
				i := randomIntent(random)
				if random.IntN(3) == 0 {
					w.crashAt(1 + random.IntN(60))
					_, _ = w.execute(i.plan(t))
					w.hangUp()
					w.heal()
					i = randomIntent(random)
				}
				w.mustExecute(i)
				w.mustBeUnchanged(i)
				w.mustBeClean()
				fresh := newHistoryWorld(t)
				fresh.mustExecute(i)
				if found, want := w.snapshot(), fresh.snapshot(); found != want {
					t.Fatalf("after its history the host is\n%s\nbut a fresh one\n%s", found, want)
				}
				fresh.hangUp()
			}
			w.mustExecute(intent{})
			if after := w.snapshot(); after != before {
				t.Errorf("let go, the host is\n%s\nbut was\n%s", after, before)
			}
		})
	}
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
	return i
}
