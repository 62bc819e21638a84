package schema_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

func digest(text string) schema.Digest { return schema.DigestOf([]byte(text)) }

func sampleHosts() schema.Hosts {
	web := schema.Host{
		Manifest: digest("web"), Connection: schema.Connection{Address: "10.0.0.1", Port: 22, User: "deploy"},
		Groups: []string{"eu", "web"}, Tags: map[string]string{"rack": "r1", "zone": "a"},
	}
	hosts := schema.Hosts{"web-1": web}
	web.Connection.Address, web.Connection.HostKeys = "10.0.0.2", []string{"ssh-ed25519 AAAA"}
	hosts["web-2"] = web
	db := schema.Host{Manifest: digest("db"), Connection: schema.Connection{Address: "10.0.0.3", Port: 2222, User: "deploy"}}
	hosts["db-1"] = db
	web.Connection.Address, web.Connection.ProxyJump = "10.0.0.4", "bastion"
	hosts["web-11"] = web
	return hosts
}

// TestHostsStandInSets holds the form, which digests depend on.
func TestHostsStandInSets(t *testing.T) {
	hosts := sampleHosts()
	data, err := schema.Canonical(hosts)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"addresses":{"db-1":"10.0.0.3"},"manifest":"` + string(digest("db")) + `","port":2222,"user":"deploy"},` +
		`{"addresses":{"web-1":"10.0.0.1","web-2":"10.0.0.2"},"groups":["eu","web"],"hostKeys":{"web-2":["ssh-ed25519 AAAA"]},` +
		`"manifest":"` + string(digest("web")) + `","port":22,"tags":{"rack":"r1","zone":"a"},"user":"deploy"},` +
		`{"addresses":{"web-11":"10.0.0.4"},"groups":["eu","web"],"hostKeys":{"web-11":["ssh-ed25519 AAAA"]},` +
		`"manifest":"` + string(digest("web")) + `","port":22,"proxyJump":"bastion","tags":{"rack":"r1","zone":"a"},"user":"deploy"}]`
	if string(data) != want {
		t.Errorf("expected %s\nfound    %s", want, data)
	}
	var again schema.Hosts
	if err := schema.DecodeStrict(data, &again); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, hosts) {
		t.Errorf("expected %v\nfound    %v", hosts, again)
	}
	if names := fmt.Sprint(again.Names()); names != "[db-1 web-1 web-2 web-11]" {
		t.Errorf("the names are %s", names)
	}
}

// TestHostsAsRanges has hosts whose names and addresses follow each other, and some
// where only one does.
func TestHostsAsRanges(t *testing.T) {
	for addresses, want := range map[string]string{
		"web-8=10.0.0.253 web-9=10.0.0.254 web-10=10.0.0.255 web-11=10.0.1.0": `{"web-11":"10.0.1.0","web-[8-10]":"10.0.0.[253-255]"}`,
		"a1=h1.eu a2=h2.eu a3=h4.eu a4=h5.eu a5=h6.eu":                        `{"a1":"h1.eu","a2":"h2.eu","a[3-5]":"h[4-6].eu"}`,
		"a1=x a2=x a3=x": `{"a1":"x","a2":"x","a3":"x"}`,
		"a=1 b=2 c=3":    `{"a":"1","b":"2","c":"3"}`,
		"a08=2001:db8::8 a09=2001:db8::9 a10=2001:db8::10 a11=2001:db8::11": `{"a[08-11]":"2001:db8::[8-11]"}`,
		"a1=[1-3]5 a2=[1-3]6 a3=[1-3]7":                                     `{"a1":"[1-3]5","a2":"[1-3]6","a3":"[1-3]7"}`,
	} {
		hosts := schema.Hosts{}
		for _, pair := range strings.Fields(addresses) {
			name, address, _ := strings.Cut(pair, "=")
			hosts[schema.HostName(name)] = schema.Host{Manifest: digest("x"), Connection: schema.Connection{Address: address, Port: 22, User: "u"}}
		}
		data, err := schema.Canonical(hosts)
		if err != nil {
			t.Fatal(err)
		}
		if want := `[{"addresses":` + want + `,"manifest":"` + string(digest("x")) + `","port":22,"user":"u"}]`; string(data) != want {
			t.Errorf("expected %s\nfound    %s", want, data)
		}
		var again schema.Hosts
		if err := schema.DecodeStrict(data, &again); err != nil || !reflect.DeepEqual(again, hosts) {
			t.Errorf("%s becomes %v, %v", data, again, err)
		}
	}
}

// TestHostsApart changes each field of a host: whatever differs makes a set of its own.
func TestHostsApart(t *testing.T) {
	for name, change := range map[string]func(h *schema.Host){
		"manifest":  func(h *schema.Host) { h.Manifest = digest("other") },
		"user":      func(h *schema.Host) { h.Connection.User = "root" },
		"port":      func(h *schema.Host) { h.Connection.Port = 23 },
		"proxyJump": func(h *schema.Host) { h.Connection.ProxyJump = "x" },
		"groups":    func(h *schema.Host) { h.Groups = []string{"web"} },
		"roles":     func(h *schema.Host) { h.Roles = []string{"web"} },
		"tags":      func(h *schema.Host) { h.Tags = map[string]string{"rack": "r2"} },
	} {
		hosts := sampleHosts()
		maps.DeleteFunc(hosts, func(name schema.HostName, _ schema.Host) bool { return name != "web-1" })
		other := hosts["web-1"]
		change(&other)
		hosts["web-0"] = other
		data, err := json.Marshal(hosts)
		if err != nil {
			t.Fatal(err)
		}
		var again schema.Hosts
		if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(again, hosts) {
			t.Errorf("%s: %v, %s", name, err, data)
		}
		if sets := strings.Count(string(data), `"addresses"`); sets != 2 {
			t.Errorf("hosts with another %s stand in %d sets", name, sets)
		}
	}
}

func TestHostSetsRefused(t *testing.T) {
	set := func(manifest, rest string) string {
		return fmt.Sprintf(`{"manifest": %q, "user": "u", "port": 22, %s}`, digest(manifest), rest)
	}
	for _, c := range []struct{ sets, want string }{
		{set("a", `"addresses": {}`), "host set 1: it has no hosts"},
		{set("a", `"addresses": {"x": "1"}`) + "," + set("b", `"addresses": {"y": "2", "x": "1"}`), `host set 2: "x" stands in the index already`},
		{set("a", `"addresses": {"x": "1"}`) + "," + set("b", `"addresses": {"w": "2"}`), `host set 2: the sets are out of order: "w" stands after "x"`},
		{set("a", `"addresses": {"x": "1"}`) + "," + set("a", `"addresses": {"y": "2"}`), `host set 2: "y" is like "x" and belongs into its set`},
		{set("a", `"addresses": {"x": "1"}`) + "," + set("a", `"groups": [], "addresses": {"y": "2"}`), `at /1/groups: line 1: it is empty, and must be left out`},
		{set("a", `"addresses": {"x": "1"}, "hostKeys": {"y": ["k"]}`), `host set 1: there are host keys of "y", which is not in it`},
		{set("a", `"addresses": {"x": "1"}, "hostKeys": {"x": []}`), `host set 1: the list of host keys of "x" is empty`},
		{set("a", `"addresses": {"x[1-3]": "10.0.0.[1-3]", "x2": "1"}`), `host set 1: "x2" stands in the index already`},
		{set("a", `"addresses": {"x1": "1", "x2": "2", "x3": "3"}`), `host set 1: its addresses are not written as they must be: expected "x[1-3]": "[1-3]"`},
		{set("a", `"addresses": {"x[1-2]": "[1-2]"}`), `expected "x1": "1"`},
		{set("a", `"addresses": {"x[1-3]": "[1-3]", "x[4-6]": "[4-6]"}`), `expected "x[1-6]": "[1-6]"`},
		{set("a", `"addresses": {"x[1-3]": "10.0.0.[1-4]"}`), `expected a range of 3 addresses for "x[1-3]", found "10.0.0.[1-4]"`},
		{set("a", `"addresses": {"x[1-3]": "10.0.0.1"}`), `expected a range of 3 addresses for "x[1-3]", found "10.0.0.1"`},
		{set("a", `"addresses": {"x[3-1]": "10.0.0.[3-1]"}`), `the range "x[3-1]" ends before it begins`},
		{set("a", `"addresses": {"x[1-999999999]": "[1-999999999]"}`), `there are more than 1000000 hosts, and no plan has`},
		{set("a", `"addresses": {"x y": "1"}`), `"x y" is not the name of a host, or a range`},
		{set("a", `"addresses": {"x": "1"}, "zone": "a"`), `unknown field "zone"`},
		{set("a", `"addresses": {"x": "1"}, "tags": {}`), `at /0/tags: line 1: it is empty, and must be left out`},
	} {
		var hosts schema.Hosts
		if err := schema.DecodeStrict([]byte("["+c.sets+"]"), &hosts); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\nexpected %q\nfound    %v", c.sets, c.want, err)
		}
	}
}

// TestManyHosts writes and reads what would take minutes where each host were
// compared with all others: names in a row with addresses that are not.
func TestManyHosts(t *testing.T) {
	hosts := schema.Hosts{}
	for i := range 20000 {
		hosts[schema.HostName(fmt.Sprintf("web-%d", i))] = schema.Host{Manifest: digest("x"), Connection: schema.Connection{
			Address: fmt.Sprintf("10.%d.%d.%d", i%7, i*31%251, i*17%253), Port: 22, User: "u",
		}}
	}
	data, err := schema.Canonical(hosts)
	if err != nil {
		t.Fatal(err)
	}
	var again schema.Hosts
	if err := schema.DecodeStrict(data, &again); err != nil || !reflect.DeepEqual(again, hosts) {
		t.Error("the hosts are read as others", err)
	}
}
