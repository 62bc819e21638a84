package host

import (
	"os"
	"strings"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// TestAdoptAndGiveBack takes over something of every kind and lets it go again:
// the host must be as it was, to the last mode.
func TestAdoptAndGiveBack(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.write("/etc/motd", "welcome\n", 0o664)
	if err := os.Chown(w.at("/etc/motd"), 1, 50); err != nil {
		t.Fatal(err)
	}
	link(w, "/usr/share/zoneinfo/UTC", "/etc/localtime")
	mkdir(w, "/srv/data", os.ModeSticky|0o777)
	w.write("/etc/systemd/system/admin.service", "# admin\nExecStart=run\n", 0o600)
	link(w, "/etc/systemd/system/admin.service", "/etc/systemd/system/multi-user.target.wants/admin.service")
	w.write("/usr/lib/systemd/system/vendor.service", "# vendor\nExecStart=run\n", 0o644)
	w.tools.edit("/etc/passwd", func(lines [][]string) [][]string {
		return append(lines, []string{"ann", "x", "1000", "50", "Ann", "/home/ann", "/bin/sh"})
	})
	w.tools.join("ann", "daemon")
	w.systemd.start("admin.service", unit.Start)
	w.systemd.start("vendor.service", unit.Start)
	before := w.snapshot()

	take := intent{
		groups:      []schema.Group{{Name: "staff", Adopt: true}, {Name: "web"}},
		users:       []schema.User{{Name: "ann", Group: "web", ExtraGroups: []schema.AccountName{"staff"}, Home: "/home/ann", Shell: "/usr/sbin/nologin", Adopt: true}},
		directories: []schema.Directory{{Path: "/srv/data", Mode: "0750", Owner: "ann", Group: "web", Adopt: true}},
		files: []schema.File{
			{Path: "/etc/motd", Payload: "ours\n", Mode: "0644", Owner: "root", Group: "root", Adopt: true},
			{Path: "/etc/localtime", Symlink: "/usr/share/zoneinfo/Europe/Berlin", Mode: "0644", Owner: "root", Group: "root", Adopt: true},
		},
		units: []schema.Unit{service("admin.service", "# ours\nExecStart=run\n"), service("vendor.service", "# ours too\nExecStart=run\n")},
	}
	for i := range take.units {
		take.units[i].Adopt = true
	}
	autogold.Expect(`stop unit admin.service (its unit changed)
stop unit vendor.service (its unit changed)
adopt group staff
create group web
adopt user ann (group staff -> web, extra groups daemon -> daemon, staff, shell "/bin/sh" -> "/usr/sbin/nologin", description "Ann" -> "")
adopt directory /srv/data (mode 1777 -> 0750, owner root -> ann, group root -> web)
adopt file /etc/localtime
adopt file /etc/motd
adopt unit admin.service (enabled)
adopt unit vendor.service (hides the operating system's, enabled)
start unit admin.service (its unit changed)
start unit vendor.service (its unit changed)`).Equal(t, summary(w.mustExecute(take)))
	w.mustBeUnchanged(take)
	if w.read("/etc/motd") != "ours\n" || !strings.Contains(w.read("/etc/group"), "staff:x:50:ann") {
		t.Error("not what was asked for")
	}

	w.systemd.log = nil
	autogold.Expect(`stop unit admin.service (no longer declared)
stop unit vendor.service (no longer declared)
give back user ann
give back group staff
give back unit admin.service
give back unit vendor.service
give back file /etc/localtime
give back file /etc/motd
give back directory /srv/data (mode 1777)
start unit admin.service (its original is back)
start unit vendor.service (its original is back)
remove group web`).Equal(t, summary(w.mustExecute(intent{})))
	w.mustBeUnchanged(intent{})
	w.mustBeClean()
	if after := w.snapshot(); after != before {
		t.Errorf("given back, the host is not what it was:\n%s\nbut\n%s", before, after)
	}
	autogold.Expect([]string{
		`stop admin.service "# ours"`, `stop vendor.service "# ours too"`,
		"daemon-reload",
		"reset-failed admin.service",
		"reset-failed vendor.service",
		`restart admin.service "# admin"`,
		`restart vendor.service "# vendor"`,
	}).Equal(t, w.systemd.log)
}

func TestAnExistingDirectoryThatIsAsDeclaredStaysItsOwners(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	mkdir(w, "/srv/shared", 0o755)
	i := intent{directories: []schema.Directory{directory("/srv/shared", "0755")}}
	if changes := w.mustExecute(i); len(changes) > 0 {
		t.Errorf("expected no change, found %s", summary(changes))
	}
	w.mustBeUnchanged(i)
	if changes := w.mustExecute(intent{}); len(changes) > 0 || !w.exists("/srv/shared") {
		t.Errorf("expected it to stay, found %s", summary(changes))
	}
}

// TestKindsChange lets files, links and directories take each other's place.
func TestKindsChange(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	symlink := func(path, target string) schema.File {
		return schema.File{Path: path, Symlink: target, Mode: "0644", Owner: "root", Group: "root"}
	}
	before := w.snapshot()
	for _, i := range []intent{
		{files: []schema.File{file("/etc/a/b", "file")}},
		{files: []schema.File{file("/etc/a", "file now")}},
		{files: []schema.File{symlink("/etc/a", "hosts")}},
		{directories: []schema.Directory{directory("/etc/a", "0700")}, files: []schema.File{file("/etc/a/b/c", "deep")}},
		{directories: []schema.Directory{directory("/etc/a/b/c", "0700")}},
		{files: []schema.File{symlink("/etc/a", "hosts")}},
		{files: []schema.File{file("/etc/a", "file again")}},
		{},
	} {
		w.mustExecute(i)
		w.mustBeUnchanged(i)
	}
	if after := w.snapshot(); after != before {
		t.Errorf("the host is not what it was:\n%s\nbut\n%s", before, after)
	}
	w.mustBeClean()
}

func TestWhatStaysAndWhy(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	i := webHost()
	i.files = append(i.files, file("/etc/far/away", "x"))
	w.mustExecute(i)
	w.write("/var/lib/web/data", "precious", 0o644)
	w.tools.edit("/etc/passwd", func(lines [][]string) [][]string {
		return append(lines, []string{"bob", "x", "1001", w.tools.gid("web"), "Bob", "/home/bob", "/bin/sh"})
	})
	if err := os.Rename(w.at("/etc/far"), w.at("/etc/moved")); err != nil {
		t.Fatal(err)
	}
	link(w, "moved", "/etc/far")
	if err := os.Remove(w.at("/etc/web/current")); err != nil {
		t.Fatal(err)
	}
	mkdir(w, "/etc/web/current", 0o755)
	w.mustExecute(intent{})
	autogold.Expect([]string{
		`/etc/far/away is not removed: /etc/far is a symbolic link to "moved", which is not followed`,
		"/etc/web/current is not removed: it is a directory now",
		"the directory /var/lib/web stays: it is not empty",
		`the group "web" stays: it is the primary group of user "bob"`,
	}).Equal(t, w.client.notes)
	if !w.exists("/var/lib/web/data") || !w.exists("/etc/moved/away") || !strings.Contains(w.read("/etc/group"), "web:") {
		t.Error("something is gone that should have stayed")
	}
	w.mustBeUnchanged(intent{})

	// The group is still ours, and goes when nobody needs it.
	w.tools.edit("/etc/passwd", without("bob"))
	if changes := w.mustExecute(intent{}); summary(changes) != "remove group web" {
		t.Errorf("found %s", summary(changes))
	}
}

func TestAGroupOutlivesItsUser(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(intent{groups: []schema.Group{{Name: "web"}}, users: []schema.User{user("web")}})
	group := w.tools.gid("web")
	only := intent{groups: []schema.Group{{Name: "web"}}}
	w.mustExecute(only) // userdel takes the group along
	if found := w.tools.gid("web"); found != group {
		t.Errorf("expected the group with gid %s, found %q", group, found)
	}
	w.mustBeUnchanged(only)
}

// TestDrift lets somebody edit everything by hand: the next run sees and repairs it.
func TestDrift(t *testing.T) {
	needRoot(t)
	for name, edit := range map[string]func(*world){
		"content":        func(w *world) { w.write("/etc/web/web.conf", "port 1\n", 0o644) },
		"mode":           func(w *world) { w.write("/etc/web/web.conf", "port 8080\n", 0o666) },
		"owner":          func(w *world) { _ = os.Chown(w.at("/etc/web/web.conf"), 1, 0) },
		"group":          func(w *world) { _ = os.Chown(w.at("/etc/web/web.conf"), 0, 1) },
		"gone":           func(w *world) { _ = os.Remove(w.at("/etc/web/web.conf")) },
		"link":           func(w *world) { _ = os.Remove(w.at("/etc/web/current")); link(w, "other", "/etc/web/current") },
		"all gone":       func(w *world) { _ = os.RemoveAll(w.at("/etc/web")) },
		"directory":      func(w *world) { _ = os.Chmod(w.at("/var/lib/web"), 0o777) },
		"directory gone": func(w *world) { _ = os.Remove(w.at("/var/lib/web")) },
		"unit text":      func(w *world) { w.write("/etc/systemd/system/web.service", "ExecStart=run", 0o644) },
		"unit disabled":  func(w *world) { _ = os.Remove(w.at("/etc/systemd/system/multi-user.target.wants/web.service")) },
		"unit masked": func(w *world) {
			_ = os.Remove(w.at("/etc/systemd/system/web.service"))
			link(w, "/dev/null", "/etc/systemd/system/web.service")
		},
		"unit stopped": func(w *world) { w.systemd.state["web.service"] = inactive },
		"unit failed":  func(w *world) { w.systemd.state["web.service"] = unitFailed },
		"user gone":    func(w *world) { w.tools.edit("/etc/passwd", without("web")) },
		"shell":        func(w *world) { w.tools.usermod("web", map[string]string{"--shell": "/bin/sh"}) },
		"home":         func(w *world) { w.tools.usermod("web", map[string]string{"--home": "/"}) },
		"groups":       func(w *world) { w.tools.join("web", "staff") },
		"primary":      func(w *world) { w.tools.usermod("web", map[string]string{"--gid": "staff"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.mustExecute(webHost())
			before := w.snapshot()
			edit(w)
			if w.snapshot() == before {
				t.Fatal("the edit changes nothing")
			}
			if changes := w.mustExecute(webHost()); len(changes) == 0 {
				t.Fatal("not seen")
			}
			w.mustBeUnchanged(webHost())
			if after := w.snapshot(); after != before {
				t.Errorf("not repaired:\n%s\nbut\n%s", before, after)
			}
		})
	}
}
