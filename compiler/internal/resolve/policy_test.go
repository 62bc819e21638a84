package resolve

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

const age = `"ciphertext": "age-encryption.org/v1\n-> X25519 x\n", "mode": "0400", "owner": "root", "group": "root", "at": "m.nix:9"`

func TestRefusedPolicies(t *testing.T) {
	check := func(fields string) string {
		return `{"healthChecks": {"web": {"from": "host", "startDelay": "0s", "interval": "5s", "timeout": "3s", "at": "m.nix:5", ` + fields + `}}}`
	}
	hook := func(fields string) string {
		return `{"hooks": {"drain": {"when": "before-activation", "on": "controller", "command": "true", "timeout": "1m", "at": "m.nix:6", ` + fields + `}}}`
	}
	task := func(fields string) string {
		return `{"tasks": {"purge": {"command": "true", "user": "root", "timeout": "1m", "at": "m.nix:7", ` + fields + `}}}`
	}
	secret := func(fields string) string {
		return `{"secrets": {"tls": {"path": "/run/nixfleet-secrets/tls", ` + age + fields + `}}}`
	}
	unit := func(name, text string) string {
		data, _ := json.Marshal(map[string]any{"units": map[string]any{name: map[string]any{"text": text, "at": "m.nix:3"}}})
		return string(data)
	}
	for _, c := range []struct{ fields, want string }{
		{check(`"kind": "unit", "unit": "nginx"`), `error: "nginx" is not a unit name with its type, as "nginx.service" [unit-name]
  at m.nix:5, nixfleet.healthChecks.web.unit, host web-1`},
		{check(`"kind": "unit", "unit": "a.service", "from": "controller"`), `error: a unit can be asked for on its host only [policy-value]`},
		{check(`"kind": "unit", "unit": "a.service", "port": 80`), `error: port belongs to checks of kind "tcp", this one is of kind "unit" [policy-value]`},
		{check(`"kind": "http", "url": "localhost/x"`), `error: "localhost/x" is not a URL with http or https and a host [policy-value]`},
		{check(`"kind": "http", "url": "http://localhost/", "status": 99`), `99 is not an HTTP status: expected 100 to 599`},
		{check(`"kind": "http", "url": "http://localhost/", "body": "("`), `"(" is not a regular expression: error parsing regexp`},
		{check(`"kind": "tcp", "port": 0`), `0 is not a port: expected 1 to 65535`},
		{check(`"kind": "command"`), `the command is empty`},
		{check(`"kind": "ping"`), `error: "ping" is none of "unit", "http", "tcp", "command" [policy-value]
  at m.nix:5, nixfleet.healthChecks.web.kind, host web-1`},
		{check(`"kind": "command", "command": "true", "interval": "0s"`), `error: the interval is 0s: expected more than nothing [duration]`},
		{check(`"kind": "command", "command": "true", "timeout": "3"`), `error: "3" is not a duration: expected it as in "90s", "5m" or "1h30m" [duration]
  at m.nix:5, nixfleet.healthChecks.web.timeout, host web-1`},
		{check(`"kind": "command", "command": "true", "retries": -1`), `retries is -1: expected 0 or more`},
		{strings.Replace(check(`"kind": "command", "command": "true"`), `"web"`, `"a/b"`, 1), `error: "a/b" is not a name of letters, digits, '.', '_' and '-' of at most 100 characters [policy-name]
  at m.nix:5, nixfleet.healthChecks."a/b", host web-1`},

		{hook(`"command": " "`), `error: the command is empty [policy-value]
  at m.nix:6, nixfleet.hooks.drain.command, host web-1`},
		{hook(`"command": "a\u0000"`), `the command has a NUL byte`},
		{hook(`"when": "later"`), `"later" is none of "before-activation", "after-activation", "before-reboot", "after-reboot"`},
		{hook(`"on": "moon"`), `"moon" is none of "host", "controller"`},
		{hook(`"timeout": "-1s"`), `"-1s" is not a duration`},

		{task(`"user": "Root"`), `error: "Root" is not a lower-case account name of at most 32 characters [account-name]
  at m.nix:7, nixfleet.tasks.purge.user, host web-1`},
		{task(`"environment": {"A B": ""}`), `error: "A B" is not the name of a variable [policy-value]`},
		{task(`"environment": {"A": "\u0000"}`), `the variable A has a NUL byte`},
		{task(`"description": "a\nb"`), `the description has more than one line`},
		{task(`"timeout": ""`), `"" is not a duration`},

		{secret(`, "ciphertext": "hunter2"`), `error: the ciphertext of tls is not a file that age encrypted [secret-content]
  at m.nix:9, nixfleet.secrets.tls, host web-1`},
		{secret(`, "ciphertext": null, "ciphertextBase64": "YWdl"`), `is not a file that age encrypted`},
		{secret(`, "ciphertextBase64": "!"`), `the ciphertext of tls is not base64`},
		{secret(`, "ciphertext": null`), `the secret tls needs exactly one ciphertext`},
		{secret(`, "path": "/etc/tls"`), `error: "/etc/tls" is not a clean path below /run/nixfleet-secrets, where secrets are kept in memory [path-invalid]
  at m.nix:9, nixfleet.secrets.tls.path, host web-1`},
		{secret(`, "path": "/run/nixfleet-secrets/../x"`), `is not a clean path`},
		{secret(`, "mode": "999"`), `the mode "999" is not four octal digits`},
		{secret(`, "restartUnits": ["x"]`), `nixfleet.secrets.tls.restartUnits`},
		{`{"secrets": {"a": {"path": "/run/nixfleet-secrets/x", ` + age + `}, "b": {"path": "/run/nixfleet-secrets/x", ` + age + `}}}`,
			`error: /run/nixfleet-secrets/x is a secret of two: of nixfleet.secrets.a and of nixfleet.secrets.b [path-conflict]`},

		{`{"masks": {"apt": {"at": "m.nix:8"}}}`, `error: "apt" is not a unit name with its type, as "nginx.service" [unit-name]
  at m.nix:8, nixfleet.systemd.masks.apt, host web-1`},
		{`{"masks": {"a.target": {"at": "m.nix:8"}}, "units": {"a.target": {"text": "[Unit]\n"}}}`, `error: /etc/systemd/system/a.target is a unit and a masked unit [path-conflict]
  at m.nix:8, nixfleet.systemd.masks."a.target", host web-1`},
		{`{"units": {"a.service": {"text": "[Install]\nAlias=b.service"}, "b.service": {"text": "[Service]\n"}}}`, `error: /etc/systemd/system/b.service is a unit and a link [path-conflict]`},
		{`{"units": {"a.service": {"text": "[Install]\nAlias=c.service"}, "b.service": {"text": "[Install]\nAlias=c.service"}}}`,
			`c.service is a link of two: of nixfleet.systemd.units."a.service" and of nixfleet.systemd.units."b.service"`},
		{`{"units": {"a.service": {"text": "[Service]\n", "onChange": "explode", "at": "m.nix:3"}}}`, `"explode" is none of "stop-start", "restart", "reload", "keep"`},
		{unit("a.timer", "[Timer]\nOnCalendar=daily\n"), `error: the timer a.timer starts a.service, which the host does not have [unit-triggers]
  at m.nix:3, nixfleet.systemd.units."a.timer", host web-1
hint: declare a.service, or name the operating system's unit that it starts:
  [Timer]
  Unit=a.service`},
		{unit("a.path", "[Path]\nPathExists=/x\n"), `the path a.path starts a.service, which the host does not have`},
		{unit("a.socket", "[Socket]\nAccept=yes\n"), `the socket a.socket starts a@.service, which the host does not have`},

		{file(`"/etc/x": {` + plain + `, "validate": " "}`), `error: the command that validates /etc/x is empty or has a NUL byte [file-validate]
  at nixfleet.files."/etc/x".validate, host web-1`},
		{file(`"/etc/x": {"symlink": "/y", "mode": "0644", "owner": "root", "group": "root", "validate": "true %s"}`), `/etc/x is a symbolic link: there is no content to validate`},
		{`{"reboot": {"auto": true, "windows": ["Sunday"], "deadline": "10m", "stability": "10s"}}`, `error: "Sunday" is not a window: it has no end; expected one as "Sun 02:00-04:00", "Mon-Fri 22:00-04:00" or "02:00-04:00" [window]
  at nixfleet.reboot.windows, host web-1`},
		{`{"activation": {"confirmWindow": "soon", "keepGenerations": 10}}`, `error: "soon" is not a duration: expected it as in "90s", "5m" or "1h30m" [duration]
  at nixfleet.activation.confirmWindow, host web-1`},
		{`{"activation": {"confirmWindow": "2h", "keepGenerations": 10}}`, `error: "2h" is no time to wait: expected 0s, or between 1s and 1h [duration]
  at nixfleet.activation.confirmWindow, host web-1`},
		{`{"activation": {"confirmWindow": "0s", "keepGenerations": 1}}`, `error: 1 generations leave nothing to roll back to: expected 2 or more [policy-value]
  at nixfleet.activation.keepGenerations, host web-1`},
		{`{"reboot": {"auto": true, "deadline": "0s", "stability": "10s"}}`, `"0s" is not a duration`},
		{`{"osUpdates": {"ubuntu": {"mode": "manual", "rebootWindow": "x"}}}`, `error: "x" is not a window: it has no end`},
		{`{"osUpdates": {"ubuntu": {"mode": "manual", "rebootWindow": ["Sun 02:00-24:00", "y"]}}}`, `error: "y" is not a window: it has no end`},
	} {
		_, _, found := resolveOne(t, c.fields)
		if !found.Failed() || !strings.Contains(found.Error(), c.want) {
			t.Errorf("%s\ngives\n%v\nwant\n%s", c.fields, found, c.want)
		}
		if strings.Contains(found.Error(), "hunter2") {
			t.Error("a secret shows up in a message")
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

func TestPolicies(t *testing.T) {
	h, fleet, found := resolveOne(t, `{
		"masks": {"b.service": {}, "a.service": {}},
		"units": {"app.service": {"text": "[Service]\n", "onChange": "reload"}},
		"files": {"/etc/sudoers.d/app": {`+plain+`, "validate": "visudo -cf %s"}},
		"healthChecks": {
			"web": {"kind": "http", "from": "controller", "url": "http://web-1/", "status": null, "startDelay": "2s", "interval": "1s", "timeout": "3s", "retries": 2},
			"app": {"kind": "unit", "from": "host", "unit": "app.service", "startDelay": "0s", "interval": "1s", "timeout": "3s"}
		},
		"hooks": {"drain": {"when": "before-activation", "on": "controller", "command": "drain", "timeout": "1m", "required": true, "always": true}},
		"tasks": {"purge": {"description": "empties the cache", "command": "rm -r /x", "user": "app", "environment": {"A": "b"}, "timeout": "1h"}},
		"secrets": {"tls": {"path": "/run/nixfleet-secrets/tls", `+age+`, "restartUnits": ["b.service", "app.service"], "reloadUnits": ["app.service", "cron.service"]}},
		"reboot": {"auto": true, "windows": ["Sun 02:00-04:00"], "deadline": "10m", "stability": "10s"}
	}`)
	if len(found) != 0 {
		t.Fatal(found)
	}
	m := h.Manifest
	if want := []schema.UnitName{"a.service", "b.service"}; !reflect.DeepEqual(m.Masks, want) {
		t.Errorf("masks are %v", m.Masks)
	}
	if m.Units[0].OnChange != schema.Reload || m.Files[0].Validate != "visudo -cf %s" {
		t.Errorf("%+v %+v", m.Units, m.Files)
	}
	if want := []schema.HealthCheck{
		{Name: "app", Kind: schema.CheckUnit, From: schema.OnHost, Unit: "app.service", StartDelay: "0s", Interval: "1s", Timeout: "3s"},
		{Name: "web", Kind: schema.CheckHTTP, From: schema.OnController, URL: "http://web-1/", Status: 200, StartDelay: "2s", Interval: "1s", Timeout: "3s", Retries: 2},
	}; !reflect.DeepEqual(m.HealthChecks, want) {
		t.Errorf("health checks are %+v", m.HealthChecks)
	}
	if want := []schema.Hook{{Name: "drain", When: schema.BeforeActivation, On: schema.OnController, Command: "drain", Timeout: "1m", Required: true, Always: true}}; !reflect.DeepEqual(m.Hooks, want) {
		t.Errorf("hooks are %+v", m.Hooks)
	}
	if want := []schema.Task{{Name: "purge", Description: "empties the cache", Command: "rm -r /x", User: "app", Environment: map[string]string{"A": "b"}, Timeout: "1h"}}; !reflect.DeepEqual(m.Tasks, want) {
		t.Errorf("tasks are %+v", m.Tasks)
	}
	secret := m.Secrets[0]
	if text := fleet.Payloads[secret.Ciphertext]; !strings.HasPrefix(text, ageHead) {
		t.Errorf("the ciphertext is %q", text)
	}
	if !reflect.DeepEqual(secret.Restart, []schema.UnitName{"app.service", "b.service"}) || !reflect.DeepEqual(secret.Reload, []schema.UnitName{"cron.service"}) {
		t.Errorf("the secret is %+v", secret)
	}
	if want := (&schema.RebootPolicy{Auto: true, Windows: []string{"Sun 02:00-04:00"}, Deadline: "10m", Stability: "10s"}); !reflect.DeepEqual(m.Reboot, want) {
		t.Errorf("reboot is %+v", m.Reboot)
	}
}

func TestTextLimit(t *testing.T) {
	h := host(t, `{}`)
	text := strings.Repeat("x", maxText+1)
	h.Files = map[string]intent.File{"/etc/x": {Text: &text, Mode: "0644", Owner: "root", Group: "root", At: "m.nix:1"}}
	_, found := Resolve(&intent.Result{Hosts: map[string]intent.Host{"web-1": h}}, nowhere)
	want := `error: /etc/x has a text of 67108865 bytes: a plan carries texts of at most 67108864 bytes [file-content]
  at m.nix:1, nixfleet.files."/etc/x", host web-1
hint: give it as a source`
	if !strings.Contains(found.Error(), want) {
		t.Error(found)
	}
}
