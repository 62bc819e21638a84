package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/process"
	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/schema"
)

// TestRefusals has one case for each text with which a host is refused. In each
// the host must stay as it was.
func TestRefusals(t *testing.T) {
	needRoot(t)
	number := func(n int) *int { return &n }
	for _, c := range []struct {
		name   string
		before func(*world)
		intent intent
		want   autogold.Value
	}{
		{"a file of somebody else", func(w *world) { w.write("/etc/x", "mine", 0o640) },
			intent{files: []schema.File{file("/etc/x", "a")}}, autogold.Expect(`/etc/x exists and NixFleet did not create it: expected nothing, found a file with mode 0640, owner root and group root
hint: set nixfleet.files."/etc/x".adopt = true to take it over (the original is kept and comes back), or move it away`)},
		{"a directory where a file should go", func(w *world) { w.write("/etc/x/y", "", 0o644) },
			intent{files: []schema.File{file("/etc/x", "a")}}, autogold.Expect(`cannot put a file at /etc/x: expected a file or nothing, found a directory with mode 0755, owner root and group root
hint: move it away`)},
		{"a file where a directory should go", func(w *world) { w.write("/etc/x", "", 0o644) },
			intent{directories: []schema.Directory{directory("/etc/x", "0755")}}, autogold.Expect(`cannot make the directory /etc/x: expected a directory or nothing, found a file with mode 0644, owner root and group root
hint: move it away`)},
		{"a directory that is otherwise", func(w *world) { mkdir(w, "/etc/x", 0o755) },
			intent{directories: []schema.Directory{directory("/etc/x", "0700")}}, autogold.Expect(`the directory /etc/x exists and NixFleet did not create it: expected mode 0700, owner root and group root, found a directory with mode 0755, owner root and group root
hint: set nixfleet.directories."/etc/x".adopt = true to change it (what it was is kept and comes back), or declare it as it is`)},
		{"a link on the way", func(w *world) { link(w, "/tmp/evil", "/etc/x") },
			intent{files: []schema.File{file("/etc/x/y/z", "a")}}, autogold.Expect(`cannot manage /etc/x/y/z: /etc/x is a symbolic link to "/tmp/evil", which is not followed
hint: move it away, or declare the path as it really is`)},
		{"a file on the way", func(w *world) { w.write("/etc/x", "", 0o644) },
			intent{files: []schema.File{file("/etc/x/y", "a")}}, autogold.Expect(`cannot manage /etc/x/y: /etc/x is a file, expected a directory
hint: move it away, or declare the path as it really is`)},
		{"an unknown owner and group", nil,
			intent{files: []schema.File{{Path: "/etc/x", Payload: "a", Mode: "0644", Owner: "nosuch", Group: "none"}}}, autogold.Expect(`2 things are in the way:
  the group "none" of /etc/x exists neither on the host nor in the manifest
  the owner "nosuch" of /etc/x exists neither on the host nor in the manifest
hint: declare it in nixfleet.groups
declare it in nixfleet.users`)},
		{"an unknown owner of a directory", nil,
			intent{directories: []schema.Directory{{Path: "/etc/x", Mode: "0755", Owner: "nosuch", Group: "root"}}}, autogold.Expect(`the owner "nosuch" of /etc/x exists neither on the host nor in the manifest
hint: declare it in nixfleet.users`)},
		{"a group of somebody else", nil, intent{groups: []schema.Group{{Name: "staff"}}}, autogold.Expect(`the group "staff" exists and NixFleet did not create it (gid 50)
hint: set nixfleet.groups."staff".adopt = true to take it over`)},
		{"a user of somebody else", nil, intent{groups: []schema.Group{{Name: "g"}}, users: []schema.User{
			{Name: "daemon", Group: "g", Home: "/", Shell: "/bin/sh"}}}, autogold.Expect(`the user "daemon" exists and NixFleet did not create it (uid 1)
hint: set nixfleet.users."daemon".adopt = true to take it over`)},
		{"a gid that is taken", nil, intent{groups: []schema.Group{{Name: "g", GID: number(50)}}}, autogold.Expect(`the gid 50 of group "g" is taken: expected no group with it, found group "staff"
hint: choose another gid, or leave it out`)},
		{"a uid that is taken", nil, intent{groups: []schema.Group{{Name: "u"}},
			users: []schema.User{{Name: "u", UID: number(1), Group: "u", Home: "/", Shell: "/bin/sh"}}}, autogold.Expect(`the uid 1 of user "u" is taken: expected no user with it, found user "daemon"
hint: choose another uid, or leave it out`)},
		{"a user of unknown groups", nil, intent{users: []schema.User{
			{Name: "u", Group: "nosuch", ExtraGroups: []schema.AccountName{"none"}, Home: "/", Shell: "/bin/sh"}}}, autogold.Expect(`2 things are in the way:
  the group "none" of user "u" exists neither on the host nor in the manifest
  the group "nosuch" of user "u" exists neither on the host nor in the manifest
hint: declare it in nixfleet.groups`)},
		{"a shell that is not there", nil, intent{groups: []schema.Group{{Name: "u"}},
			users: []schema.User{{Name: "u", Group: "u", Home: "/", Shell: "/bin/zsh"}}}, autogold.Expect(`the shell /bin/zsh of user "u" is no program on the host
hint: /bin/sh and /usr/sbin/nologin are on every host`)},
		{"a shell that is relative", nil, intent{groups: []schema.Group{{Name: "u"}},
			users: []schema.User{{Name: "u", Group: "u", Home: "/", Shell: "sh"}}}, autogold.Expect(`the shell of user "u" is no absolute path: found "sh"
hint: /bin/sh and /usr/sbin/nologin are on every host`)},
		{"a shell outside the closure", nil, intent{groups: []schema.Group{{Name: "u"}},
			users: []schema.User{{Name: "u", Group: "u", Home: "/", Shell: string(topPath) + "/bin/sh"}}}, autogold.Expect(`the shell /nix/store/1z1wqrg2lgkn2wkgwsj8ir4ni3d1bcl9-host/bin/sh of user "u" is not in the host's closure
hint: add its package to nixfleet.packages`)},
		{"a home that is relative, a description with a colon", nil, intent{groups: []schema.Group{{Name: "u"}},
			users: []schema.User{{Name: "u", Group: "u", Home: "home", Shell: "/bin/sh", Description: "a:b"}}}, autogold.Expect(`2 things are in the way:
  the description of user "u" contains a colon, a newline or a NUL byte
  the home of user "u" is no clean absolute path: found "home"`)},
		{"paths that cannot be managed", nil, intent{
			files: []schema.File{file("/etc/passwd", "a"), file("/proc/x", "a"), file("/etc/../x", "a"), file("relative", "a"),
				file("/nix/store/x", "a"), file("/etc/systemd/system/x.service", "a")},
			directories: []schema.Directory{directory("/", "0755")}}, autogold.Expect(`7 things are in the way:
  /etc/passwd cannot be managed: declare the account in nixfleet.users
  /etc/systemd/system/x.service cannot be managed as a file: declare the unit in nixfleet.systemd.units
  /nix/store/x cannot be managed: the Nix store and its profiles belong to Nix
  /proc/x cannot be managed: it belongs to the kernel
  the path is not clean; write "/x"
  the path is relative; write it from the root, as "/relative"
  the root directory cannot be managed`)},
		{"a unit of the operating system", func(w *world) { w.write("/usr/lib/systemd/system/cron.service", "", 0o644) },
			intent{units: []schema.Unit{service("cron.service", "ExecStart=run")}}, autogold.Expect(`the unit cron.service exists and NixFleet did not create it: expected none, found /usr/lib/systemd/system/cron.service
hint: set nixfleet.systemd.units."cron.service".adopt = true to put yours in its place, or choose another name`)},
		{"a unit of the administrator", func(w *world) { w.write("/etc/systemd/system/my.service", "", 0o644) },
			intent{units: []schema.Unit{service("my.service", "ExecStart=run")}}, autogold.Expect(`/etc/systemd/system/my.service exists and NixFleet did not create it: expected nothing, found a file with mode 0644, owner root and group root
hint: set nixfleet.systemd.units."my.service".adopt = true to take it over (the original is kept and comes back), or move it away`)},
		{"a unit that is enabled already", func(w *world) {
			link(w, "/etc/systemd/system/my.service", "/etc/systemd/system/multi-user.target.wants/my.service")
		}, intent{units: []schema.Unit{service("my.service", "ExecStart=run")}}, autogold.Expect(`/etc/systemd/system/multi-user.target.wants/my.service exists and NixFleet did not create it: expected nothing, found a symbolic link to "/etc/systemd/system/my.service"
hint: set nixfleet.systemd.units."my.service".adopt = true to take it over (the original is kept and comes back), or move it away`)},
		{"links out of the unit directory", nil, intent{units: []schema.Unit{{Name: "my.service", Payload: "x", Enabled: true,
			Links: []string{"../../passwd.wants/my.service"}, OnChange: schema.Keep}}}, autogold.Expect(`the link "../../passwd.wants/my.service" of unit my.service is not below /etc/systemd/system`)},
		{"another architecture", nil, intent{change: func(m *schema.Manifest) { m.System = schema.AArch64Linux }}, autogold.Expect("wrong architecture: expected aarch64-linux, found x86_64-linux")},
		{"another operating system", func(w *world) { w.write("/etc/os-release", "ID=fedora\nPRETTY_NAME=\"Fedora 40\"\n", 0o644) }, intent{}, autogold.Expect(`wrong operating system: expected debian, found "fedora" (Fedora 40)`)},
		{"NixOS", nil, intent{change: func(m *schema.Manifest) { m.Base = schema.NixOS }}, autogold.Expect(`this version cannot carry out base = "nixos"`)},
		{"a host without Nix", func(w *world) { w.deps.NixStore = "" }, intent{closure: closure()}, autogold.Expect(`the host has no Nix: expected nix-store in one of [/nix/var/nix/profiles/default/bin /run/current-system/sw/bin /usr/bin /usr/local/bin /root/.nix-profile/bin], found none
hint: install it on the host: apt install nix-bin nix-setup-systemd`)},
		{"no space for the closure", func(w *world) { w.deps.Free = func(string) (int64, error) { return 100, nil } }, intent{closure: closure()}, autogold.Expect(`not enough space on /nix: expected 1500 free bytes, found 100
hint: free some space on the host (nix-collect-garbage, apt clean)`)},
		{"no space for payloads", func(w *world) { w.deps.Free = func(string) (int64, error) { return 100, nil } },
			intent{files: []schema.File{file("/etc/x", "a")}}, autogold.Expect(`not enough space on /var: expected 4097 free bytes, found 100
hint: free some space on the host (nix-collect-garbage, apt clean)`)},
		{"no space for staging", func(w *world) {
			w.deps.Free = func(dir string) (int64, error) {
				if dir == "/etc/.nixfleet/staging" {
					return 100, nil
				}
				return 1 << 30, nil
			}
		}, intent{files: []schema.File{file("/etc/x", "a")}}, autogold.Expect("not enough space for staging in /etc/.nixfleet/staging: expected 139264 free bytes, found 100")},
		{"a store path that claims another content", func(w *world) { w.registry[topPath] = narHashOf("other") }, intent{closure: closure()}, autogold.Expect(`the store path /nix/store/1z1wqrg2lgkn2wkgwsj8ir4ni3d1bcl9-host has another content than the plan's: expected sha256-N79TedtygUrsUkgnLlxZ9BcA7D/1bby/5nlb2h5zhck=, found sha256-2SmKENGwc1g33EvYXaxkGw887yekfl1TpU8vP1svz/o=
hint: find out how it came there; nix-store --delete removes it where nothing uses it`)},
		{"a store path that was planted", func(w *world) {
			w.registry[topPath] = closure()[0].NarHash
			w.write(string(topPath), "planted", 0o644)
		}, intent{closure: closure()}, autogold.Expect(`the store path /nix/store/1z1wqrg2lgkn2wkgwsj8ir4ni3d1bcl9-host has another content than the plan's: expected sha256-N79TedtygUrsUkgnLlxZ9BcA7D/1bby/5nlb2h5zhck=, found sha256-FYNq2RXn9LvhASKrYRmBQDchI9jj0RYKVyw1T7rLlKM=
hint: find out how it came there; nix-store --delete removes it where nothing uses it`)},
		{"a source outside the closure", func(w *world) { w.install() },
			intent{closure: closure(), files: []schema.File{{Path: "/etc/x", Source: "/nix/store/7z1wqrg2lgkn2wkgwsj8ir4ni3d1bcl9-x/y",
				Mode: "0644", Owner: "root", Group: "root"}}}, autogold.Expect("cannot take /etc/x from the store: /nix/store/7z1wqrg2lgkn2wkgwsj8ir4ni3d1bcl9-x/y is not in the host's closure")},
		{"several at once, sorted", func(w *world) { w.write("/etc/x", "", 0o644); w.write("/etc/a", "", 0o644) },
			intent{files: []schema.File{file("/etc/x", "a"), file("/etc/a", "a"), file("/etc/c", "c")}}, autogold.Expect(`2 things are in the way:
  /etc/a exists and NixFleet did not create it: expected nothing, found a file with mode 0644, owner root and group root
  /etc/x exists and NixFleet did not create it: expected nothing, found a file with mode 0644, owner root and group root
hint: set nixfleet.files."/etc/a".adopt = true to take it over (the original is kept and comes back), or move it away
set nixfleet.files."/etc/x".adopt = true to take it over (the original is kept and comes back), or move it away`)},
		{"a host that is locked", func(w *world) {
			since := time.Date(2026, 1, 1, 11, 0, 0, 0, time.UTC)
			if _, err := leasesOf(w.deps).Take(context.Background(), "r0", "bob@desk", since, func() error { return nil }); err != nil {
				w.t.Fatal(err)
			}
		}, intent{}, autogold.Expect(`locked by run r0, started 2026-01-01T11:00:00Z, by bob@desk
hint: nixfleet watch shows what it does; a run that has gone loses its lock after 1m0s of silence`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.before != nil {
				c.before(w)
			}
			before := w.snapshot()
			text := w.refusal(c.intent.plan(t))
			c.want.Equal(t, text)
			if after := w.snapshot(); after != before {
				t.Errorf("the host was touched: before\n%s\nafter\n%s", before, after)
			}
			if known, err := state.New(w.root, nil).Load(); err != nil || known.Applied != nil || mustUnfinished(t, w) != nil {
				t.Errorf("the state says %+v, %v", known, err)
			}
		})
	}
}

