package host

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/recovery"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

var out = protocol.BackRequest{Release: true}

func (w *world) leave() (*protocol.LeaveReply, error) {
	w.t.Helper()
	defer w.hangUp()
	return call(w.join().caller, protocol.Leave, protocol.LeaveRequest{})
}

// release does what the executor does with one host.
func (w *world) release() error {
	w.t.Helper()
	if _, err := w.goBack(out); err != nil {
		w.hangUp()
		return err
	}
	_, err := w.leave()
	return err
}

// newReleaseWorld is a host with things to adopt.
func newReleaseWorld(t testing.TB) *world {
	w := newHistoryWorld(t)
	w.write("/nix/var/nix/gcroots/auto/keep", "", 0o644)
	w.write("/etc/systemd/system/sysinit.target.wants/theirs.service", "", 0o644)
	w.write("/etc/sysctl.d/theirs.conf", "theirs", 0o640)
	w.install()
	return w
}

// managed is something of every kind, adopted things among it.
func managed() intent {
	i := webHost()
	i.closure = closure()
	i.files = append(i.files,
		schema.File{Path: "/etc/sysctl.d/theirs.conf", Payload: "ours", Mode: "0644", Owner: "root", Group: "root", Adopt: true},
		schema.File{Path: "/etc/l", Symlink: "/elsewhere", Mode: "0644", Owner: "root", Group: "root", Adopt: true})
	i.directories = append(i.directories, schema.Directory{Path: "/etc/d", Mode: "0700", Owner: "root", Group: "root", Adopt: true})
	return i
}

func TestReleaseLeavesTheHostAsItWas(t *testing.T) {
	needRoot(t)
	w := newReleaseWorld(t)
	before := w.everything()
	w.mustExecute(managed())
	second := managed()
	second.files[0].Payload = "2"
	w.mustExecute(second)
	worker := w.worker()
	if err := recovery.Ensure(t.Context(), recovery.Host{Files: worker.files, Units: w.systemd}); err != nil { // as a begin does on a real host
		t.Fatal(err)
	}
	worker.close()

	verdict, err := w.goBack(out)
	if err != nil {
		t.Fatal(err)
	}
	autogold.Expect(`stop unit web.service (no longer declared)
remove unit web.service
give back file /etc/l
give back file /etc/sysctl.d/theirs.conf
remove file /etc/web/current
remove file /etc/web/web.conf
remove directory /var/lib/web
remove directory /etc/web
remove directory /etc/systemd/system/multi-user.target.wants
give back directory /etc/d (mode 0711)
remove user web (the home directory stays)
remove group web`).Equal(t, summary(verdict.Changes))
	left, err := w.leave()
	if err != nil {
		t.Fatal(err)
	}
	autogold.Expect(`remove profile /nix/var/nix/profiles/nixfleet/system
remove unit nixfleet-recover.service
remove directory /var/lib/nixfleet`).Equal(t, summary(left.Changes))
	if after := w.everything(); after != before {
		t.Errorf("released, the host is\n%s\nbut was\n%s", after, before)
	}
	if _, err := w.leave(); err != nil { // of a host that nothing was ever applied to
		t.Errorf("once more: %v", err)
	}
	w.mustExecute(managed()) // and it may come back
}

func TestWhatServicesWroteStays(t *testing.T) {
	needRoot(t)
	w := newReleaseWorld(t)
	w.mustExecute(managed())
	w.write("/var/lib/web/data", "precious", 0o600)
	c := w.join()
	if _, err := c.back(out); err != nil {
		t.Fatal(err)
	}
	autogold.Expect([]string{
		"the profile goes; the store paths stay until Nix collects its garbage",
		"the directory /var/lib/web stays: it is not empty",
	}).Equal(t, c.notes)
	if err := w.release(); err != nil {
		t.Fatal(err)
	}
	if w.read("/var/lib/web/data") != "precious" || w.exists("/var/lib/nixfleet") {
		t.Error("not what services wrote, and only that, stayed")
	}
}

// What people have edited is theirs, and stays when NixFleet goes.
func TestEditsStay(t *testing.T) {
	needRoot(t)
	w := newReleaseWorld(t)
	w.mustExecute(managed())
	w.write("/etc/web/web.conf", "by hand", 0o644)
	if err := w.release(); err != nil {
		t.Fatal(err)
	}
	kept := w.names("/var/lib/nixfleet-edits-r1")
	if w.exists("/var/lib/nixfleet") || len(kept) != 1 || w.read("/var/lib/nixfleet-edits-r1/"+kept[0]+"/etc/web/web.conf") != "by hand" {
		t.Errorf("kept: %v", kept)
	}
}

