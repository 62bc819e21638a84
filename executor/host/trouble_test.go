package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hexops/autogold/v2"
	"golang.org/x/sys/unix"

	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/schema"
)

// happens lets something happen at a point, once.
func (w *world) happens(point string, do func()) {
	w.deps.Fault = func(p string) error {
		if p == point && do != nil {
			happening := do
			do = nil
			happening()
		}
		return nil
	}
	w.systemd.fault = w.deps.Fault
}

// mustRollBack asserts that a change fails and leaves the host as it was.
func (w *world) mustRollBack(i intent) transaction.Verdict {
	w.t.Helper()
	before := w.managed()
	verdict, err := w.transact(i.plan(w.t))
	if err != nil || verdict.Outcome != transaction.RolledBack {
		w.t.Fatalf("%+v, %v", verdict, err)
	}
	w.heal()
	if after := w.managed(); after != before {
		w.t.Errorf("the host is not what it was:\n%s", difference(before, after))
	}
	w.mustBeSwept()
	return verdict
}

func (w *world) mustApply(i intent) transaction.Verdict {
	w.t.Helper()
	verdict, err := w.transact(i.plan(w.t))
	if err != nil || verdict.Outcome != transaction.Applied {
		w.t.Fatalf("%+v, %v", verdict, err)
	}
	w.mustBeSwept()
	return verdict
}

// Somebody replaces a file, makes a directory or plants a link in the instant
// before ours would come into its place: what they did stays, and we go back.
func TestSomebodyIsFaster(t *testing.T) {
	needRoot(t)
	next := webHost()
	next.files[0].Payload = "port 9090\n"
	next.files = append(next.files, file("/etc/web/new/conf", "1"))
	for _, c := range []struct {
		name, point string
		meddle      func(*world)
		stays       string // the path that is theirs
		want        autogold.Value
	}{
		{"a file is replaced", "before rename /etc/web/web.conf", func(w *world) {
			w.write("/etc/web/other", "by hand", 0o600)
			if err := os.Rename(w.at("/etc/web/other"), w.at("/etc/web/web.conf")); err != nil {
				panic(err)
			}
		}, "/etc/web/web.conf", autogold.Expect(`cannot put /etc/web/web.conf in place: /etc/web/web.conf was changed by somebody else while we worked
/etc/web/web.conf was changed by somebody while we worked, and is left so`)},
		{"a file is removed", "before rename /etc/web/web.conf", func(w *world) {
			if err := os.Remove(w.at("/etc/web/web.conf")); err != nil {
				panic(err)
			}
		}, "/etc/web/web.conf", autogold.Expect(`cannot put /etc/web/web.conf in place: /etc/web/web.conf was changed by somebody else while we worked
/etc/web/web.conf was changed by somebody while we worked, and is left so`)},
		{"a file appears", "before rename /etc/web/new/conf", func(w *world) { w.write("/etc/web/new/conf", "by hand", 0o600) },
			"/etc/web/new", autogold.Expect(`cannot put /etc/web/new/conf in place: file exists
/etc/web/new/conf was changed by somebody while we worked, and is left so
the directory /etc/web/new stays: something came into it`)},
		{"a directory appears", "before rename /etc/web/new/conf", func(w *world) { mkdir(w, "/etc/web/new/conf", 0o755) },
			"/etc/web/new", autogold.Expect(`cannot put /etc/web/new/conf in place: file exists
/etc/web/new/conf was changed by somebody while we worked, and is left so
the directory /etc/web/new stays: something came into it`)},
		{"a link leads away", "before rename /etc/web/new", func(w *world) { link(w, w.at("/outside"), "/etc/web/new") },
			"/etc/web/new", autogold.Expect("cannot put /etc/web/new in place: file exists")},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			mkdir(w, "/outside", 0o755)
			w.mustApply(webHost())
			before := w.managed()
			w.happens(c.point, func() { c.meddle(w) })
			verdict, err := w.transact(next.plan(t))
			w.heal()
			if err != nil || verdict.Outcome != transaction.RolledBack {
				t.Fatalf("%+v, %v", verdict, err)
			}
			c.want.Equal(t, verdict.Message)
			for line := range strings.SplitSeq(difference(before, w.managed()), "\n") {
				if line != "" && !strings.HasPrefix(line[2:], c.stays) {
					t.Errorf("the host is not what it was: %s", line)
				}
			}
			if names := w.names("/outside"); len(names) > 0 {
				t.Errorf("%v came to where a link led", names)
			}
			w.mustBeSwept()
		})
	}
}

