package inventory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/schema"
)

func TestHostsWithTheirWays(t *testing.T) {
	inv, err := load(t, "inventory/prod.yaml", `
name: shop
defaults: {base: debian, user: ops, proxyJump: bastion, hostKeys: [ssh-ed25519 AAAA for all], groups: [every]}
groups:
  all: {user: all}
  every: {}
  web: {port: 2222, hostKeys: [ssh-rsa BBBB]}
  db:
hosts:
  web-1: {addr: 10.0.1.11, groups: [web]}
  web-2: {addr: "[fd00::1]", groups: [db, web], port: 22, user: root, proxyJump: null}
  db-1: {addr: db-1.example.org, groups: [db, every, all]}
`)
	if err != nil {
		t.Fatal(err)
	}
	fleet, hosts, err := inv.Hosts()
	if err != nil || fleet != "shop" {
		t.Fatalf("%q, %v", fleet, err)
	}
	autogold.Expect(schema.Hosts{
		schema.HostName("db-1"): schema.Host{
			Connection: schema.Connection{
				Address: "db-1.example.org",
				Port:    22,
				User:    "all",
				HostKeys: []string{
					"ssh-ed25519 AAAA",
				},
				ProxyJump: "bastion",
			},
			Groups: []string{
				"db",
				"every",
			},
		},
		schema.HostName("web-1"): schema.Host{
			Connection: schema.Connection{
				Address: "10.0.1.11",
				Port:    2222,
				User:    "all",
				HostKeys: []string{
					"ssh-ed25519 AAAA",
					"ssh-rsa BBBB",
				},
				ProxyJump: "bastion",
			},
			Groups: []string{
				"every",
				"web",
			},
		},
		schema.HostName("web-2"): schema.Host{
			Connection: schema.Connection{
				Address: "fd00::1",
				Port:    22,
				User:    "root",
				HostKeys: []string{
					"ssh-ed25519 AAAA",
					"ssh-rsa BBBB",
				},
			},
			Groups: []string{
				"db",
				"every",
				"web",
			},
		},
	}).Equal(t, hosts)
}

// Tags are put together one by one, as an evaluation does.
func TestHostsWithTheirTags(t *testing.T) {
	inv, err := load(t, "inventory/prod.yaml", `
defaults: {base: debian, tags: {site: fra1, zone: x, tier: one}}
groups:
  all: {tags: {zone: w}}
  web: {tags: {tier: two}}
  edge: {tags: {tier: three}}
hosts:
  web-1: {addr: a, groups: [web, edge], tags: {tier: four}}
  web-2: {addr: b, groups: [web]}
`)
	if err != nil {
		t.Fatal(err)
	}
	_, hosts, err := inv.Hosts()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[schema.HostName]string{"web-1": "map[site:fra1 tier:four zone:w]", "web-2": "map[site:fra1 tier:two zone:w]"} {
		if got := fmt.Sprint(hosts[name].Tags); got != want {
			t.Errorf("%s has %s instead of %s", name, got, want)
		}
	}
	inv, err = load(t, "inventory/prod.yaml", `
groups: {web: {tags: {tier: two}}, edge: {tags: {tier: three}}}
hosts: {web-1: {base: debian, addr: a, groups: [web, edge]}}
`)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := inv.Hosts(); err == nil || !strings.Contains(err.Error(), `the groups "web" and "edge" say different things about the tag tier of the host "web-1"`) {
		t.Error(err)
	}
}

func TestHostsThatCannotBeKnown(t *testing.T) {
	for want, text := range map[string]string{
		`the host "a" has no address`:                                                   "hosts: {a: {base: debian}}",
		`the host "a" is in the group "web", which`:                                     "hosts: {a: {addr: x, groups: [web]}}",
		`the groups "b" and "c" say different things about user of the host "a"`:        "groups: {b: {user: one}, c: {user: two}}\nhosts: {a: {addr: x, groups: [b, c]}}",
		`the groups "all" and "c" say different things about proxyJump of the host "a"`: "groups: {all: {proxyJump: one}, c: {proxyJump: two}}\nhosts: {a: {addr: x, groups: [c]}}",
	} {
		inv, err := load(t, "inventory/prod.yaml", text)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := inv.Hosts(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected %q, found %v", want, err)
		}
	}
	inv, err := load(t, "inventory/prod.yaml", "groups: {b: {user: one}, c: {user: two}}\nhosts: {a: {addr: x, groups: [b, c], user: three}}")
	if err != nil {
		t.Fatal(err)
	}
	if _, hosts, err := inv.Hosts(); err != nil || hosts["a"].Connection.User != "three" || len(hosts) != 1 || hosts["a"].Manifest != schema.Digest("") {
		t.Errorf("found %+v, %v", hosts, err)
	}
}
