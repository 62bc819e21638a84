package resolve

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

const someKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN0PnHkPZZaTXMLzzMyJyOH5xXtZmqPQIW5sw5oxE3k5"

// host is a host that is in order, with fields set. Fields of its manifest are objects by
// name or path, and their entries may have a text, the units that a change restarts or
// reloads, and where they were written; the host's texts are returned as well.
func host(t *testing.T, fields string) (intent.Host, []string) {
	t.Helper()
	h := intent.Host{Connection: schema.Connection{Address: "10.0.0.1", Port: 22, User: "deploy"}, At: map[string]map[string]string{}}
	var given map[string]json.RawMessage
	if err := json.Unmarshal([]byte(fields), &given); err != nil {
		t.Fatalf("%s: %v", fields, err)
	}
	var texts []string
	for field, value := range given {
		target := any(&h.Manifest)
		switch field {
		case "connection", "groups of the host", "rebootWindows":
			target = &h
			field = strings.TrimSuffix(field, " of the host")
		default:
			value = entries(t, &h, &texts, field, value)
		}
		if err := schema.DecodeKnown([]byte(`{"`+field+`": `+string(value)+`}`), target); err != nil {
			t.Fatalf("%s: %v", value, err)
		}
	}
	return h, texts
}

// entries turns entries by name into the list that a manifest has.
func entries(t *testing.T, h *intent.Host, texts *[]string, set string, value json.RawMessage) json.RawMessage {
	t.Helper()
	var byName map[string]map[string]any
	if err := json.Unmarshal(value, &byName); err != nil || set == "osUpdates" {
		return value
	}
	option := map[string]string{"units": "systemd.units", "masks": "systemd.masks"}[set]
	if option == "" {
		option = set
	}
	h.At[option] = map[string]string{}
	list := []any{}
	rules := map[string]schema.RestartRule{}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		entry := byName[name]
		take := func(field string) (value any) { value = entry[field]; delete(entry, field); return value }
		h.At[option][name], _ = take("at").(string)
		if text, ok := take("text").(string); ok {
			*texts = append(*texts, text)
			entry["payload"] = schema.DigestOf([]byte(text))
		}
		if set == "units" && entry["enabled"] == nil {
			h.ByInstall = append(h.ByInstall, schema.UnitName(name))
		}
		key := "name"
		if set == "files" || set == "directories" {
			key = "path"
		}
		entry[key] = name
		for _, field := range []string{"restartUnits", "reloadUnits"} {
			units, _ := take(field).([]any)
			if set == "secrets" && units != nil {
				entry[strings.TrimSuffix(field, "Units")] = units
				continue
			}
			for _, unit := range units {
				rule := rules[unit.(string)]
				if rule.Unit = schema.UnitName(unit.(string)); field == "restartUnits" {
					rule.Restart = append(rule.Restart, name)
				} else {
					rule.Reload = append(rule.Reload, name)
				}
				rules[unit.(string)] = rule
			}
		}
		if set == "masks" {
			list = append(list, name)
			continue
		}
		list = append(list, entry)
	}
	for _, unit := range slices.Sorted(maps.Keys(rules)) {
		h.Manifest.Restarts = append(h.Manifest.Restarts, rules[unit])
	}
	data, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func resolveOne(t *testing.T, fields string) (Host, Fleet, diagnostic.List) {
	t.Helper()
	fleet, found := resolveAll(t, map[string]string{"web-1": fields})
	return fleet.Hosts[0], fleet, found.Sorted()
}

