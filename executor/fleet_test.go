package executor

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/nixfleet/nixfleet/executor/internal/closuretest"
	"github.com/nixfleet/nixfleet/executor/internal/engine"
	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/schema"
)

// fleet is a plan, its hosts, and the machine it is executed from.
type fleet struct {
	t       testing.TB
	plan    *schema.Plan
	hosts   map[schema.HostName]*simhost.Host
	closure *closuretest.Closure
	options Options
	deps    Deps
	events  []schema.Event
}

var helperBinary = []byte("#!the helper of this plan")

// newFleet makes n alike hosts, web-1 and so on, in one wave.
func newFleet(t testing.TB, n int) *fleet {
	t.Helper()
	home := t.TempDir()
	key := writeKey(t, filepath.Join(home, ".ssh/id_ed25519"))
	f := &fleet{t: t, hosts: map[schema.HostName]*simhost.Host{}, closure: closuretest.New(t)}
	lib := f.closure.Add(t, "lib", map[string]string{"lib/a.so": strings.Repeat("code ", 50000)})
	top := f.closure.Add(t, "host-closure", map[string]string{"lib": "-> " + string(lib)}, lib)
	f.plan = f.newPlan(top)
	for i := range n {
		name := schema.HostName(fmt.Sprintf("web-%d", i+1))
		f.hosts[name] = simhost.Start(t, key)
		f.hosts[name].Set(func(s *simhost.State) { s.Helper = helperBinary })
	}
	f.spread()
	f.options = Options{Operator: "alice@desk", Closures: f.closure.Cache(t, "none")}
	f.deps = Deps{
		Observe: func(e schema.Event) { f.events = append(f.events, e) },
		Helpers: func(schema.System) ([]byte, error) { return helperBinary, nil },
		Home:    home, User: "alice", Getenv: func(string) string { return "" },
		Clock: time.Now, Random: rand.Reader, StateDir: filepath.Join(home, "state"),
		patience: engine.Patience{Retry: 20 * time.Millisecond, Reconnect: time.Minute, Apply: 2 * time.Minute},
	}
	return f
}

