package host

import (
	"os"
	"strings"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/schema"
)

// webHost is a host with something of every kind.
func webHost() intent {
	return intent{
		groups:      []schema.Group{{Name: "web", System: true}},
		users:       []schema.User{user("web")},
		directories: []schema.Directory{{Path: "/var/lib/web", Mode: "0750", Owner: "root", Group: "root"}},
		files: []schema.File{
			file("/etc/web/web.conf", "port 8080\n"),
			{Path: "/etc/web/current", Symlink: "web.conf", Mode: "0644", Owner: "root", Group: "root"},
		},
		units:    []schema.Unit{service("web.service", "# 1\nExecStart=run\n")},
		restarts: []schema.RestartRule{{Unit: "web.service", Restart: []string{"/etc/web/web.conf"}}},
	}
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("gives files away, which only root can")
	}
}

func TestFirstApplyAndNoSecond(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	changes := w.mustExecute(webHost())
	autogold.Expect(`create group web
create user web
create directory /etc/systemd/system/multi-user.target.wants (on the way to /etc/systemd/system/multi-user.target.wants/web.service)
create directory /etc/web (on the way to /etc/web/current)
create directory /var/lib/web
create file /etc/web/current
create file /etc/web/web.conf
create unit web.service (enabled)
start unit web.service (enabled)`).Equal(t, summary(changes))
	autogold.Expect([]string{
		"daemon-reload", "reset-failed web.service",
		`start web.service "# 1"`,
	}).Equal(t, w.systemd.log)
	if w.read("/etc/web/current") != "port 8080\n" {
		t.Error("the link does not lead to the file")
	}
	w.mustBeUnchanged(webHost())
	w.systemd.log, w.tools.log = nil, nil
	if changes := w.mustExecute(webHost()); len(changes) > 0 || len(w.systemd.log) > 0 || len(w.tools.log) > 0 {
		t.Errorf("a second apply did something: %v %v %v", changes, w.systemd.log, w.tools.log)
	}
	w.mustBeClean()
}

// mustBeClean asserts that nothing temporary is left.
func (w *world) mustBeClean() {
	w.t.Helper()
	w.mustBeCleanIn(w.image())
}

func (w *world) mustBeCleanIn(root image) {
	w.t.Helper()
	for _, e := range root {
		if strings.Contains(e.path, "staging") || strings.HasSuffix(e.path, ".nixfleet") || strings.HasSuffix(e.path, ".new") ||
			strings.HasPrefix(e.path, "/var/lib/nixfleet/scratch/") {
			w.t.Errorf("%s is left", e.path)
		}
	}
}

func TestChangesRestartOnlyWhatTheRestartMapSays(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	two := webHost()
	two.units = append(two.units, service("other.service", "# o\nExecStart=run\n"))
	two.files = append(two.files, file("/etc/reloaded", "1"), file("/etc/silent", "1"))
	two.restarts = append(two.restarts, schema.RestartRule{Unit: "other.service", Reload: []string{"/etc/reloaded"}},
		schema.RestartRule{Unit: "absent.service", Restart: []string{"/etc/silent"}})
	w.mustExecute(two)
	for _, c := range []struct {
		name string
		edit func(*intent)
		want autogold.Value
	}{
		{"a file with a restart", func(i *intent) { i.files[0].Payload = "port 8081\n" }, autogold.Expect(`update file /etc/web/web.conf (content)
restart unit web.service (/etc/web/web.conf changed)
systemd: [reset-failed web.service restart web.service "# 1"]`)},
		{"only its mode", func(i *intent) { i.files[0].Mode = "0600" }, autogold.Expect(`update file /etc/web/web.conf (mode 0644 -> 0600)
restart unit web.service (/etc/web/web.conf changed)
systemd: [reset-failed web.service restart web.service "# 1"]`)},
		{"a file with a reload", func(i *intent) { i.files[2].Payload = "2" }, autogold.Expect(`update file /etc/reloaded (content)
reload unit other.service (/etc/reloaded changed)
systemd: [reload other.service "# o"]`)},
		{"a file of a unit that is not there", func(i *intent) { i.files[3].Payload = "2" }, autogold.Expect(`update file /etc/silent (content)
systemd: []`)},
		{"a unit's text", func(i *intent) { i.units[0].Payload = "# 2\nExecStart=run\n" }, autogold.Expect(`stop unit web.service (its unit changed)
update unit web.service (content)
start unit web.service (its unit changed)
systemd: [stop web.service "# 1" daemon-reload reset-failed web.service restart web.service "# 2"]`)},
		{"a unit's text that restarts", func(i *intent) {
			i.units[1].OnChange, i.units[1].Payload = schema.Restart, "# p\nExecStart=run\n"
		}, autogold.Expect(`update unit other.service (content)
restart unit other.service (its unit changed)
systemd: [daemon-reload reset-failed other.service restart other.service "# p"]`)},
		{"a unit's text that is kept running", func(i *intent) {
			i.units[1].OnChange, i.units[1].Payload = schema.Keep, "# q\nExecStart=run\n"
		}, autogold.Expect(`update unit other.service (content)
systemd: [daemon-reload]`)},
		{"a drop-in", func(i *intent) {
			i.files = append(i.files, file("/etc/systemd/system/ssh.service.d/x.conf", "[Service]\n"))
		}, autogold.Expect(`create directory /etc/systemd/system/ssh.service.d (on the way to /etc/systemd/system/ssh.service.d/x.conf)
create file /etc/systemd/system/ssh.service.d/x.conf
systemd: [daemon-reload]`)},
		{"no longer enabled", func(i *intent) { i.units[1].Enabled, i.units[1].Links, i.units[1].Starts = false, nil, nil }, autogold.Expect(`stop unit other.service (no longer enabled)
disable unit other.service (multi-user.target.wants/other.service)
systemd: [stop other.service "# q" daemon-reload]`)},
		{"a unit that goes, with its file", func(i *intent) { i.units, i.files, i.restarts = i.units[1:], i.files[1:], nil }, autogold.Expect(`stop unit web.service (no longer declared)
remove unit web.service
remove file /etc/web/web.conf
remove directory /etc/systemd/system/multi-user.target.wants
systemd: [stop web.service "# 2" daemon-reload]`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.systemd.log = nil
			c.edit(&two)
			text := summary(w.mustExecute(two)) + "\nsystemd: [" + strings.Join(w.systemd.log, " ") + "]"
			c.want.Equal(t, text)
			w.mustBeUnchanged(two)
			w.mustBeClean()
		})
	}
}