func resolveAll(t *testing.T, hosts map[string]string) (Fleet, diagnostic.List) {
	t.Helper()
	result := &intent.Result{Hosts: map[string]intent.Host{}}
	for name, fields := range hosts {
		h, texts := host(t, fields)
		result.Hosts[name], result.Texts = h, append(result.Texts, texts...)
	}
	return Resolve(result, nowhere)
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
		return `{"users": {"` + name + `": {"system": true, "group": "x", "home": "/nonexistent", "shell": "/bin/sh", ` + fields + `"at": "m.nix:4"}}}`
	}
	for _, c := range []struct{ fields, want string }{
		{`{"connection": {"address": null}}`, `error: the host "web-1" has no address [host-no-address]
  at hosts.web-1.addr, host web-1
hint: give the host an addr: a DNS name or an IP address`},
		{`{"connection": {"address": "10.0.0.1:22"}}`, `error: "10.0.0.1:22" is not an address: it has a port in it [host-address]`},
		{`{"connection": {"address": "-oProxyCommand=x"}}`, `"-oProxyCommand=x" is not an address`},
		{`{"connection": {"address": "deploy@web"}}`, `"deploy@web" is not an address`},
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
		{file(`"/etc/x": {"source": "/etc/hosts", "mode": "0644", "owner": "root", "group": "root"}`), `error: the source "/etc/hosts" is not in the Nix store [file-source]`},
		{file(`"/etc/x": {"source": "/nix/store/../../etc/shadow", "mode": "0644", "owner": "root", "group": "root"}`), `is not in the Nix store`},

		{`{"directories": {"/var/lib/dpkg/x": {"mode": "0755", "owner": "root", "group": "root"}}}`, `error: /var/lib/dpkg/x cannot be managed: it belongs to dpkg [path-invalid]
  at nixfleet.directories."/var/lib/dpkg/x", host web-1`},
		{`{"files": {"/etc/x": {` + plain + `}}, "directories": {"/etc/x": {"mode": "0755", "owner": "root", "group": "root"}}}`, `error: /etc/x is a directory and a file [path-conflict]
  at nixfleet.files."/etc/x", host web-1
  the other is nixfleet.directories."/etc/x"`},
		{file(`"/etc/x": {` + plain + `}, "/etc/x/a/b": {` + plain + `}`), `error: /etc/x/a/b lies inside the file /etc/x [path-conflict]`},
		{`{"files": {"/etc/x": {"symlink": "/y", "mode": "0644", "owner": "root", "group": "root"}}, "directories": {"/etc/x/d": {"mode": "0755", "owner": "root", "group": "root"}}}`, `/etc/x/d lies inside the symbolic link /etc/x`},
		{`{"units": {"a.service": {"text": "[Unit]"}}, "directories": {"/etc/systemd/system/a.service": {"mode": "0755", "owner": "root", "group": "root"}}}`, `/etc/systemd/system/a.service is a directory and a unit`},

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

		{strings.Replace(user("ada", ""), "/nonexistent", "x", 1), `error: the home "x" is not an absolute, clean path without colons [account-field]`},
		{strings.Replace(user("ada", ""), "/bin/sh", "/bin/a:b", 1), `the shell "/bin/a:b" is not an absolute`},
		{user("ada", `"createHome": true, `), `error: createHome needs a home [account-field]`},
		{`{"users": {"a": {"group": "a", "home": "/a", "shell": "/a", "uid": 9}, "b": {"group": "a", "home": "/a", "shell": "/a", "uid": 9}}}`, `uid 9 is used twice: by "a" and "b"`},
		{`{"groups": {"a": {"gid": 9}, "b": {"gid": 9}}}`, `error: gid 9 is used twice: by "a" and "b" [account-number]
  at nixfleet.groups.b.gid, host web-1`},
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
	_, found := resolveAll(t, map[string]string{
		"b": file(`"etc/x": {` + plain + `}, "/proc/x": {` + plain + `}`),
		"a": `{"connection": {"address": "a"}, "files": {"etc/x": {` + plain + `}}}`,
		"c": `{"connection": {"address": "10.0.0.1"}}`,
	})
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
	_, found := resolveAll(t, map[string]string{
		"a": `{"connection": {"proxyJump": "x"}}`,
		"b": `{"connection": {"proxyJump": "y"}}`,
		"c": `{"connection": {"port": 2222}}`,
		"d": `{}`,
	})
	if found.Failed() {
		t.Error(found)
	}
}

func TestAddressForms(t *testing.T) {
	for addr, want := range map[string]string{
		"web-1.example.org": "web-1.example.org", "10.0.0.1": "10.0.0.1", "::1": "::1", "[2001:db8::1]": "2001:db8::1",
		"2001:DB8:0::1": "2001:db8::1", "fe80::1%eth0": "fe80::1%eth0", "web_1": "web_1",
	} {
		h, _, found := resolveOne(t, `{"connection": {"address": "`+addr+`"}}`)
		if found.Failed() || h.Connection.Address != want {
			t.Errorf("%q becomes %q, want %q (%v)", addr, h.Connection.Address, want, found)
		}
	}
}

// TestCompletesManifest checks what is added to the manifest that the library wrote;
// the rest of it stays as it is.
func TestCompletesManifest(t *testing.T) {
	h, fleet, found := resolveOne(t, `{
		"groups of the host": ["web", "all", "db"], "connection": {"hostKeys": ["`+someKey+` root@web-1"]},
		"packages": ["/nix/store/00000000000000000000000000000001-a"],
		"files": {"/etc/b": {`+plain+`}, "/etc/a": {`+plain+`, "restartUnits": ["a.service"]}},
		"units": {"a.service": {"text": "[Install]\nWantedBy=x.target\n"}}
	}`)
	if found.Failed() {
		t.Fatal(found)
	}
	if want := []string{"db", "web"}; !reflect.DeepEqual(h.Groups, want) {
		t.Errorf("groups are %v", h.Groups)
	}
	if h.Connection.HostKeys[0] != someKey {
		t.Errorf("the host key is %q", h.Connection.HostKeys[0])
	}
	x, unit := schema.DigestOf([]byte("x")), schema.DigestOf([]byte("[Install]\nWantedBy=x.target\n"))
	want := schema.Manifest{
		Version: schema.ManifestVersion, Settle: settle, Packages: []schema.StorePath{"/nix/store/00000000000000000000000000000001-a"},
		Files: []schema.File{
			{Path: "/etc/a", Payload: x, Mode: "0644", Owner: "root", Group: "root"},
			{Path: "/etc/b", Payload: x, Mode: "0644", Owner: "root", Group: "root"},
		},
		Units: []schema.Unit{{
			Name: "a.service", Payload: unit, Enabled: true, OnChange: schema.StopStart,
			Links: []string{"x.target.wants/a.service"}, Starts: []schema.UnitName{"a.service"}, StartWith: []schema.UnitName{"x.target"},
		}},
		Restarts: []schema.RestartRule{{Unit: "a.service", Restart: []string{"/etc/a"}}},
	}
	if !reflect.DeepEqual(h.Manifest, want) {
		t.Errorf("the manifest is\n%+v, want\n%+v", h.Manifest, want)
	}
	if len(fleet.Payloads) != 2 || fleet.Payloads[x] != "x" {
		t.Errorf("payloads are %v", fleet.Payloads)
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
