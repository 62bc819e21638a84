package inventory

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/nixfleet/nixfleet/compiler/internal/bounded"
	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

func load(t testing.TB, name, text string) (*Inventory, error) {
	t.Helper()
	return Load(context.Background(), bounded.Here(Serve), Source{Name: name, Shown: name, Data: []byte(text)})
}

// loadFrom reads an inventory of a fleet with these files.
func loadFrom(t testing.TB, files map[string]string, name string) (*Inventory, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Load(context.Background(), bounded.Here(Serve), Source{Root: dir, Name: name, Shown: name})
}

// TestFormatsAgree reads one inventory in each of the three languages.
func TestFormatsAgree(t *testing.T) {
	texts := map[string]string{
		"inventory/prod.yaml": "name: shop\ndefaults: {base: ubuntu}\nhosts:\n  web-1:\n    addr: 10.0.1.11\n    port: 2222\n    vars: {\"on\": yes, none: null}\n",
		"inventory/prod.json": `{"name": "shop", "defaults": {"base": "ubuntu"},
			"hosts": {"web-1": {"addr": "10.0.1.11", "port": 2222, "vars": {"on": true, "none": null}}}}`,
		"inventory/prod.jsonnet": "{ name: 'shop', defaults: { base: 'ubuntu' },\n  hosts: { ['web-' + n]: { addr: '10.0.1.1' + n, port: 2222, vars: { on: true, none: null } } for n in [1] } }",
	}
	values := map[string]any{}
	for name, text := range texts {
		inv, err := load(t, name, text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var value any
		if err := json.Unmarshal(inv.Value, &value); err != nil {
			t.Fatal(err)
		}
		values[name] = value
	}
	for name := range values {
		if !reflect.DeepEqual(values[name], values["inventory/prod.json"]) {
			t.Errorf("%s reads as %v, as JSON it is %v", name, values[name], values["inventory/prod.json"])
		}
	}
}

func TestAcceptsWhatYAMLAllows(t *testing.T) {
	for what, text := range map[string]string{
		"a line --- at the top":    "---\nhosts: {}\n",
		"comments before the ---":  "# who is there\n---\nhosts: {web-1: {}}\n",
		"an end of the document":   "hosts: {}\n...\n",
		"anchors and merge keys":   "hosts:\n  a: &web {base: ubuntu, port: 22}\n  b: {<<: *web, port: 23}\n",
		"a list of merged anchors": "defaults: &d {base: ubuntu}\ngroups: {x: &x {port: 23}}\nhosts:\n  b: {<<: [*d, *x]}\n",
		"Windows line ends":        "hosts:\r\n  a:\r\n    port: 22\r\n",
		"empty sections":           "groups:\nhosts:\n  web-1:\n",
		"amounts":                  "rollout: {canary: 10%, waves: [1, 50%], failureBudget: 0, soak: 5m}\n",
	} {
		inv, err := load(t, "inventory/prod.yaml", text)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if !strings.HasPrefix(string(inv.Value), "{") {
			t.Errorf("%s: read as %s", what, inv.Value)
		}
	}
}

func TestMergedValues(t *testing.T) {
	inv, err := load(t, "inventory/prod.yaml", "hosts:\n  a: &web {base: ubuntu, port: 22}\n  b:\n    <<: *web\n    port: 23\n")
	if err != nil {
		t.Fatal(err)
	}
	var value struct {
		Hosts map[string]struct {
			Base string
			Port int
		}
	}
	if err := json.Unmarshal(inv.Value, &value); err != nil {
		t.Fatal(err)
	}
	if b := value.Hosts["b"]; b.Base != "ubuntu" || b.Port != 23 {
		t.Errorf("b is %+v", b)
	}
	if at := inv.LocateHost("b", "base"); at.Line != 2 {
		t.Errorf("b.base is located at %v, where the anchor has it in line 2", at)
	}
}

func TestLocate(t *testing.T) {
	yaml, err := load(t, "inventory/prod.yaml", "timeZone: UTC\nhosts:\n  web-1:\n    addr: x\n    roles:\n      - a\n      - b\n")
	if err != nil {
		t.Fatal(err)
	}
	json, err := load(t, "inventory/prod.json", "{\n  \"timeZone\": \"UTC\",\n  \"hosts\": { \"web-1\": { \"addr\": \"x\",\n    \"roles\": [\"a\", \"b\"] } }\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	jsonnet, err := load(t, "inventory/prod.jsonnet", "{ timeZone: 'UTC' }")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		found diagnostic.Position
		want  string
	}{
		{yaml.Locate("timeZone"), "inventory/prod.yaml:1:1"},
		{yaml.Locate("hosts", "web-1", "roles", "1"), "inventory/prod.yaml:7:9"},
		{yaml.Locate("nobody"), ""},
		{yaml.LocateHost("web-1", "addr"), "inventory/prod.yaml:4:5"},
		{yaml.LocateHost("web-1", "port"), "inventory/prod.yaml:3:3"},
		{yaml.LocateHost("web-2", "port"), ""},
		{json.Locate("timeZone"), "inventory/prod.json:2:3"},
		{json.LocateHost("web-1", "addr"), "inventory/prod.json:3:25"},
		{json.Locate("hosts", "web-1", "roles", "1"), "inventory/prod.json:4:20"},
		{jsonnet.Locate("timeZone"), "inventory/prod.jsonnet"},
		{(*Inventory)(nil).Locate("timeZone"), ""},
		{(*Inventory)(nil).LocateHost("web-1"), ""},
	} {
		if c.found.String() != c.want {
			t.Errorf("found %q, want %q", c.found, c.want)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a.yaml", "", "error: the inventory is empty [inventory-empty]\n  at a.yaml\nhint: it needs hosts"},
		{"a.yaml", "# nothing\n", "[inventory-empty]"},
		{"a.json", " \n", "[inventory-empty]"},
		{"a.jsonnet", "null", "[inventory-empty]"},
		{"a.yaml", "hosts:\n  a: {\n", "error: cannot read the inventory as YAML: did not find expected node content [inventory-syntax]\n  at a.yaml:2"},
		{"a.yaml", "hosts:\n  web-1:\n\taddr: x\n", "at a.yaml:3:1\nhint: YAML is indented with spaces; this line has a tab"},
		{"a.yaml", "hosts: {}\n---\nhosts: {}\n", "error: the inventory holds several YAML documents [inventory-documents]\n  at a.yaml:2"},
		{"a.yaml", "hosts:\n  a: {}\n  a: {}\n", "error: the key \"a\" stands twice: in line 2 and in line 3 [inventory-duplicate-key]\n  at a.yaml:3:3"},
		{"a.json", "{\"hosts\": {\"a\": {},\n\"a\": {}}}", "error: the key \"a\" stands twice: in line 1 and in line 2 [inventory-duplicate-key]\n  at a.json:2:1"},
		{"a.jsonnet", "{ hosts: { a: {},\n a: {} } }", "error: cannot evaluate the inventory: Duplicate field: a [inventory-syntax]\n  at a.jsonnet:2:2"},
		{"a.json", "{\n  \"hosts\": }", "error: cannot read the inventory as JSON: invalid character '}' looking for beginning of value [inventory-syntax]\n  at a.json:2:12"},
		{"a.json", "{\n  \"hosts\": {", "error: cannot read the inventory as JSON: it ends in the middle [inventory-syntax]\n  at a.json:2:13"},
		{"a.json", "{} {}", "there is something after the end"},
		{"a.jsonnet", "{ hosts: {", "error: cannot evaluate the inventory: Unexpected: end of file"},
		{"a.jsonnet", "{\n  hosts: error 'none yet' }", "error: cannot evaluate the inventory: none yet [inventory-syntax]\n  at a.jsonnet:2:10"},
		{"a.jsonnet", "local f(x) = f(x + 1); f(1)", "more than 500 calls are in each other"},
		{"a.jsonnet", "function(x) x", "error: the inventory is a function, not a value [inventory-syntax]"},
		{"a.jsonnet", "import '../secret.jsonnet'", "error: cannot evaluate the inventory: cannot import \"../secret.jsonnet\": it lies outside the fleet [inventory-import]"},
		{"a.jsonnet", "importstr '/etc/passwd'", "[inventory-import]"},
		{"a.jsonnet", "import 'gone.jsonnet'", "cannot import \"gone.jsonnet\""},
		{"a.yaml", "- web-1\n", "error: the inventory is [\"web-1\"]: expected fields with values [inventory-value]\n  at a.yaml:1:1"},
		{"a.yaml", "web-1\n", "the inventory is \"web-1\""},
		{"a.yaml", "host: {}\n", "error: unknown field \"host\" in the inventory [inventory-unknown-field]\n  at a.yaml:1:1, host\nhint: did you mean \"hosts\"?"},
		{"a.yaml", "hosts:\n  web-1:\n    address: x\n", "error: unknown field \"address\" in host \"web-1\" [inventory-unknown-field]\n  at a.yaml:3:5, hosts.web-1.address\nhint: did you mean \"addr\"?"},
		{"a.yaml", "groups: {web: {zzz: 1}}\n", "hint: the fields are: addr, base, groups"},
		{"a.jsonnet", "{ hosts: { 'web-1': { adrr: 'x' } } }", "error: unknown field \"adrr\" in host \"web-1\" [inventory-unknown-field]\n  at a.jsonnet, hosts.web-1.adrr\nhint: did you mean \"addr\"?"},
		{"a.yaml", "defaults: {base: centos}\n", "error: defaults.base is \"centos\": expected one of ubuntu, debian, nixos [inventory-value]"},
		{"a.yaml", "hosts: {a: {port: 70000}}\n", "hosts.a.port is 70000: expected 65535 or less"},
		{"a.yaml", "hosts: {a: {roles: web}}\n", "hosts.a.roles is \"web\": expected a list [inventory-value]\n  at a.yaml:1:13, hosts.a.roles\nhint: write [web]"},
		{"a.yaml", "hosts:\n  - name: a\n", "error: hosts is [{\"name\":\"a\"}]: expected hosts by name [inventory-value]\n  at a.yaml:1:1, hosts\nhint: a host's name is the key of its fields:\n  hosts:\n    web-1: { base: ubuntu, addr: 10.0.1.11 }"},
		{"a.json", "{\"groups\": []}", "error: groups is []: expected groups by name"},
		{"a.yaml", "hosts: {a: 10.0.0.1}\n", "host \"a\" is \"10.0.0.1\": expected the fields of a host [inventory-value]\n  at a.yaml:1:9, hosts.a\nhint: write a: { addr: 10.0.0.1 }"},
		{"a.yaml", "hosts: {a: {groups: [y]}}\n", "hosts.a.groups.0 is true: expected the name of a group: letters, digits, '-', '.' and '_' [inventory-value]\n  at a.yaml:1:22, hosts.a.groups.0\nhint: YAML reads y, n, yes, no, on and off as true or false: write it in quotes"},
		{"a.yaml", "hosts: {a: {addr: 10}}\n", "hosts.a.addr is 10: expected a text"},
		{"a.yaml", "hosts: {a: {addr: ''}}\n", "hosts.a.addr is \"\": expected a text that is not empty"},
		{"a.yaml", "hosts:\n  a: {}\n  we b: {}\n", "error: \"we b\" is not the name of a host: letters, digits, '-', '.' and '_', at most 253 characters [inventory-value]\n  at a.yaml:3:3"},
		{"a.yaml", "rollout: {canary: 10 percent}\n", "rollout.canary is \"10 percent\": expected a number of hosts, a percentage, a list of hosts, { onePer: group } or { onePerTag: zone }"},
		{"a.yaml", "rollout: {waves: [150%]}\n", "rollout.waves.0 is \"150%\": expected a number of hosts or a percentage, as 3 or \"10%\""},
		{"a.yaml", "rollout: {canary: {onePerRack: x}}\n", "unknown field \"onePerRack\" in rollout.canary"},
		{"a.yaml", "rollout: {onFailure: rollback}\n", "rollout.onFailure is \"rollback\": expected one of halt, rollback-host, rollback-wave, rollback-all [inventory-value]"},
		{"a.yaml", "rollout: {maxParallel: 0}\n", "rollout.maxParallel is 0: expected 1 or more"},
		{"a.yaml", "hosts: {a: {vars: {x: \"a\\0b\"}}}\n", "error: a text has a NUL character, which no file name, unit or account can hold [inventory-value]\n  at a.yaml:1:20, hosts.a.vars.x"},
		{"a.yaml", "hosts: {a: {vars: {x: 12345678901234567890}}}\n", "the number 12345678901234567890 is too large to be exact"},
		{"a.json", `{"hosts": {"a": {"vars": {"x": 12345678901234567890}}}}`, "the number 12345678901234567890 is too large to be exact"},
		{"a.yaml", "hosts: &a {b: *a}\n", "error:"},
		{"a.yaml", "hosts:\n  no: {}\n", "error: YAML reads the key no as true or false [inventory-value]\n  at a.yaml:2:3\nhint: write it in quotes"},
		{"a.yaml", "hosts: {a: {vars: {mode: 0644}}}\n", "error: YAML reads 0644 as an octal number"},
	} {
		_, err := load(t, c.name, c.text)
		list, ok := diagnostic.Of(err)
		if !ok {
			t.Errorf("%s: %q gives %v, want diagnostics", c.name, c.text, err)
			continue
		}
		if !strings.Contains(list.Error(), c.want) {
			t.Errorf("%s: %q gives\n%v\nwant\n%s", c.name, c.text, list, c.want)
		}
	}
}

func TestReportsEveryFault(t *testing.T) {
	_, err := load(t, "a.yaml", "nam: x\nhosts:\n  a: {adr: x}\n  b: {port: yes}\n")
	list, _ := diagnostic.Of(err)
	if len(list) != 3 {
		t.Errorf("found %d faults of 3:\n%v", len(list), err)
	}
}

func TestJsonnetImportsInside(t *testing.T) {
	files := map[string]string{
		"inventory/prod.jsonnet":     "(import '../lib/base.libsonnet') + { hosts: { a: { vars: { motd: importstr 'motd' } } } }",
		"lib/base.libsonnet":         "{ name: 'shop' }",
		"inventory/motd":             "hello",
		"inventory/broken.jsonnet":   "import '../lib/broken.libsonnet'",
		"lib/broken.libsonnet":       "{\n  a: }",
		"inventory/absolute.jsonnet": "import '/lib/base.libsonnet'",
	}
	inv, err := loadFrom(t, files, "inventory/prod.jsonnet")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(inv.Value), "shop") || !strings.Contains(string(inv.Value), "hello") {
		t.Errorf("the value is %s", inv.Value)
	}
	_, err = loadFrom(t, files, "inventory/broken.jsonnet")
	if list, _ := diagnostic.Of(err); len(list) != 1 || list[0].Position.String() != "lib/broken.libsonnet:2:6" {
		t.Errorf("a fault in an import is told as %v", err)
	}
	_, err = loadFrom(t, files, "inventory/absolute.jsonnet")
	if err == nil || !strings.Contains(err.Error(), "outside the fleet") {
		t.Errorf("an absolute import gives %v", err)
	}
}

// TestLinkOutOfTheFleet asks the file system for what a link would give away.
func TestLinkOutOfTheFleet(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret.jsonnet")
	if err := os.WriteFile(outside, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	fleet := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(fleet, "link.libsonnet")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(fleet, "a.jsonnet"), []byte("import 'link.libsonnet'"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(context.Background(), bounded.Here(Serve), Source{Root: fleet, Name: "a.jsonnet", Shown: "a.jsonnet"}); err == nil {
		t.Error("a link led out of the fleet")
	}
}

func TestChoose(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("hosts: {}")}
	none := fstest.MapFS{"flake.nix": file}
	one := fstest.MapFS{"inventory/prod.yaml": file, "inventory/README.md": file, "inventory/x.libsonnet": file, "inventory/.hidden.yaml": file, "inventory/old/a.yaml": file}
	two := fstest.MapFS{"inventory/prod.yaml": file, "inventory/staging.jsonnet": file}
	same := fstest.MapFS{"inventory/prod.yaml": file, "inventory/prod.json": file}
	for _, c := range []struct {
		fleet        fstest.MapFS
		choice, want string
	}{
		{none, "", ""},
		{one, "", "inventory/prod.yaml"},
		{one, "prod", "inventory/prod.yaml"},
		{two, "", "error: the fleet has 2 inventories: prod.yaml, staging.jsonnet [inventory-ambiguous]\n  at inventory\nhint: choose one, as: --inventory prod"},
		{two, "staging", "inventory/staging.jsonnet"},
		{two, "inventory/staging.jsonnet", "inventory/staging.jsonnet"},
		{two, "stagin", "error: the fleet has no inventory \"stagin\" [inventory-missing]\n  at inventory\nhint: did you mean"},
		{two, "zzz", "hint: there are: prod.yaml, staging.jsonnet"},
		{none, "prod", "hint: put it in the fleet's directory inventory/"},
		{same, "prod", "error: \"prod\" names 2 inventories: prod.json, prod.yaml [inventory-ambiguous]"},
		{same, "prod.json", "inventory/prod.json"},
	} {
		found, err := Choose(c.fleet, c.choice)
		if err != nil {
			found = err.Error()
		}
		if found != c.want && (err == nil || !strings.Contains(found, c.want)) {
			t.Errorf("choosing %q gives %q, want %q", c.choice, found, c.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("a.yaml", "hosts:\n  a: &x {b: *x}\n")
	f.Add("a.json", `{"hosts": {"a": {}}}`)
	f.Add("a.yaml", "? [a, b]\n: c\n<<: [{x: 1}]\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		if name != "a.yaml" && name != "a.json" {
			return
		}
		inv, err := load(t, name, text)
		if err == nil && !json.Valid(inv.Value) {
			t.Fatalf("the value is %s", inv.Value)
		}
	})
}
