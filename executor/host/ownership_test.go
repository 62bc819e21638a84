package host

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// owner returns who owns a path, and its mode.
func (w *world) owner(path string) (uid uint32, mode os.FileMode) {
	w.t.Helper()
	info, err := os.Lstat(w.at(path))
	if err != nil {
		w.t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid, info.Mode().Perm()
}

// A directory made on the way is its user's from then on: of a service with
// StateDirectory=, say.
func TestDirectoriesOnTheWayKeepWhatTheyAreGiven(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	i := intent{files: []schema.File{file("/var/lib/sd/conf/app.ini", "1")}}
	w.mustExecute(i)
	if err := os.Chown(w.at("/var/lib/sd"), 77, 77); err != nil {
		t.Fatal(err)
	}
	w.mustBeUnchanged(i)
	i.files[0].Payload = "2"
	autogold.Expect("update file /var/lib/sd/conf/app.ini (content)").Equal(t, summary(w.mustExecute(i)))
	if uid, _ := w.owner("/var/lib/sd"); uid != 77 {
		t.Error("the directory was taken from its owner")
	}
	w.mustExecute(intent{})
	if w.exists("/var/lib/sd") {
		t.Error("an empty directory of ours stays")
	}
}

func TestADeclaredDirectoryThatIsOnlyOnTheWayLosesItsModeOnce(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	i := intent{directories: []schema.Directory{directory("/srv/x", "0700")}, files: []schema.File{file("/srv/x/f", "1")}}
	w.mustExecute(i)
	i.directories = nil
	autogold.Expect("update directory /srv/x (mode 0700 -> 0755)").Equal(t, summary(w.mustExecute(i)))
	if err := os.Chmod(w.at("/srv/x"), 0o711); err != nil {
		t.Fatal(err)
	}
	w.mustBeUnchanged(i)
}

func TestHomesAreMadeByUseradd(t *testing.T) {
	needRoot(t)
	number := 2500
	ch := schema.User{Name: "ch", UID: &number, Group: "ch", ExtraGroups: []schema.AccountName{}, Home: "/srv/homes/ch", CreateHome: true, Shell: "/bin/sh"}
	i := intent{groups: []schema.Group{{Name: "ch", GID: &number}}, users: []schema.User{ch}, files: []schema.File{
		{Path: "/srv/homes/ch/.bashrc", Payload: "ours", Mode: "0600", Owner: "ch", Group: "ch"},
		{Path: "/srv/homes/ch/.config/app/x", Payload: "1", Mode: "0600", Owner: "ch", Group: "ch"},
	}}
	w := newWorld(t)
	autogold.Expect(`create group ch (gid 2500)
create user ch (uid 2500)
create directory /srv/homes/ch/.config (on the way to /srv/homes/ch/.config/app/x)
create directory /srv/homes/ch/.config/app (on the way to /srv/homes/ch/.config/app/x)
create file /srv/homes/ch/.bashrc
create file /srv/homes/ch/.config/app/x`).Equal(t, summary(w.mustExecute(i)))
	w.mustBeUnchanged(i)
	if uid, mode := w.owner("/srv/homes/ch"); uid != 2500 || mode != 0o700 || w.read("/srv/homes/ch/.bashrc") != "ours" || !w.exists("/srv/homes/ch/.profile") {
		t.Errorf("the home is %d's with mode %o", uid, mode)
	}

	w = newWorld(t)
	i.directories = []schema.Directory{directory("/srv/homes", "0711"), {Path: "/srv/homes/ch", Mode: "0750", Owner: "ch", Group: "ch"}}
	w.mustExecute(i)
	w.mustBeUnchanged(i)
	if uid, mode := w.owner("/srv/homes/ch"); uid != 2500 || mode != 0o750 {
		t.Errorf("the home is %d's with mode %o", uid, mode)
	}
}

// What hid or replaced a unit that did not run must not start it in the end.
func TestAdoptedUnitsThatDidNotRunAreNotStarted(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.write("/usr/lib/systemd/system/vendor.service", "# vendor\nExecStart=run\n", 0o644)
	w.write("/etc/systemd/system/admin.service", "# admin\nExecStart=run\n", 0o644)
	before := w.snapshot()
	i := intent{units: []schema.Unit{service("admin.service", "ExecStart=run"), service("vendor.service", "ExecStart=run")}}
	i.units[0].Adopt, i.units[1].Adopt = true, true
	w.mustExecute(i)
	w.mustBeUnchanged(i)
	w.mustExecute(intent{})
	if after := w.snapshot(); after != before {
		t.Errorf("given back, the host is not what it was:\n%s\nbut\n%s", before, after)
	}
}

// An original that does not start any more keeps ours in its place.
func TestAnOriginalThatDoesNotStart(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.write("/etc/motd", "theirs", 0o644)
	w.write("/usr/lib/systemd/system/vendor.service", "# vendor\nExecStart=run\n", 0o644)
	w.systemd.start("vendor.service", unit.Start)
	i := intent{units: []schema.Unit{service("vendor.service", "ExecStart=run")}, files: []schema.File{file("/etc/motd", "ours")}}
	i.units[0].Adopt, i.files[0].Adopt = true, true
	w.mustExecute(i)
	w.write("/usr/lib/systemd/system/vendor.service", "# vendor\nExecStart=fail\n", 0o644)
	before := w.snapshot()
	if text := w.failure(intent{}); !strings.Contains(text, "vendor.service failed") {
		t.Errorf("found %s", text)
	}
	if after := w.snapshot(); after != before {
		t.Errorf("the host is not as before:\n%s\nbut\n%s", after, before)
	}
	w.mustBeUnchanged(i)
	w.write("/usr/lib/systemd/system/vendor.service", "# vendor\nExecStart=run\n", 0o644)
	w.mustExecute(intent{})
	if w.read("/etc/motd") != "theirs" {
		t.Error("the original is not back")
	}
}

func TestSpecialFilesInTheWayAreRefused(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(intent{files: []schema.File{file("/etc/d", "1"), file("/etc/e", "1")}})
	for _, name := range []string{"/etc/d", "/etc/e"} {
		if err := os.Remove(w.at(name)); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(w.at(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	autogold.Expect(`2 things are in the way:
  cannot make the directory /etc/d: expected a directory or nothing, found a special file
  cannot manage /etc/e/f: /etc/e is a special file, expected a directory
hint: move it away
hint: move it away, or declare the path as it really is`).Equal(t, w.refusal(intent{
		directories: []schema.Directory{directory("/etc/d", "0755")}, files: []schema.File{file("/etc/e/f", "1")}}.plan(t)))
}

func TestNamesThatAreTooLong(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	long := "/etc/adv/" + strings.Repeat("ü", 200)
	autogold.Expect(`the path has a name of 400 bytes, "üüüüüüüüüü"…; a file system takes at most 255`).Equal(t, w.refusal(intent{files: []schema.File{file(long, "1")}}.plan(t)))
	// A host that was given one before that was refused.
	w.mustExecute(webHost())
	store := state.New(w.root, nil)
	known, err := store.Load()
	if err != nil {
		t.Fatal(err)
	}
	known.Owned.Set(schema.KindFile, long, schema.Original{})
	known.Owned.Set(schema.KindDirectory, "/etc/adv", schema.Original{})
	mkdir(w, "/etc/adv", 0o755)
	if err := store.Save(known); err != nil {
		t.Fatal(err)
	}
	w.mustExecute(webHost())
	w.mustBeUnchanged(webHost())
	if w.exists("/etc/adv") {
		t.Error("the directory stays")
	}
}
