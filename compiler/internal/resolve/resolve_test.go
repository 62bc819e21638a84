package resolve

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

const someKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN0PnHkPZZaTXMLzzMyJyOH5xXtZmqPQIW5sw5oxE3k5"

// host is a host that is in order, with fields set as in the library's JSON.
func host(t *testing.T, fields string) intent.Host {
	t.Helper()
	var h intent.Host
	base := `{"base": "ubuntu", "system": "x86_64-linux", "connection": {"addr": "10.0.0.1", "port": 22, "user": "deploy"},
		"activation": {"confirmWindow": "60s", "keepGenerations": 10}}`
	for _, text := range []string{base, fields} {
		if err := json.Unmarshal([]byte(text), &h); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return h
}

func resolveOne(t *testing.T, fields string) (Host, Fleet, diagnostic.List) {
	t.Helper()
	result := &intent.Result{Hosts: map[string]intent.Host{"web-1": host(t, fields)}}
	fleet, found := Resolve(result, nowhere)
	return fleet.Hosts[0], fleet, found.Sorted()
}

func nowhere(string, ...string) diagnostic.Position { return diagnostic.Position{} }

func file(fields string) string {
	return `{"files": {` + fields + `}}`
}

const plain = `"text": "x", "mode": "0644", "owner": "root", "group": "root"`

func TestRefusals(t *testing.T) {
	unit := func(name, text string) string {
		data, _ := json.Marshal(map[string]any{"units": map[string]any{name: map[string]any{"text": text, "enabled": true, "at": "m.nix:3"}}})
		return string(data)
	}
	user := func(name, fields string) string {
		return `{"users": {"` + name + `": {"system": true, "group": "x", ` + fields + `"at": "m.nix:4"}}}`
	}
	for _, c := range []struct{ fields, want string }{
		{`{"connection": {"addr": null}}`, `error: the host "web-1" has no address [host-no-address]
  at hosts.web-1.addr, host web-1
hint: give the host an addr: a DNS name or an IP address`},
		{`{"connection": {"addr": "10.0.0.1:22"}}`, `error: "10.0.0.1:22" is not an address: it has a port in it [host-address]`},
		{`{"connection": {"addr": "-oProxyCommand=x"}}`, `"-oProxyCommand=x" is not an address`},
		{`{"connection": {"addr": "deploy@web"}}`, `"deploy@web" is not an address`},
		{`{"connection": {"port": 0}}`, `error: 0 is not a port: expected 1 to 65535 [host-connection]`},
		{`{"connection": {"user": "de ploy"}}`, `error: "de ploy" is not the name of a user [host-connection]`},
		{`{"connection": {"proxyJump": "-x"}}`, `"-x" is not a jump host`},
		{`{"connection": {"hostKeys": ["ssh-ed25519"]}}`, `"ssh-ed25519" is not a host key: it has no key after the type`},
		{`{"connection": {"hostKeys": ["ssh-ed25519 !!"]}}`, `the key is not base64`},
		{`{"connection": {"hostKeys": ["ssh-rsa ` + strings.Fields(someKey)[1] + `"]}}`, `type and key do not belong together`},

		{file(`"/etc/passwd": {` + plain + `, "at": "m.nix:2"}`), `error: /etc/passwd cannot be managed: declare the account in nixfleet.users [path-invalid]
  at m.nix:2, nixfleet.files."/etc/passwd", host web-1`},
		{file(`"etc/x": {` + plain + `}`), `error: the path is relative; write it from the root, as "/etc/x" [path-invalid]`},
		{file(`"/": {` + plain + `}`), `the root directory cannot be managed`},
		{file(`"/etc/../x": {` + plain + `}`), `the path is not clean; write "/x"`},
		{file(`"/etc/systemd/system/a.service": {` + plain + `}`), `declare the unit in nixfleet.systemd.units`},
		{file(`"/etc/x": {"text": "x", "mode": "9999", "owner": "root", "group": "root"}`), `error: the mode "9999" is not four octal digits, as "0644" [mode-invalid]
  at nixfleet.files."/etc/x".mode, host web-1`},
		{file(`"/etc/x": {"text": "x", "mode": "0644", "owner": "Root", "group": "a b"}`), `error: the group "a b" is not a lower-case account name of at most 32 characters [owner-invalid]
  at nixfleet.files."/etc/x".group, host web-1
error: the owner "Root" is not`},
		{file(`"/etc/x": {"mode": "0644", "owner": "root", "group": "root"}`), `error: /etc/x has 0 contents: expected exactly one of text, source and symlink [file-content]`},
		{file(`"/etc/x": {` + plain + `, "symlink": "/a"}`), `/etc/x has 2 contents`},
		{file(`"/etc/x": {"symlink": "", "mode": "0644", "owner": "root", "group": "root"}`), `a symbolic link needs a target of 1 to 4095 bytes`},
		{file(`"/etc/x": {"source": "/etc/hosts", "mode": "0644", "owner": "root", "group": "root"}`), `error: the source "/etc/hosts" is not in the Nix store [file-source]`},
		{file(`"/etc/x": {"source": "/nix/store/../../etc/shadow", "mode": "0644", "owner": "root", "group": "root"}`), `is not in the Nix store`},
		{file(`"/etc/x": {` + plain + `, "restartUnits": ["nginx"]}`), `error: "nginx" is not a unit name with its type, as "nginx.service" [unit-name]
  at nixfleet.files."/etc/x".restartUnits, host web-1`},
		{file(`"/etc/x": {` + plain + `, "reloadUnits": ["../x.service"]}`), `nixfleet.files."/etc/x".reloadUnits`},

		{`{"directories": {"/var/lib/dpkg/x": {"mode": "0755", "owner": "root", "group": "root"}}}`, `error: /var/lib/dpkg/x cannot be managed: it belongs to dpkg [path-invalid]
  at nixfleet.directories."/var/lib/dpkg/x", host web-1`},
		{`{"files": {"/etc/x": {` + plain + `}}, "directories": {"/etc/x": {"mode": "0755", "owner": "root", "group": "root"}}}`, `error: /etc/x is a directory and a file [path-conflict]
  at nixfleet.files."/etc/x", host web-1
  the other is nixfleet.directories."/etc/x"`},
		{file(`"/etc/x": {` + plain + `}, "/etc/x/a/b": {` + plain + `}`), `error: /etc/x/a/b lies inside the file /etc/x [path-conflict]`},
		{`{"files": {"/etc/x": {"symlink": "/y", "mode": "0644", "owner": "root", "group": "root"}}, "directories": {"/etc/x/d": {"mode": "0755", "owner": "root", "group": "root"}}}`, `/etc/x/d lies inside the symbolic link /etc/x`},
		{`{"units": {"a.service": {"text": "[Unit]"}}, "directories": {"/etc/systemd/system/a.service": {"mode": "0755", "owner": "root", "group": "root"}}}`, `/etc/systemd/system/a.service is a directory and a unit`},

		{unit("nginx", "[Unit]\n"), `error: "nginx" is not a unit name with its type`},
		{unit("a.service", " \n"), `error: the unit a.service has no text, which systemd takes for masked [unit-text]
  at m.nix:3, nixfleet.systemd.units."a.service", host web-1`},
		{unit("a.service", "[Unit]\nfoo\n"), `error: cannot read the text of a.service: line 2: expected Name=Value, found "foo" [unit-text]`},
		{unit("a.service", "x=1\n"), `line 1: "x=1" stands before the first [Section]`},
		{unit("a.service", "[Unit\n"), `line 1: the section "[Unit" has no closing bracket`},
		{unit("a.service", "[Unit]\nDescription=a \\"), `the last line is continued with a backslash, but nothing follows`},
		{unit("a.service", "[Service]\nExecStart=/bin/true\n"), `error: a.service is enabled but has no [Install] section that says when it starts [unit-install]
  at m.nix:3, nixfleet.systemd.units."a.service", host web-1
hint: add to its text:
  [Install]
  WantedBy=multi-user.target
  or say enabled = false where something else starts it`},
		{unit("a.service", "[Install]\nWantedBy=x.target\nWantedBy=\n"), `a.service is enabled but has no [Install] section`},
		{unit("a.service", "[Install]\nAlso=b.service\n"), `error: the setting Also=b.service in [Install] of a.service is not carried out [unit-install]
  at m.nix:3, nixfleet.systemd.units."a.service", host web-1
hint: declare each of them with enabled = true instead`},
		{unit("a.service", "[Install]\nWantedBy=%i.target\n"), `WantedBy=%i.target in [Install] of a.service has a specifier`},
		{unit("a.service", "[Install]\nWantedBy=multi-user\n"), `WantedBy= in [Install] of a.service: "multi-user" is not a unit name`},
		{unit("a.service", "[Install]\nAlias=b.socket\n"), `Alias=b.socket in [Install] of a.service: expected another name of the same type`},
		{unit("a@.service", "[Install]\nWantedBy=x.target\n"), `error: the template a@.service is enabled but names no instance [unit-install]`},

		{user("Ada", ""), `error: "Ada" is not a lower-case account name of at most 32 characters [account-name]
  at m.nix:4, nixfleet.users.Ada, host web-1`},
		{user("ada", `"extraGroups": ["a b"], `), `nixfleet.users.ada.extraGroups`},
		{user("ada", `"uid": 0, `), `error: uid 0 is root's [account-number]`},
		{user("ada", `"uid": 4294967295, `), `uid 4294967295 is out of range: expected 1 to 4294967294`},
		{user("ada", `"home": "x", `), `error: the home "x" is not an absolute, clean path without colons [account-field]`},
		{user("ada", `"shell": "/bin/a:b", `), `the shell "/bin/a:b" is not an absolute`},
		{user("ada", `"description": "a:b", `), `the description "a:b" has a colon or a line break`},
		{user("ada", `"createHome": true, `), `error: createHome needs a home [account-field]`},
		{`{"users": {"a": {"group": "a", "uid": 9}, "b": {"group": "a", "uid": 9}}}`, `uid 9 is used twice: by "a" and "b"`},
		{`{"accountGroups": {"a": {"gid": 9}, "b": {"gid": 9}}}`, `error: gid 9 is used twice: by "a" and "b" [account-number]
  at nixfleet.groups.b.gid, host web-1`},
		{`{"closure": {"path": "/tmp/x", "derivation": "/nix/store/x"}}`, `internal error: the library names a store path that is none`},
	} {
		_, _, found := resolveOne(t, c.fields)
		if !strings.Contains(found.Error(), c.want) {
			t.Errorf("%s\ngives\n%v\nwant\n%s", c.fields, found, c.want)
		}
		if !found.Failed() {
			t.Errorf("%s is no error", c.fields)
		}
	}
}

func TestCollectsAllFindings(t *testing.T) {
	result := &intent.Result{Hosts: map[string]intent.Host{
		"b": host(t, file(`"etc/x": {`+plain+`}, "/proc/x": {`+plain+`}`)),
		"a": host(t, `{"connection": {"addr": "a"}, "files": {"etc/x": {`+plain+`}}}`),
		"c": host(t, `{"connection": {"addr": "10.0.0.1"}}`),
	}}
	_, found := Resolve(result, nowhere)
	if want := `error: the hosts "b" and "c" are both at 10.0.0.1, port 22 [host-same-address]`; !strings.Contains(found.Error(), want) {
		t.Errorf("want %s in\n%v", want, found)
	}
	if want := "at nixfleet.files.\"etc/x\", host a and b"; !strings.Contains(found.Sorted().Error(), want) {
		t.Errorf("one fault of two hosts is not told as one:\n%v", found.Sorted())
	}
	if len(found.Sorted()) != 3 {
		t.Errorf("found\n%v", found.Sorted())
	}
}

func TestSameAddressBehindOtherJumpHosts(t *testing.T) {
	result := &intent.Result{Hosts: map[string]intent.Host{
		"a": host(t, `{"connection": {"proxyJump": "x"}}`),
		"b": host(t, `{"connection": {"proxyJump": "y"}}`),
		"c": host(t, `{"connection": {"port": 2222}}`),
		"d": host(t, `{}`),
	}}
	if _, found := Resolve(result, nowhere); found.Failed() {
		t.Error(found)
	}
}

func TestAddressForms(t *testing.T) {
	for addr, want := range map[string]string{
		"web-1.example.org": "web-1.example.org", "10.0.0.1": "10.0.0.1", "::1": "::1", "[2001:db8::1]": "2001:db8::1",
		"2001:DB8:0::1": "2001:db8::1", "fe80::1%eth0": "fe80::1%eth0", "web_1": "web_1",
	} {
		h, _, found := resolveOne(t, `{"connection": {"addr": "`+addr+`"}}`)
		if found.Failed() || h.Connection.Address != want {
			t.Errorf("%q becomes %q, want %q (%v)", addr, h.Connection.Address, want, found)
		}
	}
}

func TestManifest(t *testing.T) {
	h, fleet, found := resolveOne(t, `{
		"groups": ["web", "all", "db"], "roles": ["z", "a"],
		"connection": {"hostKeys": ["`+someKey+` root@web-1"]},
		"packages": ["/nix/store/00000000000000000000000000000002-b", "/nix/store/00000000000000000000000000000001-a", "/nix/store/00000000000000000000000000000002-b"],
		"files": {
			"/etc/b": {`+plain+`, "restartUnits": ["z.service", "a.service"], "reloadUnits": ["a.service", "ssh.service"]},
			"/etc/a": {`+plain+`, "restartUnits": ["a.service", "a.service"]}
		},
		"users": {"ada": {"group": "ada", "extraGroups": ["z", "a", "z"]}, "app": {"group": "app", "system": true}},
		"osUpdates": {"ubuntu": {"mode": "manual", "maxConcurrentReboots": 2}, "nixos": {"autoSwitch": true}}
	}`)
	if found.Failed() {
		t.Fatal(found)
	}
	m := h.Manifest
	if want := []string{"db", "web"}; !reflect.DeepEqual(h.Groups, want) {
		t.Errorf("groups are %v", h.Groups)
	}
	if h.Connection.HostKeys[0] != someKey {
		t.Errorf("the host key is %q", h.Connection.HostKeys[0])
	}
	if len(m.Packages) != 2 || !slices.IsSorted(m.Packages) {
		t.Errorf("packages are %v", m.Packages)
	}
	if m.Files[0].Path != "/etc/a" || m.Files[0].Payload != m.Files[1].Payload || len(fleet.Payloads) != 1 {
		t.Errorf("files are %v", m.Files)
	}
	want := []schema.RestartRule{
		{Unit: "a.service", Restart: []string{"/etc/a", "/etc/b"}},
		{Unit: "ssh.service", Reload: []string{"/etc/b"}},
		{Unit: "z.service", Restart: []string{"/etc/b"}},
	}
	if !reflect.DeepEqual(m.Restarts, want) {
		t.Errorf("the restart map is %v, want %v", m.Restarts, want)
	}
	ada, app := m.Users[0], m.Users[1]
	if ada.Home != "/home/ada" || ada.Shell != "/bin/bash" || !reflect.DeepEqual(ada.ExtraGroups, []schema.AccountName{"a", "z"}) {
		t.Errorf("a person is %+v", ada)
	}
	if app.Home != "/nonexistent" || app.Shell != "/usr/sbin/nologin" {
		t.Errorf("a service's account is %+v", app)
	}
	if m.OSUpdates.Ubuntu == nil || m.OSUpdates.Ubuntu.MaxConcurrentReboots != 2 || m.OSUpdates.NixOS != nil {
		t.Errorf("osUpdates are %+v", m.OSUpdates)
	}
	data, err := json.Marshal(m)
	if err != nil || strings.Contains(string(data), "null") {
		t.Errorf("the manifest has a null: %s %v", data, err)
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       schema.Unit
	}{
		{"a.service", "[Install]\nWantedBy=multi-user.target\n", schema.Unit{
			OnChange: schema.StopStart, Links: []string{"multi-user.target.wants/a.service"},
			Starts: []schema.UnitName{"a.service"}, StartWith: []schema.UnitName{"multi-user.target"},
		}},
		{"a.service", "[Install]\nWantedBy=x.target y.target\nRequiredBy=x.target\nUpheldBy=z.service\nAlias=b.service c.service\n", schema.Unit{
			OnChange:  schema.StopStart,
			Links:     []string{"b.service", "c.service", "x.target.requires/a.service", "x.target.wants/a.service", "y.target.wants/a.service", "z.service.upholds/a.service"},
			Starts:    []schema.UnitName{"a.service"},
			StartWith: []schema.UnitName{"x.target", "y.target", "z.service"},
		}},
		{"a.service", "[Install]\nAlias=dbus-org.a.service\n", schema.Unit{OnChange: schema.StopStart, Links: []string{"dbus-org.a.service"}}},
		{"w@.service", "[Install]\nWantedBy=x.target\nDefaultInstance=main\n", schema.Unit{
			OnChange: schema.StopStart, Links: []string{"x.target.wants/w@main.service"},
			Starts: []schema.UnitName{"w@main.service"}, StartWith: []schema.UnitName{"x.target"},
		}},
		{"w@1.service", "[Install]\nWantedBy=x.target\n", schema.Unit{
			OnChange: schema.StopStart, Links: []string{"x.target.wants/w@1.service"},
			Starts: []schema.UnitName{"w@1.service"}, StartWith: []schema.UnitName{"x.target"},
		}},
		{"a.service", "# c\n[Unit]\nDescription=a \\\n; c\n b\n[Install]\n WantedBy = x.target \n", schema.Unit{
			OnChange: schema.StopStart, Links: []string{"x.target.wants/a.service"},
			Starts: []schema.UnitName{"a.service"}, StartWith: []schema.UnitName{"x.target"},
		}},
	} {
		data, _ := json.Marshal(map[string]any{"units": map[string]any{c.name: map[string]any{"text": c.text, "enabled": true}}})
		h, _, found := resolveOne(t, string(data))
		if found.Failed() {
			t.Errorf("%q: %v", c.text, found)
			continue
		}
		c.want.Name, c.want.Enabled, c.want.Payload = schema.UnitName(c.name), true, schema.DigestOf([]byte(c.text))
		if !reflect.DeepEqual(h.Manifest.Units[0], c.want) {
			t.Errorf("%q gives\n%+v, want\n%+v", c.text, h.Manifest.Units[0], c.want)
		}
	}
}

func TestEnabledByItsInstallSection(t *testing.T) {
	for text, want := range map[string]bool{
		"[Service]\nExecStart=/bin/true\n":                   false,
		"[Unit]\nX=y\n[Install]\nWantedBy=multi-user.target": true,
		"[Install]\n": false,
	} {
		for enabled, wanted := range map[string]bool{"null": want, "false": false} {
			data, _ := json.Marshal(text)
			h, _, found := resolveOne(t, `{"units": {"a.service": {"enabled": `+enabled+`, "text": `+string(data)+`}}}`)
			if u := h.Manifest.Units[0]; found.Failed() || u.Enabled != wanted || (len(u.Links) > 0) != wanted {
				t.Errorf("%q with enabled = %s is %+v, %v", text, enabled, u, found)
			}
		}
	}
}

// TestLongLine holds a line that is longer than systemd's parsers of old took.
func TestLongLine(t *testing.T) {
	text := "[Service]\nExecStart=/bin/echo " + strings.Repeat("x", 100_000) + "\n[Install]\nWantedBy=x.target\n"
	if settings, err := parseUnit(text); err != nil || len(settings) != 2 {
		t.Errorf("%d settings, %v", len(settings), err)
	}
}

func TestOnChange(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       schema.OnChange
	}{
		{"a.service", "", schema.StopStart},
		{"a.timer", "", schema.Restart},
		{"a.socket", "", schema.Restart},
		{"a.mount", "", schema.Restart},
		{"a.target", "", schema.Keep},
		{"a.slice", "", schema.Keep},
		{"a.service", "[Unit]\nX-StopIfChanged=false", schema.Restart},
		{"a.service", "[Unit]\nX-RestartIfChanged=false", schema.Keep},
		{"a.service", "[Unit]\nX-ReloadIfChanged=yes", schema.Reload},
		{"a.service", "[Unit]\nX-ReloadIfChanged=yes\nX-ReloadIfChanged=no", schema.StopStart},
		{"a.service", "[Unit]\nRefuseManualStop=1", schema.Keep},
		{"a.service", "[Install]\nRefuseManualStop=1", schema.StopStart},
	} {
		settings, err := parseUnit(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if found := onChange(schema.UnitName(c.name), settings); found != c.want {
			t.Errorf("%s with %q: %q, want %q", c.name, c.text, found, c.want)
		}
	}
}

func TestTimeZone(t *testing.T) {
	for zone, valid := range map[string]bool{"UTC": true, "Europe/Berlin": true, "": false, "Local": false, "Europe/Berln": false, "../../etc/passwd": false} {
		if found := CheckTimeZone(zone, diagnostic.Position{}); found.Failed() == valid {
			t.Errorf("%q: %v", zone, found)
		}
	}
}

func FuzzParseUnit(f *testing.F) {
	f.Add("[Unit]\nA=b\\\nc\n")
	f.Fuzz(func(t *testing.T, text string) {
		settings, err := parseUnit(text)
		if err != nil {
			return
		}
		_, _ = parseInstall("a@.service", settings)
		onChange("a.service", settings)
	})
}