// What somebody does to a file of the change, before that is undone, is kept.
func TestSomebodyEditsWhatIsUndone(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustApply(webHost())
	next := webHost()
	next.files[0].Payload = "port 9090\n"
	w.happens("before write state.json", func() { w.write("/etc/web/web.conf", "by hand", 0o644) })
	fault := w.deps.Fault
	w.deps.Fault = func(point string) error {
		if err := fault(point); err != nil || point != "before write state.json" {
			return err
		}
		return errors.New("no")
	}
	verdict := w.mustRollBack(next)
	copies, _ := filepath.Glob(w.at("/var/lib/nixfleet/edits/*-r1-1.2-meanwhile/etc/web/web.conf"))
	if len(copies) != 1 || w.read(copies[0][len(w.root):]) != "by hand" {
		t.Fatalf("found the copies %v", copies)
	}
	if want := "cannot commit: no\n/etc/web/web.conf was changed by somebody while we worked; that copy is " + copies[0][len(w.root):]; verdict.Message != want {
		t.Errorf("found %s", verdict.Message)
	}
}

func TestAUnitThatRefusesToStop(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	i := webHost()
	i.units[0].Payload = "# 1 Unstoppable\nExecStart=run\n"
	w.mustApply(i)
	i.units[0].Payload = "# 2\nExecStart=run\n"
	autogold.Expect(`cannot stop web.service: its job ended with "timeout" and it is still active (running)`).Equal(t, w.mustRollBack(i).Message)
}

// A unit stops under the text under which it runs: its ExecStop may be there only.
func TestUnitsStopUnderTheTextsUnderWhichTheyRun(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustApply(webHost())
	next := webHost()
	next.units[0].Payload = "# 2\nExecStart=run\n"
	next.units = append(next.units, service("new.service", "# new\nExecStart=run\n"))
	w.deps.Fault = func(point string) error {
		if point == "before write generations/2/manifest.json" {
			return errors.New("no")
		}
		return nil
	}
	w.mustRollBack(next)
	slices.Sort(w.systemd.stopped)
	autogold.Expect([]string{`new.service as "# new"`, `web.service as "# 1"`, `web.service as "# 2"`}).Equal(t, w.systemd.stopped)
}

// While systemd does not answer, files and accounts go back and the transaction
// stays open; when it answers again, so do units.
func TestSystemdThatHangs(t *testing.T) {
	needRoot(t)
	for _, point := range []string{"before daemon-reload", "before write generations/2/manifest.json"} {
		w := newWorld(t)
		w.mustApply(webHost())
		before := w.managed()
		next := webHost()
		next.units[0].Payload = "# 2\nExecStart=run\n"
		next.files[0].Payload = "port 9090\n"
		next.users = append(next.users, schema.User{Name: "more", System: true, Group: "staff", ExtraGroups: []schema.AccountName{}, Home: "/", Shell: "/bin/sh"})
		w.happens(point, func() { w.systemd.hangs = true })
		verdict, err := w.transact(next.plan(t))
		if err != nil || verdict.Outcome != transaction.Failed || !verdict.Unfinished || !strings.Contains(verdict.Message, "deadline exceeded") {
			t.Fatalf("%+v, %v", verdict, err)
		}
		if w.read("/etc/web/web.conf") != "port 8080\n" || strings.Contains(w.read("/etc/passwd"), "more") {
			t.Error("files and accounts are not back")
		}
		w.heal()
		w.systemd.hangs = false
		again, err := w.recover(false)
		if err != nil || again == nil || again.Outcome != transaction.RolledBack {
			t.Fatalf("%+v, %v", again, err)
		}
		if after := w.managed(); after != before {
			t.Errorf("the host is not what it was:\n%s", difference(before, after))
		}
		w.mustBeSwept()
	}
}

// An original unit that does not start again is told of, and nothing else is open.
func TestAUnitThatDoesNotComeBack(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustApply(webHost())
	next := webHost()
	next.units[0].Payload = "# 2\nExecStart=fail\n"
	w.happens("before daemon-reload", func() {
		w.write("/etc/systemd/system/old.text", "", 0o644)
	})
	w.systemd.broken = "web.service"
	verdict, err := w.transact(next.plan(t))
	if err != nil || verdict.Outcome != transaction.Failed || verdict.Unfinished {
		t.Fatalf("%+v, %v", verdict, err)
	}
	if !strings.Contains(verdict.Message, "web.service ran before and does not run") {
		t.Errorf("found %s", verdict.Message)
	}
	w.mustBeSwept()
	w.systemd.broken = ""
	if again := w.mustApply(webHost()); summary(again.Changes) != "start unit web.service (found failed (failed))" {
		t.Errorf("found %s", summary(again.Changes))
	}
}

