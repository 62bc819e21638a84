package diff

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/validate"
)

// BenchmarkDiff reads two plans of a thousand hosts that are each another, compares
// them and writes what is told.
func BenchmarkDiff(b *testing.B) {
	old, now := manyHosts(b, 1000, 64), manyHosts(b, 1000, 65)
	b.SetBytes(int64(len(old) + len(now)))
	for b.Loop() {
		before, err := validate.Plan(old)
		if err != nil {
			b.Fatal(err)
		}
		after, err := validate.Plan(now)
		if err != nil {
			b.Fatal(err)
		}
		if err := document.WriteMarkdown(io.Discard, Document(Compare(before, after)), document.CommentLimit, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// manyHosts writes a plan of hosts with texts of their own.
func manyHosts(t testing.TB, hosts, setting int) []byte {
	t.Helper()
	plan := &schema.Plan{Manifests: map[schema.Digest]schema.Manifest{}, Payloads: map[schema.Digest]schema.Payload{}, StorePaths: map[schema.StorePath]schema.PathInfo{}}
	narHash := schema.NarHash("sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	plan.Index = schema.Index{
		Kind: schema.PlanKind, Version: schema.PlanVersion, Fleet: "many", TimeZone: "UTC", Hosts: schema.Hosts{}, Helpers: map[schema.System]schema.Digest{},
		Source: schema.Source{NarHash: narHash, Library: narHash},
	}
	text := func(content string) schema.Digest {
		digest := schema.DigestOf([]byte(content))
		plan.Payloads[digest] = schema.NewPayload([]byte(content))
		return digest
	}
	wave := schema.Wave{Name: "all"}
	for n := range hosts {
		name := schema.HostName(fmt.Sprintf("web-%d", n+1))
		m := schema.Manifest{
			Version: schema.ManifestVersion, Base: schema.Debian, System: schema.X8664Linux, Settle: "0s", Activation: schema.Activation{ConfirmWindow: "60s", KeepGenerations: 10},
			Packages: []schema.StorePath{}, Groups: []schema.Group{}, Users: []schema.User{}, Directories: []schema.Directory{}, Files: []schema.File{}, Units: []schema.Unit{}, Restarts: []schema.RestartRule{},
		}
		for i := range 10 {
			content := fmt.Sprintf("# %s, %d\nlisten 80\nworkers %d\n", name, i, i)
			if i == 3 {
				content += fmt.Sprintf("connections %d\n", setting)
			}
			m.Files = append(m.Files, schema.File{Path: fmt.Sprintf("/etc/web/%d.conf", i), Payload: text(content), Mode: "0644", Owner: "root", Group: "root"})
		}
		for i := range 5 {
			unit := schema.UnitName(fmt.Sprintf("web-%d.service", i))
			m.Units = append(m.Units, schema.Unit{
				Name: unit, Payload: text(fmt.Sprintf("[Service]\nExecStart=/usr/bin/web %d\n", i)), Enabled: true, OnChange: schema.StopStart,
				Links: []string{"multi-user.target.wants/" + string(unit)}, Starts: []schema.UnitName{unit}, StartWith: []schema.UnitName{"multi-user.target"},
			})
			m.Restarts = append(m.Restarts, schema.RestartRule{Unit: unit, Restart: []string{fmt.Sprintf("/etc/web/%d.conf", i)}})
		}
		m.Closure = closure(t, plan, fmt.Sprint(n, setting))
		digest, err := schema.DigestOfValue(m)
		if err != nil {
			t.Fatal(err)
		}
		plan.Manifests[digest] = m
		plan.Index.Hosts[name] = schema.Host{Manifest: digest, Connection: schema.Connection{Address: fmt.Sprintf("10.0.%d.%d", n/250, n%250+1), Port: 22, User: "deploy"}}
		wave.Hosts = append(wave.Hosts, name)
	}
	plan.Index.Rollout = schema.Rollout{MaxParallel: 20, Waves: schema.Waves{wave}}
	if err := plan.Seal(); err != nil {
		t.Fatal(err)
	}
	data, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := validate.Plan(data); err != nil {
		t.Fatal(err)
	}
	return data
}

// closure makes up a closure of forty paths that all hosts have, and one of its own.
func closure(t testing.TB, plan *schema.Plan, own string) *schema.Closure {
	t.Helper()
	path := func(text, name string) schema.StorePath {
		sum := schema.DigestOf([]byte(text))
		hash := bytes.Map(func(r rune) rune {
			if r == 'e' {
				return 'g'
			}
			return r
		}, []byte(sum[7:39]))
		return schema.StorePath("/nix/store/" + string(hash) + "-" + name)
	}
	info := schema.PathInfo{NarHash: "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", NarSize: 1000, References: []schema.StorePath{}}
	top := path(own, "nixfleet-system")
	all := info
	for i := range 40 {
		shared := path(fmt.Sprint(i), fmt.Sprintf("package%d-1.%d", i, i))
		plan.StorePaths[shared] = info
		all.References = append(all.References, shared)
	}
	slices.Sort(all.References)
	plan.StorePaths[top] = all
	entries, err := schema.ClosureOf(top, plan.StorePaths)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := schema.ClosureHash(entries)
	if err != nil {
		t.Fatal(err)
	}
	return &schema.Closure{Path: top, Hash: hash}
}
