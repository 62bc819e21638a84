package executor

import (
	"context"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

// What is refused before any connection.
func TestAdmission(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fleet)
		says   []string
	}{
		"preview": {
			func(f *fleet) { f.plan.Index.Preview = true },
			[]string{"cannot execute the plan: it is a preview, whose closures are not built", "hint: nixfleet build completes it"},
		},
		"no hosts": {
			func(f *fleet) { f.plan.Index.Hosts = nil },
			[]string{"cannot execute the plan: it has no hosts"},
		},
		"edited": {
			func(f *fleet) { f.plan.Index.Rollout.MaxParallel = 7 },
			[]string{"cannot execute the plan: wrong digest of the index: expected ", "hint: the plan was edited after it was compiled"},
		},
		"needs": {
			func(f *fleet) {
				f.needSecrets("web-2")
				f.seal()
			},
			[]string{"this version of NixFleet cannot carry out\n  web-2: secrets.key; bring the secret to these hosts by other means\nhint: "},
		},
		"no such host": {
			func(f *fleet) { f.options.Select.Hosts = []string{"web-1", "wbe-2"} },
			[]string{`no host of the plan matches "wbe-2"` + "\nhint: did you mean web-2?"},
		},
		"no such host at all": {
			func(f *fleet) { f.options.Select.Hosts = []string{"database-*"} },
			[]string{`no host of the plan matches "database-*"` + "\nhint: the plan's hosts are web-1, web-2"},
		},
		"no such group": {
			func(f *fleet) { f.options.Select.Groups = []string{"wed"} },
			[]string{`no host of the plan is in the group "wed"` + "\nhint: did you mean web?"},
		},
		"bad pattern": {
			func(f *fleet) { f.options.Select.Hosts = []string{"web-["} },
			[]string{`cannot read the host pattern "web-[": syntax error in pattern`},
		},
		"in no wave": {
			func(f *fleet) { f.waves([]schema.HostName{"web-1"}) },
			[]string{`expected host "web-2" in one wave, found it in none` + "\nhint: compile the fleet again"},
		},
		"in two waves": {
			func(f *fleet) { f.waves([]schema.HostName{"web-1"}, []schema.HostName{"web-1", "web-2"}) },
			[]string{`expected host "web-1" in one wave, found it in "1" and "2"`},
		},
		"no helper": {
			func(f *fleet) { f.plan.Index.Helpers = map[schema.System]schema.Digest{}; f.seal() },
			[]string{`it names no helper for x86_64-linux, the system of host "web-1"`},
		},
		"negative parallel": {
			func(f *fleet) { f.options.Parallel = -1 },
			[]string{"cannot take -1 hosts at once: expected 1 or more"},
		},
		"closures": {
			func(f *fleet) { f.options.Closures = "/no/such/directory" },
			[]string{`cannot open the closure source "/no/such/directory"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2)
			c.change(f)
			record, err := Execute(context.Background(), f.plan, f.options, f.deps)
			if err == nil || record != nil {
				t.Fatalf("not refused: %+v", record)
			}
			for _, part := range c.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("expected %q in: %v", part, err)
				}
			}
			for name, host := range f.hosts {
				if n := host.Server.Connections.Load(); n != 0 {
					t.Errorf("%s was connected to", name)
				}
			}
			if len(f.events) != 0 {
				t.Errorf("events: %+v", f.events)
			}
		})
	}
}

func TestSelect(t *testing.T) {
	f := newFleet(t, 3)
	host := f.plan.Index.Hosts["web-3"]
	host.Groups = []string{"db"}
	f.plan.Index.Hosts["web-3"] = host
	f.seal()
	for want, selection := range map[string]Selection{
		"web-1 web-2 web-3": {},
		"web-1":             {Hosts: []string{"web-1"}},
		"web-1 web-3":       {Hosts: []string{"*-[13]"}},
		"web-2 web-3":       {Hosts: []string{"web-2"}, Groups: []string{"db"}},
	} {
		hosts, err := Select(f.plan, selection)
		if err != nil {
			t.Error(err)
		}
		var names []string
		for _, name := range hosts {
			names = append(names, string(name))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%+v chose %q instead of %q", selection, got, want)
		}
	}
	if hosts, err := Select(f.plan, Selection{Groups: []string{"all"}}); err != nil || len(hosts) != 3 {
		t.Errorf("all are %v, %v", hosts, err)
	}

	// A selection is carried out, and a host that is left out needs nothing.
	f.needSecrets("web-3")
	f.seal()
	f.options.Select = Selection{Groups: []string{"web"}}
	record := f.execute()
	if len(record.Hosts) != 2 || record.Verdict != schema.Done {
		t.Errorf("%+v", record)
	}
}

// needSecrets gives a host a manifest with a secret, which no version carries out yet.
func (f *fleet) needSecrets(name schema.HostName) {
	host := f.plan.Index.Hosts[name]
	manifest := f.plan.Manifests[host.Manifest]
	manifest.Secrets = []schema.Secret{{Name: "key", Ciphertext: schema.DigestOf([]byte("listen 80\n")), Path: "/run/nixfleet-secrets/key", Mode: "0400", Owner: "root", Group: "root"}}
	digest, err := schema.DigestOfValue(manifest)
	if err != nil {
		f.t.Fatal(err)
	}
	f.plan.Manifests[digest], host.Manifest = manifest, digest
	f.plan.Index.Hosts[name] = host
}