func TestAChangeThatIsNotConfirmedOrToldToEnd(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	before := w.managed()
	verdict, err := w.transactWith(context.Background(), webHost().plan(t), func(context.Context) error { return errors.New("not confirmed within 60s") })
	if err != nil || verdict.Outcome != transaction.RolledBack || verdict.Message != "not confirmed within 60s" {
		t.Errorf("%+v, %v", verdict, err)
	}
	if after := w.managed(); after != before {
		t.Errorf("the host is not what it was:\n%s", difference(before, after))
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.happens("after rename /etc/web/web.conf", cancel)
	verdict, err = w.transactWith(ctx, webHost().plan(t), nil)
	w.heal()
	if err != nil || verdict.Outcome != transaction.RolledBack {
		t.Errorf("%+v, %v", verdict, err)
	}
	if after := w.managed(); after != before {
		t.Errorf("the host is not what it was:\n%s", difference(before, after))
	}
	verdict, err = w.transactWith(context.Background(), webHost().plan(t), func(context.Context) error { return nil })
	if err != nil || verdict.Outcome != transaction.Applied {
		t.Errorf("%+v, %v", verdict, err)
	}
}

// mountOn puts a small file system of its own on a directory of the host.
func (w *world) mountOn(directory, size string) {
	w.t.Helper()
	content := readImage(w.t, w.at(directory), nil, false)
	if err := unix.Mount("tmpfs", w.at(directory), "tmpfs", 0, "mode=0755,size="+size); err != nil {
		if os.Getenv("NIXFLEET_LAB") == "required" {
			w.t.Fatal(err)
		}
		w.t.Skipf("cannot mount: %v", err)
	}
	w.t.Cleanup(func() { _ = unix.Unmount(w.at(directory), unix.MNT_DETACH) })
	content.write(w.t, w.at(directory), nil)
}

// fill leaves no free byte on the file system of a directory.
func (w *world) fill(directory string) {
	file, err := os.Create(w.at(directory + "/filler"))
	if err != nil {
		panic(err)
	}
	defer file.Close()
	for _, size := range []int{1 << 16, 1 << 12, 1} {
		for err = nil; err == nil; {
			_, err = file.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, unix.ENOSPC) {
		panic(err)
	}
}

// TestADiskThatIsFull fills the disk that everything is on, at every stage.
func TestADiskThatIsFull(t *testing.T) {
	needRoot(t)
	next := webHost()
	next.files[0].Payload = schema.Digest(strings.Repeat("port 9090\n", 1000))
	next.units[0].Payload = "# 2\nExecStart=run\n"
	next.users[0].Shell = "/bin/sh"
	for _, c := range []struct {
		point   string
		outcome transaction.Outcome
	}{
		{"before write /etc/.nixfleet/staging/0000.conf", transaction.Refused},
		{"before keep /etc/web/web.conf", transaction.Refused},
		{"before rename /etc/web/web.conf", transaction.RolledBack},
		{"before write generations/2/manifest.json", transaction.RolledBack},
		{"before write state.json", transaction.RolledBack},
		{"after write state.json", transaction.Applied},
	} {
		t.Run(c.point, func(t *testing.T) {
			w := newWorld(t)
			w.mountOn("/", "4m")
			w.mustApply(webHost())
			before := w.managed()
			w.supply(next.plan(t))
			w.happens(c.point, func() { w.fill("/") })
			verdict, err := w.transact(next.plan(t))
			w.heal()
			if err != nil || verdict.Outcome != c.outcome {
				t.Fatalf("%+v, %v", verdict, err)
			}
			if after := w.managed(); c.outcome != transaction.Applied && after != before {
				t.Errorf("the host is not what it was:\n%s", difference(before, after))
			}
			w.mustBeSwept()
			if err := os.Remove(w.at("/filler")); err != nil {
				t.Fatal(err)
			}
			if c.outcome != transaction.Applied {
				w.mustApply(next)
			}
		})
	}
}

func TestADirectoryThatCannotBeWritten(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mountOn("/etc", "4m")
	w.mustApply(webHost())
	before := w.managed()
	if err := unix.Mount("", w.at("/etc"), "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	next := webHost()
	next.files[0].Payload = "port 9090\n"
	verdict, err := w.transact(next.plan(t))
	if err != nil || verdict.Outcome != transaction.Refused || !strings.Contains(verdict.Message, "read-only file system") {
		t.Errorf("%+v, %v", verdict, err)
	}
	if after := w.managed(); after != before {
		t.Errorf("the host is not what it was:\n%s", difference(before, after))
	}
	if err := unix.Mount("", w.at("/etc"), "", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	// It becomes so in the middle of the change, and can be written again later.
	w.happens("before rename /etc/web/web.conf", func() {
		if err := unix.Mount("", w.at("/etc"), "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			panic(err)
		}
	})
	next.files[1].Symlink = "other"
	verdict, err = w.transact(next.plan(t))
	w.heal()
	if err != nil || verdict.Outcome != transaction.Failed || !verdict.Unfinished {
		t.Fatalf("%+v, %v", verdict, err)
	}
	if err := unix.Mount("", w.at("/etc"), "", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	again, err := w.recover(false)
	if err != nil || again == nil || again.Outcome != transaction.RolledBack {
		t.Fatalf("%+v, %v", again, err)
	}
	if after := w.managed(); after != before {
		t.Errorf("the host is not what it was:\n%s", difference(before, after))
	}
	w.mustBeSwept()
}
