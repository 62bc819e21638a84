package host

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/executor/internal/closuretest"
	"github.com/nixfleet/nixfleet/executor/internal/servetest"
	"github.com/nixfleet/nixfleet/executor/internal/sshtest"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
	"golang.org/x/crypto/ssh"
)

// A whole execution, the executor's side and the host's, over SSH: what either
// side's own tests take for the other is here the other.
func TestExecutionOverSSH(t *testing.T) {
	needRoot(t)
	w, closure := newWorld(t), closuretest.New(t)
	closure.Add(t, "host-closure", map[string]string{"share/motd": "hello\n"})
	intent := webHost()
	intent.closure = closure.Entries
	server := w.overSSH(closure)
	plan := w.planOver(server, intent.plan(t))
	options := executor.Options{Operator: "alice@desk", Closures: closure.Cache(t, "none")}
	deps := w.executorOver(t, server)

	dry := options
	dry.DryRun = true
	proposed := w.carryOut(plan, dry, deps, schema.HostChanged)
	if w.exists("/var/lib/nixfleet/state.json") || w.exists(intent.files[0].Path) {
		t.Error("the dry run changed the host")
	}
	done := w.carryOut(plan, options, deps, schema.HostChanged)
	if len(done.Changes) < len(proposed.Changes) || done.Generation != 1 {
		t.Errorf("proposed %+v, done %+v", proposed.Changes, done)
	}
	if !w.exists(intent.files[0].Path) {
		t.Errorf("%s is not there", intent.files[0].Path)
	}
	w.carryOut(plan, options, deps, schema.HostUnchanged)

	w.write(intent.files[0].Path, "drifted\n", 0o644)
	again := w.carryOut(plan, options, deps, schema.HostChanged)
	if len(again.Changes) == 0 || again.Changes[0].Object != intent.files[0].Path {
		t.Errorf("after drift: %+v", again.Changes)
	}
	if n := server.Logins.Load(); n != 4 {
		t.Errorf("%d connections for 4 executions", n)
	}
}

// overSSH serves the world's helper and a Nix store over SSH.
func (w *world) overSSH(closure *closuretest.Closure) *sshtest.Server {
	store := &servetest.Store{Added: func(path string, _ []byte) {
		w.registry[schema.StorePath(path)] = closure.Table()[schema.StorePath(path)].NarHash
		w.write(path+"/share/motd", "hello\n", 0o644)
	}}
	server := sshtest.Start(w.t)
	server.Set(func(s *sshtest.Settings) {
		s.Run = func(c *sshtest.Command) int {
			switch strings.TrimPrefix(c.Line, "sudo -n "+protocol.HelperPath+" ") {
			case "serve":
				if err := Serve(context.Background(), c.Stdin, c.Stdout, w.deps); err != nil {
					return 1
				}
				return 0
			case "store":
				return store.Serve(c.Stdin, c.Stdout, c.Stderr)
			}
			return 127
		}
	})
	return server
}

// planOver is the plan of a part, for the one host behind a server.
func (w *world) planOver(server *sshtest.Server, p *plan) *schema.Plan {
	w.t.Helper()
	plan := &schema.Plan{
		Index: p.part.Index, Payloads: p.payloads,
		Manifests: map[schema.Digest]schema.Manifest{p.manifest(): p.part.Manifest}, StorePaths: map[schema.StorePath]schema.PathInfo{},
	}
	for _, entry := range p.part.Closure {
		plan.StorePaths[entry.Path] = entry.PathInfo
	}
	key := server.HostKeys[0].PublicKey()
	host := plan.Index.Hosts["web-1"]
	host.Connection = schema.Connection{Address: "127.0.0.1", Port: server.Port, User: "deploy",
		HostKeys: []string{strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))}}
	plan.Index.Hosts["web-1"] = host
	plan.Index.Rollout = schema.Rollout{MaxParallel: 1, Waves: []schema.Wave{{Name: "all", Hosts: []schema.HostName{"web-1"}}}}
	plan.Index.Helpers = map[schema.System]schema.Digest{schema.X8664Linux: hashOf(w.deps.Executable).digest}
	if err := plan.Seal(); err != nil {
		w.t.Fatal(err)
	}
	return plan
}

// executorOver is a user's machine that the server lets in.
func (w *world) executorOver(t *testing.T, server *sshtest.Server) executor.Deps {
	t.Helper()
	home := t.TempDir()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".ssh/id_ed25519"), pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	server.Set(func(s *sshtest.Settings) { s.Authorized = []ssh.PublicKey{key} })
	return executor.Deps{
		Helpers: func(schema.System) ([]byte, error) { return os.ReadFile(w.deps.Executable) },
		Home:    home, User: "alice", Getenv: func(string) string { return "" },
		Clock: time.Now, Random: rand.Reader, StateDir: filepath.Join(home, "state"),
	}
}

func (w *world) carryOut(plan *schema.Plan, options executor.Options, deps executor.Deps, want schema.Outcome) schema.HostRecord {
	w.t.Helper()
	record, err := executor.Execute(context.Background(), plan, options, deps)
	if err != nil {
		w.t.Fatal(err)
	}
	host := record.Hosts["web-1"]
	if host.Outcome != want {
		w.t.Fatalf("%s instead of %s: %s", host.Outcome, want, host.Error)
	}
	return host
}
