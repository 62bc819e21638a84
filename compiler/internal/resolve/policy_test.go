package resolve

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

const age = `"ciphertext": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "mode": "0400", "owner": "root", "group": "root", "at": "m.nix:9"`

func TestRefusedPolicies(t *testing.T) {
	check := func(fields string) string {
		return `{"healthChecks": {"web": {"from": "host", "startDelay": "0s", "interval": "5s", "timeout": "3s", "at": "m.nix:5", ` + fields + `}}}`
	}
	secret := func(fields string) string {
		return `{"secrets": {"tls": {"path": "/run/nixfleet-secrets/tls", ` + age + fields + `}}}`
	}
	unit := func(name, text string) string {
		data, _ := json.Marshal(map[string]any{"units": map[string]any{name: map[string]any{"text": text, "at": "m.nix:3"}}})
		return string(data)
	}
	for _, c := range []struct{ fields, want string }{
		{check(`"kind": "http", "url": "http:///x"`), `error: "http:///x" is not a URL with http or https and a host [policy-value]
  at m.nix:5, nixfleet.healthChecks.web.url, host web-1`},
		{check(`"kind": "http", "url": "http://localhost/", "body": "("`), `"(" is not a regular expression: error parsing regexp`},

		{secret(`, "path": "/etc/tls"`), `error: "/etc/tls" is not a clean path below /run/nixfleet-secrets, where secrets are kept in memory [path-invalid]
  at m.nix:9, nixfleet.secrets.tls.path, host web-1`},
		{secret(`, "path": "/run/nixfleet-secrets/../x"`), `is not a clean path`},
		{`{"secrets": {"a": {"path": "/run/nixfleet-secrets/x", ` + age + `}, "b": {"path": "/run/nixfleet-secrets/x", ` + age + `}}}`,
			`error: /run/nixfleet-secrets/x is a secret of two: of nixfleet.secrets.a and of nixfleet.secrets.b [path-conflict]`},

		{`{"masks": {"a.target": {"at": "m.nix:8"}}, "units": {"a.target": {"text": "[Unit]\n"}}}`, `error: /etc/systemd/system/a.target is a unit and a masked unit [path-conflict]
  at m.nix:8, nixfleet.systemd.masks."a.target", host web-1`},
		{`{"units": {"a.service": {"text": "[Install]\nAlias=b.service"}, "b.service": {"text": "[Service]\n"}}}`, `error: /etc/systemd/system/b.service is a unit and a link [path-conflict]`},
		{`{"units": {"a.service": {"text": "[Install]\nAlias=c.service"}, "b.service": {"text": "[Install]\nAlias=c.service"}}}`,
			`c.service is a link of two: of nixfleet.systemd.units."a.service" and of nixfleet.systemd.units."b.service"`},
		{unit("a.timer", "[Timer]\nOnCalendar=daily\n"), `error: the timer a.timer starts a.service, which the host does not have [unit-triggers]
  at m.nix:3, nixfleet.systemd.units."a.timer", host web-1
hint: declare a.service, or name the operating system's unit that it starts:
  [Timer]
  Unit=a.service`},
		{unit("a.path", "[Path]\nPathExists=/x\n"), `the path a.path starts a.service, which the host does not have`},
		{unit("a.socket", "[Socket]\nAccept=yes\n"), `the socket a.socket starts a@.service, which the host does not have`},

		{file(`"/etc/x": {"symlink": "/y", "mode": "0644", "owner": "root", "group": "root", "validate": "true %s"}`), `/etc/x is a symbolic link: there is no content to validate`},
		{`{"reboot": {"auto": true, "windows": ["Sunday"], "deadline": "10m", "stability": "10s"}}`, `error: "Sunday" is not a window: it has no end; expected one as "Sun 02:00-04:00", "Mon-Fri 22:00-04:00" or "02:00-04:00" [window]
  at nixfleet.reboot.windows, host web-1`},
		{`{"rebootWindows": ["x"]}`, `error: "x" is not a window: it has no end`},
		{`{"osUpdates": {"ubuntu": {"mode": "manual", "rebootWindows": ["Sun 02:00-24:00", "y"]}}}`, `error: "y" is not a window: it has no end`},
	} {
		_, _, found := resolveOne(t, c.fields)
		if !found.Failed() || !strings.Contains(found.Error(), c.want) {
			t.Errorf("%s\ngives\n%v\nwant\n%s", c.fields, found, c.want)
		}
	}
}

