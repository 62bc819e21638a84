package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

var (
	vendorUnits = []schema.UnitName{"vendor.timer", "vendor.service"}
	vendorRE    = regexp.MustCompile(`(?m)^vendor\..*\n`)
)

var errCrash = errors.New("the helper was killed")

// crashAt lets everything fail from the nth effect on, as if the helper had been
// killed there: it can do nothing any more, not even say so. With n = 0 it only counts.
func (w *world) crashAt(n int) (count *int) {
	count = new(int)
	w.deps.Fault = func(string) error {
		*count++
		if n > 0 && *count >= n {
			return errCrash
		}
		return nil
	}
	w.systemd.fault = w.deps.Fault
	return count
}

func (w *world) heal() {
	w.deps.Fault, w.systemd.fault = nil, nil
}

// scenario is an apply that is interrupted, on a host that was brought somewhere before.
type scenario struct {
	name   string
	before []intent
	apply  intent
	// retreat is another intent, to which the interrupted host must be able to go as well.
	retreat intent
}

func scenarios() []scenario {
	full := webHost()
	full.closure = closure()
	full.files = append(full.files, source("/etc/deep/er/conf", string(topPath)+"/etc/conf"),
		schema.File{Path: "/etc/motd", Payload: "ours", Mode: "0600", Owner: "web", Group: "web", Adopt: true})
	full.masks = []schema.UnitName{"vendor.timer", "worker@.service"}
	full.users[0].ExtraGroups = []schema.AccountName{"staff"}

	edited := webHost()
	edited.files[0].Payload = "port 9090\n"
	edited.files[1] = file("/etc/web/current", "no link any more")
	edited.units[0].Payload = "# 2\nExecStart=run\n"
	edited.units = append(edited.units, service("second.service", "# s\nExecStart=run\n"))
	edited.masks = []schema.UnitName{"vendor.service", "vendor.timer"}
	edited.directories[0].Mode = "0700"
	edited.users[0].Shell = "/bin/sh"
	return []scenario{
		{"first apply", nil, full, intent{}},
		{"change", []intent{full}, edited, full},
		{"removal", []intent{full}, intent{}, full},
	}
}

// TestCrashAtEveryEffect kills the helper before and after every effect of each
// scenario. Then the same plan, or another, must go through without a refusal, and
// must leave the host just as if nothing had happened.
func TestCrashAtEveryEffect(t *testing.T) {
	needRoot(t)
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			prepare := func() *world {
				w := newWorld(t)
				w.install()
				w.write("/etc/motd", "theirs", 0o664)
				for _, name := range vendorUnits {
					w.write("/usr/lib/systemd/system/"+string(name), "ExecStart=run", 0o644)
					w.systemd.start(name, unit.Start)
				}
				for _, i := range s.before {
					w.mustExecute(i)
				}
				return w
			}
			reference := prepare()
			total := reference.crashAt(0)
			reference.mustExecute(s.apply)
			reference.heal()
			want := reference.snapshot()
			reference.mustExecute(s.retreat)
			wantRetreat := reference.snapshot()

			if *total < 20 {
				t.Fatalf("only %d effects were seen", *total)
			}
			for n := 1; n <= *total; n++ {
				for _, retreat := range []bool{false, true}[:1+n%2] { // either, or both every second time
					goal, want := s.apply, want
					if retreat {
						goal, want = s.retreat, wantRetreat
					}
					w := prepare()
					w.crashAt(n)
					if _, err := w.execute(s.apply.plan(t)); err == nil {
						continue // it was over: only cleaning up or nothing was left
					}
					w.hangUp()
					w.heal()
					if retreat { // a mask that goes starts nothing, so what ran depends on when it came
						for _, name := range vendorUnits {
							delete(w.systemd.state, name)
						}
						want = vendorRE.ReplaceAllString(want, "")
					}
					w.recoverTo(fmt.Sprintf("crash %d, retreat %v", n, retreat), goal, want)
					w.hangUp()
					os.RemoveAll(w.root)
				}
			}
			t.Logf("%d effects", *total)
		})
	}
}

// recoverTo executes after a crash and compares with what an undisturbed host is.
// Numbers of generations and of accounts may differ: a number that was given out
// before the crash is not given out again.
func (w *world) recoverTo(what string, goal intent, want string) {
	w.t.Helper()
	if _, err := w.execute(goal.plan(w.t)); err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	w.mustBeUnchanged(goal)
	w.mustBeClean()
	if found := withoutGenerations(w.snapshot()); found != withoutGenerations(want) {
		w.t.Fatalf("%s: expected\n%s\nfound\n%s", what, want, found)
	}
	if err := filepath.WalkDir(w.at("/nix/var/nix/gcroots"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			w.t.Errorf("%s: %s is left", what, path)
		}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
}