func (f *fleet) newPlan(top schema.StorePath) *schema.Plan {
	entries, err := schema.ClosureOf(top, f.closure.Table())
	if err != nil {
		f.t.Fatal(err)
	}
	hash, err := schema.ClosureHash(entries)
	if err != nil {
		f.t.Fatal(err)
	}
	text := schema.NewPayload([]byte("listen 80\n"))
	digest := schema.DigestOf([]byte("listen 80\n"))
	manifest := schema.Manifest{
		Version: 1, Base: schema.Debian, System: schema.X8664Linux,
		Closure:  &schema.Closure{Path: top, Hash: hash},
		Packages: []schema.StorePath{}, Groups: []schema.Group{}, Users: []schema.User{}, Directories: []schema.Directory{},
		Files: []schema.File{{Path: "/etc/web.conf", Payload: digest, Mode: "0644", Owner: "root", Group: "root"}},
		Units: []schema.Unit{}, Restarts: []schema.RestartRule{}, Settle: "1s", Activation: schema.Activation{ConfirmWindow: "0s", KeepGenerations: 10},
	}
	plan := &schema.Plan{
		Index: schema.Index{
			Kind: schema.PlanKind, Version: schema.PlanVersion, Fleet: "test", TimeZone: "UTC",
			Source:  schema.Source{NarHash: "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", Library: "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
			Helpers: map[schema.System]schema.Digest{schema.X8664Linux: schema.DigestOf(helperBinary)},
			Rollout: schema.Rollout{MaxParallel: 20}, Hosts: map[schema.HostName]schema.Host{},
		},
		Manifests:  map[schema.Digest]schema.Manifest{},
		Payloads:   map[schema.Digest]schema.Payload{digest: text},
		StorePaths: f.closure.Table(),
	}
	f.setManifest(plan, manifest)
	return plan
}

// setManifest gives every host of the plan this manifest.
func (f *fleet) setManifest(plan *schema.Plan, manifest schema.Manifest) {
	digest, err := schema.DigestOfValue(manifest)
	if err != nil {
		f.t.Fatal(err)
	}
	plan.Manifests = map[schema.Digest]schema.Manifest{digest: manifest}
	for name, host := range plan.Index.Hosts {
		host.Manifest = digest
		plan.Index.Hosts[name] = host
	}
}

// manifest is the one manifest of the plan.
func (f *fleet) manifest() (schema.Digest, schema.Manifest) {
	for digest, manifest := range f.plan.Manifests {
		return digest, manifest
	}
	panic("no manifest")
}

// spread puts the hosts into the plan, in one wave, and seals it.
func (f *fleet) spread() {
	digest, _ := f.manifest()
	var names []schema.HostName
	for name, host := range f.hosts {
		names = append(names, name)
		f.plan.Index.Hosts[name] = schema.Host{
			Manifest: digest, Groups: []string{"web"},
			Connection: schema.Connection{
				Address: "127.0.0.1", Port: host.Server.Port, User: "deploy",
				HostKeys: []string{strings.TrimSpace(string(ssh.MarshalAuthorizedKey(host.Server.HostKeys[0].PublicKey())))},
			},
		}
	}
	slices.Sort(names)
	f.plan.Index.Rollout.Waves = []schema.Wave{{Name: "all", Hosts: names}}
	f.seal()
}

// waves makes each of the given lists a wave.
func (f *fleet) waves(waves ...[]schema.HostName) {
	f.plan.Index.Rollout.Waves = nil
	for i, hosts := range waves {
		f.plan.Index.Rollout.Waves = append(f.plan.Index.Rollout.Waves, schema.Wave{Name: fmt.Sprint(i + 1), Hosts: hosts})
	}
	f.seal()
}

func (f *fleet) seal() {
	f.t.Helper()
	if err := f.plan.Seal(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) execute() *schema.Record {
	f.t.Helper()
	return f.executeIn(context.Background())
}

func (f *fleet) executeIn(ctx context.Context) *schema.Record {
	f.t.Helper()
	f.events = nil
	record, err := Execute(ctx, f.plan, f.options, f.deps)
	if err != nil {
		f.t.Fatal(err)
	}
	return record
}

// upon returns what is closed by the first such event of an execution.
func (f *fleet) upon(such func(schema.Event) bool) <-chan struct{} {
	seen, observe := make(chan struct{}), f.deps.Observe
	once := sync.OnceFunc(func() { close(seen) })
	f.deps.Observe = func(e schema.Event) {
		observe(e)
		if such(e) {
			once()
		}
	}
	return seen
}

// crowd counts who is somewhere at once.
type crowd struct {
	now, most atomic.Int32
	// expected may be there at once; until so many were, everybody stays, but not for ever.
	expected int32
}

func (c *crowd) visit() {
	now := c.now.Add(1)
	defer c.now.Add(-1)
	for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	for end := time.Now().Add(time.Minute); c.most.Load() < c.expected && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // for who should not come
}

// only is the one host of a fleet of one.
func (f *fleet) only() *simhost.Host { return f.hosts["web-1"] }

// wantHost checks what became of a host, and what its error says.
func wantHost(t *testing.T, record *schema.Record, name schema.HostName, outcome schema.Outcome, parts ...string) {
	t.Helper()
	got := record.Hosts[name]
	if got.Outcome != outcome {
		t.Errorf("%s is %s instead of %s: %s", name, got.Outcome, outcome, got.Error)
	}
	if len(parts) == 0 && got.Error != "" {
		t.Errorf("%s: %s", name, got.Error)
	}
	for _, part := range parts {
		if text := schema.InFull(schema.WithHint(errors.New(got.Error), "%s", got.Hint)); !strings.Contains(text, part) {
			t.Errorf("expected %q in: %s", part, text)
		}
	}
}

func (f *fleet) notes() string {
	var notes []string
	for _, e := range f.events {
		if e.Kind == schema.HostNote {
			notes = append(notes, e.Note)
		}
	}
	return strings.Join(notes, "\n")
}

func writeKey(t testing.TB, file string) ssh.PublicKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sortedHosts(hosts map[schema.HostName]*simhost.Host) []schema.HostName {
	return slices.Sorted(maps.Keys(hosts))
}