func TestPolicyWarnings(t *testing.T) {
	for _, c := range []struct{ fields, want string }{
		{`{"units": {"nginx.service": {"text": "[Service]\n"}}, "files": {"/etc/x": {` + plain + `, "restartUnits": ["ngnix.service"], "at": "m.nix:2"}}}`,
			`warning: this fleet has no unit ngnix.service for the host, which restartUnits names [unit-unknown]
  at m.nix:2, nixfleet.files."/etc/x".restartUnits, host web-1
hint: did you mean "nginx.service"? If ngnix.service is the operating system's own, all is well`},
		{`{"units": {"myapp.service": {"text": "[Service]\n"}}, "secrets": {"a": {"path": "/run/nixfleet-secrets/a", ` + age + `, "reloadUnits": ["mypap.service"]}}}`, `did you mean "myapp.service"?`},
		{`{"units": {"worker@.service": {"text": "[Service]\n"}, "w.timer": {"text": "[Timer]\nUnit=worker.service\n"}}}`, `did you mean "worker@.service"?`},
		{`{"files": {"/etc/x": {` + plain + `, "restartUnits": ["nobodys.service"], "at": "m.nix:2"}}}`,
			`warning: this fleet has no unit nobodys.service for the host, which restartUnits names [unit-unknown]
  at m.nix:2, nixfleet.files."/etc/x".restartUnits, host web-1
hint: if the operating system of the host has nobodys.service, all is well; else declare it in nixfleet.systemd`},
		{`{"files": {"/etc/x": {` + plain + `, "reloadUnits": ["ngnix.service"]}}}`, `did you mean "nginx.service"? If ngnix.service is the operating system's own, all is well`},
		{`{"files": {"/etc/x": {` + plain + `, "validate": "nginx -t"}}}`, `warning: the command "nginx -t" does not look at the new /etc/x [file-validate]
  at nixfleet.files."/etc/x".validate, host web-1
hint: write %s where the path of the staged file belongs, as "visudo -cf %s"`},
	} {
		_, _, found := resolveOne(t, c.fields)
		if found.Failed() || !strings.Contains(found.Error(), c.want) {
			t.Errorf("%s\ngives\n%v\nwant\n%s", c.fields, found, c.want)
		}
	}
}

// TestOrdinaryNamesAreNoMisspelling holds the names that must not be warned of.
func TestOrdinaryNamesAreNoMisspelling(t *testing.T) {
	for _, c := range []struct{ name, declared string }{
		{"ssh.service", "sshd-keys.service"}, {"app-2.service", "app-1.service"}, {"cron.service", "iron.service"},
		{"ssh.service", "ssh.socket"}, {"nginx.service", "apache2.service"}, {"web.service", "wab.service"},
	} {
		if alike(c.name, c.declared) {
			t.Errorf("%s counts as misspelt %s", c.name, c.declared)
		}
	}
	_, _, found := resolveOne(t, `{"units": {"worker@.service": {"text": "[Service]\n"}, "job.timer": {"text": "[Timer]\nUnit=fstrim.service\n"}},
		"files": {"/etc/x": {`+plain+`, "restartUnits": ["worker@1.service", "ssh.service"]}}}`)
	if len(found) != 0 {
		t.Error(found)
	}
	_, _, found = resolveOne(t, `{"masks": {"noise.service": {}}, "files": {"/usr/local/lib/systemd/system/mine.service": {`+plain+`},
		"/etc/systemd/system/theirs.service.d/x.conf": {`+plain+`}, "/etc/x": {`+plain+`, "restartUnits":
		["mine.service", "theirs.service", "noise.service", "postgresql@14-main.service", "systemd-networkd.service", "php8.3-fpm.service", "cron.service"]}}}`)
	if len(found) != 0 {
		t.Error(found)
	}
}

func TestTextLimit(t *testing.T) {
	h, _ := host(t, `{"files": {"/etc/x": {`+plain+`, "at": "m.nix:1"}}}`)
	text := strings.Repeat("x", maxText+1)
	h.Manifest.Files[0].Payload = schema.DigestOf([]byte(text))
	_, found := Resolve(&intent.Result{Hosts: map[string]intent.Host{"web-1": h}, Texts: []string{text}}, nowhere)
	want := `error: /etc/x has a text of 67108865 bytes: a plan carries texts of at most 67108864 bytes [file-content]
  at m.nix:1, nixfleet.files."/etc/x", host web-1
hint: give it as a source`
	if !strings.Contains(found.Error(), want) {
		t.Error(found)
	}
}