var digestRE = regexp.MustCompile(`sha256:[0-9a-f]{64}|\b[0-9a-f]{12}\b`)

// withoutDigests makes a text independent of what else stands in a plan.
func withoutDigests(text string) string { return digestRE.ReplaceAllString(text, "sha256:…") }

func mkdir(w *world, path string, mode os.FileMode) {
	w.t.Helper()
	if err := os.MkdirAll(w.at(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Chmod(w.at(path), mode); err != nil {
		w.t.Fatal(err)
	}
}

func link(w *world, target, path string) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(w.at(path)), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Symlink(target, w.at(path)); err != nil {
		w.t.Fatal(err)
	}
}

func TestRefusesWhatIsNotThePlansOwn(t *testing.T) {
	edit := func(change func(*plan)) *plan {
		p := intent{files: []schema.File{file("/etc/x", "a")}}.plan(t)
		change(p)
		return p
	}
	for _, c := range []struct {
		name string
		plan *plan
		want autogold.Value
	}{
		{"an edited manifest", edit(func(p *plan) { p.part.Manifest.Files[0].Mode = "0666" }), autogold.Expect("wrong digest of the manifest of web-1: expected sha256:…, found sha256:…")},
		{"an edited index", edit(func(p *plan) { p.part.Index.Fleet = "other" }), autogold.Expect("wrong digest of the index: expected sha256:…, found sha256:…")},
		{"a preview", edit(func(p *plan) { p.part.Index.Preview = true; p.seal(t) }), autogold.Expect(`the plan is a preview: its closures are not built
hint: nixfleet build plan.json`)},
		{"another version", edit(func(p *plan) { p.part.Index.Version = 2; p.seal(t) }), autogold.Expect(`wrong format: expected nixfleet.plan of version 1 with manifests of version 1, found "nixfleet.plan", 2 and 1`)},
		{"an edited closure", func() *plan {
			p := intent{closure: closure()}.plan(t)
			p.part.Closure[0].NarSize++
			return p
		}(), autogold.Expect("wrong digest of the closure of web-1: expected sha256:…, found sha256:…")},
		{"a host that the plan does not have", edit(func(p *plan) {
			p.part.Index.Hosts["web-2"] = p.part.Index.Hosts["web-1"]
			delete(p.part.Index.Hosts, "web-1")
			p.seal(t)
		}), autogold.Expect(`the plan sha256:… has no host "web-1"`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.want.Equal(t, withoutDigests(w.refusal(c.plan)))
		})
	}
}

func TestUsersAtWork(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(webHost())
	w.processes[903] = nil
	uid := 0
	if _, err := fmt.Sscanf(w.read("/etc/passwd")[len("root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/usr/sbin/nologin\nweb:x:"):], "%d", &uid); err != nil {
		t.Fatal(err)
	}
	w.processes[uid] = []process.Process{{ID: 4711, Unit: "session-1.scope"}, {ID: 4712, Unit: "web.service"}}
	autogold.Expect(`the user "web" has a running process, which forbids removing it: expected none, found process 4711 of session-1.scope
hint: end its processes first`).Equal(t, w.refusal(intent{}.plan(t)))
	moved := webHost()
	moved.users[0].Home = "/home/web"
	autogold.Expect(`the user "web" has a running process, which forbids changing its home: expected none, found process 4711 of session-1.scope
hint: end its processes first`).Equal(t, w.refusal(moved.plan(t)))
	w.processes[uid] = w.processes[uid][1:]
	w.mustExecute(intent{}) // its only process belongs to a unit that stops first
}