// A host is left only when nothing on it is managed any more.
func TestLeavingIsRefused(t *testing.T) {
	needRoot(t)
	w := newReleaseWorld(t)
	w.mustExecute(managed())
	_, err := w.leave()
	wantRefusal(t, err, "the host still has what is managed, ")
	w.mustBeUnchanged(managed())

	w.write("/etc/passwd", w.read("/etc/passwd")+"guest:x:901:"+w.gid("web")+"::/:/bin/sh\n", 0o644)
	text := w.backRefusal(out)
	autogold.Expect(`the host cannot be released: the group "web" stays: it is the primary group of user "guest"
hint: see to that on the host, then release it again`).Equal(t, text)
}

func (w *world) gid(group string) string {
	w.t.Helper()
	for line := range strings.Lines(w.read("/etc/group")) {
		if fields := strings.Split(line, ":"); fields[0] == group {
			return fields[2]
		}
	}
	w.t.Fatalf("there is no group %q", group)
	return ""
}

// TestGoingBackCrashesAtEveryEffect kills the helper at each effect of a release and
// of a rollback. At the next contact, or boot, the host is exactly old or new; and the
// same command, asked for again, ends as if nothing had happened.
func TestGoingBackCrashesAtEveryEffect(t *testing.T) {
	needRoot(t)
	second := managed()
	second.files[0].Payload, second.units[0].Payload = "2", "# 2\nExecStart=run\n"
	for _, c := range []struct {
		name string
		do   func(*world) error
	}{
		{"release", (*world).release},
		{"rollback", func(w *world) error {
			_, err := w.rollback("1")
			w.hangUp()
			return err
		}},
	} {
		prepared := newReleaseWorld(t)
		prepared.mustExecute(managed())
		prepared.mustExecute(second)
		prepared.hangUp()
		calm := prepared.twin(t)
		old := withoutGenerations(calm.snapshot())
		points := calm.arm(&crash{})
		if err := c.do(calm); err != nil {
			t.Fatal(err)
		}
		calm.heal()
		last, leaving := withoutGenerations(calm.snapshot()), slices.Index(points.points, "before remove /nix/var/nix/profiles/nixfleet/system")
		t.Logf("%s: %d points", c.name, points.count)
		for n := 1; n <= points.count; n++ {
			// The transaction itself is crashed at every point elsewhere.
			if (leaving < 0 || n < leaving) && n%4 != 0 {
				continue
			}
			boots := n%8 < 4
			t.Run(fmt.Sprintf("%s/%d %s", c.name, n, points.points[n-1]), func(t *testing.T) {
				t.Parallel()
				w := prepared.twin(t)
				w.crashAt(n)
				err := c.do(w)
				w.heal()
				if boots {
					w.systemd.boot()
					w.booting = true
				}
				if err := Recover(t.Context(), w.deps); err != nil {
					t.Fatal(err)
				}
				w.booting = false
				if found := withoutGenerations(w.snapshot()); found != old && found != last {
					t.Fatalf("neither old nor new after %v:\n%s", err, found)
				}
				if err := c.do(w); err != nil {
					t.Fatalf("once more: %v", err)
				}
				if found := withoutGenerations(w.snapshot()); found != last {
					t.Errorf("in the end the host is\n%s\nand not\n%s", found, last)
				}
				w.mustBeClean()
				if c.name == "release" && w.exists("/var/lib/nixfleet") {
					t.Errorf("left: %v", w.names("/var/lib/nixfleet"))
				}
			})
		}
	}
}

// twin returns the same host for another test, with processes of its own.
func (w *world) twin(t testing.TB) *world {
	c := w.clone()
	c.t = t
	c.deps.Start = func(ctx context.Context, id string) error {
		c.died = Run(ctx, c.deps, id)
		return nil
	}
	c.deps.Rescue = func(ctx context.Context) error { return Recover(ctx, c.deps) }
	c.deps.Booting = func(context.Context) (bool, error) { return c.booting, nil }
	t.Cleanup(c.hangUp)
	return c
}

// What a host does not keep any more is gone from its disk.
func TestWhatIsNotKeptIsGone(t *testing.T) {
	needRoot(t)
	w := newReleaseWorld(t)
	few := func(n int) intent {
		i := edition(n)
		i.closure = closure()
		i.change = func(m *schema.Manifest) { m.Activation.KeepGenerations = 3 }
		return i
	}
	for n := range 5 {
		w.mustExecute(few(n + 1))
	}
	w.mustRollback("4")
	if kept, links := w.names("/var/lib/nixfleet/generations"), w.names("/nix/var/nix/profiles/nixfleet"); !slices.Equal(kept, []string{"4", "5", "6"}) ||
		!slices.Equal(links, []string{"system", "system-4-link", "system-5-link", "system-6-link"}) {
		t.Errorf("kept: %v, %v", kept, links)
	}
	blobs := w.names("/var/lib/nixfleet/blobs")
	for n := range 5 {
		digest := strings.TrimPrefix(string(schema.DigestOf([]byte(fmt.Sprintf("edition %d\n", n+1)))), "sha256:")
		if kept := slices.Contains(blobs, digest); kept != (n+1 >= 4) {
			t.Errorf("the text of edition %d: kept %v", n+1, kept)
		}
	}
}
