package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/nixfleet/nixfleet/cmd/internal/helper"
	"github.com/nixfleet/nixfleet/cmd/internal/scaffold"
	"github.com/nixfleet/nixfleet/schema"
)

// TestWorkflows carries a change of a fresh fleet through its workflows, from the pull
// request to simulated hosts: the steps' own scripts, with stand-ins for what is not there.
func TestWorkflows(t *testing.T) {
	needNix(t)
	t.Parallel()
	hosts := simulateHosts(t, 2)
	g := newGitHub(t, hosts)
	first := g.git(g.repo, "rev-parse", "HEAD")

	// A pull request that forgot golden/: the comment is there all the same.
	replaceIn(t, filepath.Join(g.repo, "modules/web.nix"), "Hello from the fleet", "Hello from us")
	g.git(g.repo, "checkout", "-q", "-b", "greeting")
	g.git(g.repo, "commit", "-qam", "Another greeting")
	pull := map[string]string{
		"github.ref": "refs/pull/7/merge", "github.event.pull_request.base.sha": first, "github.event.pull_request.number": "7",
		"github.event.pull_request.head.repo.full_name": "example/fleet",
	}
	r := g.run("review", "greeting", pull)
	expect(t, r, "golden/ is what the fleet compiles to", "hint: nixfleet golden --update")
	if !strings.Contains(r.output, "2 cases passed") {
		t.Errorf("policies were not tested:\n%s", r.output)
	}
	comment := g.standin("comment.md")
	if !strings.Contains(comment, "**restarts** `web.service` because /srv/web/index.html changed") || !strings.Contains(r.summary, comment) {
		t.Errorf("found the comment\n%s", comment)
	}
	if args := g.standin("gh.args"); args != "pr comment 7 --edit-last --create-if-none --body-file comment.md\n" {
		t.Errorf("gh was called with %q", args)
	}

	// With golden/ it passes; from a fork nothing is written.
	g.nixfleet("golden", "--update")
	g.git(g.repo, "commit", "-qam", "What it compiles to")
	expect(t, g.run("review", "greeting", pull), "", "golden is what the fleet compiles to")
	if err := os.Remove(filepath.Join(g.dir, "standins/comment.md")); err != nil {
		t.Fatal(err)
	}
	fork := map[string]string{"github.event.pull_request.head.repo.full_name": "somebody/fleet"}
	for key, value := range pull {
		if fork[key] == "" {
			fork[key] = value
		}
	}
	expect(t, g.run("review", "greeting", fork), "", "")
	if g.standin("comment.md") != "" {
		t.Error("a pull request from a fork was commented on")
	}

	// What a policy forbids makes no plan.
	g.git(g.repo, "checkout", "-q", "-b", "careless")
	replaceIn(t, filepath.Join(g.repo, "modules/web.nix"), "text = \"<p>", "mode = \"0666\";\n      text = \"<p>")
	g.git(g.repo, "commit", "-qam", "For everybody to write")
	expect(t, g.run("review", "careless", pull), "The plan; golden/ is what the fleet compiles to", "file /srv/web/index.html can be written by everybody")

	// Merged: the plan, and what to approve.
	g.git(g.repo, "checkout", "-q", "main")
	g.git(g.repo, "merge", "-q", "greeting")
	planned := g.run("plan", "main", nil)
	expect(t, planned, "", "")
	digest := g.digestOf(planned)
	if !strings.Contains(planned.summary, fmt.Sprintf("- run: `%d`", planned.id)) || !strings.Contains(planned.summary, "- digest: `"+digest+"`") {
		t.Errorf("found the summary\n%s", planned.summary)
	}

	// By hand: another digest is refused before any host is asked; then a dry run, then for real.
	start := func(digest, mode string) result {
		return g.run("execute", "main", map[string]string{"inputs.run": fmt.Sprint(planned.id), "inputs.digest": digest, "inputs.mode": mode})
	}
	expect(t, start("sha256:"+strings.Repeat("0", 64), "execute"), "It is the plan that was approved", "but another one")
	if seen := hosts.look(t); seen.Connections != 0 {
		t.Errorf("a plan that was not approved reached hosts: %+v", seen)
	}
	expect(t, start(digest, "dry-run"), "", "")
	if seen := hosts.look(t); seen.Connections == 0 || seen.Changed != 0 {
		t.Errorf("a dry run was seen as %+v", seen)
	}
	frozen := filepath.Join(g.repo, "policy/freeze.jsonnet")
	rule := "(import 'nixfleet/guardrails.libsonnet').freeze('2000-01-01', '2999-12-31', reason='a long holiday')"
	if err := os.WriteFile(frozen, []byte("{ holiday: "+rule+" }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	g.git(g.repo, "add", "-A")
	g.git(g.repo, "commit", "-qm", "A freeze")
	expect(t, start(digest, "execute"), "It is the plan that was approved", "a long holiday")
	g.git(g.repo, "revert", "--no-edit", "HEAD")
	if seen := hosts.look(t); seen.Connections != 0 {
		t.Errorf("a freeze did not hold: %+v", seen)
	}
	executed := start(digest, "execute")
	expect(t, executed, "", "")
	if seen := hosts.look(t); seen.Changed != 2 || len(seen.Faults) > 0 {
		t.Errorf("the execution was seen as %+v\n%s", seen, executed.output)
	}
	records, err := filepath.Glob(filepath.Join(g.dir, "artifacts", fmt.Sprint(executed.id), "record/*"))
	if err != nil || len(records) == 0 {
		t.Errorf("there is no record: %v", err)
	}

	// Where hosts fail, the run fails and the record is kept.
	hosts.stop()
	failed := start(digest, "execute")
	expect(t, failed, "Execute", "web-1")
	if records, err := filepath.Glob(filepath.Join(g.dir, "artifacts", fmt.Sprint(failed.id), "record/*")); err != nil || len(records) == 0 {
		t.Errorf("there is no record of what failed: %v", err)
	}
}

// expect checks which step failed, none where it is empty, and what was said.
func expect(t *testing.T, r result, failed, said string) {
	t.Helper()
	if r.failed != failed || !strings.Contains(r.output, said) {
		t.Fatalf("expected the step %q to fail and %q to be said; found %q and\n%s", failed, said, r.failed, r.output)
	}
}

func replaceIn(t *testing.T, file, old, now string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q", file, old)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, now)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// newGitHub has a fleet as `nixfleet init` writes it, with simulated hosts in it.
func newGitHub(t *testing.T, hosts *simulatedHosts) *github {
	g := &github{t: t, dir: t.TempDir()}
	g.repo = filepath.Join(g.dir, "repo")
	if err := scaffold.Write(g.repo); err != nil {
		t.Fatal(err)
	}
	inventory := filepath.Join(g.repo, "inventory/prod.yaml")
	replaceIn(t, inventory, "  user: deploy", fmt.Sprintf("  port: %d\n  user: deploy", hosts.Port))
	replaceIn(t, inventory, "  soak: 1m\n", "") // they have no health that could be asked for
	replaceIn(t, inventory, "192.0.2.11", hosts.Hosts[0].Address)
	replaceIn(t, inventory, "192.0.2.12", hosts.Hosts[1].Address)
	replaceIn(t, inventory, `# hostKeys: ["ssh-ed25519 AAAA…"]`, fmt.Sprintf("hostKeys: [%q]", hosts.Hosts[0].HostKey))
	g.git("", "init", "-q", "-b", "main", g.repo)
	nixfleet, err := exec.LookPath("nixfleet") // that of the tests, which is not in PATH of jobs
	if err != nil {
		t.Fatal(err)
	}
	g.path = filepath.Join(g.dir, "standins")
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if dir != filepath.Dir(nixfleet) {
			g.path += ":" + dir
		}
	}
	g.writeArchive(nixfleet)
	g.git(g.repo, "add", "-A")
	g.nixfleet("golden", "--update")
	g.git(g.repo, "add", "-A")
	g.git(g.repo, "commit", "-qm", "A fleet")
	g.context = map[string]string{
		"github.ref": "refs/heads/main", "github.repository": "example/fleet", "github.token": "a-token", "secrets.FLEET_SSH_KEY": hosts.key,
		"vars.NIXFLEET_URL": "https://example.org/nixfleet.tar.gz", "vars.NIXFLEET_SHA256": g.digestOfArchive(),
		"vars.FLEET_KNOWN_HOSTS": fmt.Sprintf("[%s]:%d %s", hosts.Hosts[1].Address, hosts.Port, hosts.Hosts[1].HostKey),
	}
	return g
}

// writeArchive writes what a release has, and stand-ins for programs that need a network.
func (g *github) writeArchive(nixfleet string) {
	dir := filepath.Join(g.dir, "standins")
	executor := buildProgram(g.t, "../nixfleet-execute")
	for name, script := range map[string]string{
		"release/nixfleet":         "exec " + nixfleet + ` "$@"`,
		"release/nixfleet-execute": "exec " + executor + ` "$@"`,
		"standins/curl":            `while [ "$1" != -o ]; do shift; done; cp "$STANDINS/nixfleet.tar.gz" "$2"`,
		"standins/gh":              `[ -n "$GH_TOKEN$GH_REPO" ] && echo "$*" >"$STANDINS/gh.args" && cp comment.md "$STANDINS/"`,
	} {
		file := filepath.Join(g.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			g.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			g.t.Fatal(err)
		}
	}
	if out, err := exec.Command("tar", "-czf", filepath.Join(dir, "nixfleet.tar.gz"), "-C", filepath.Join(g.dir, "release"), ".").CombinedOutput(); err != nil {
		g.t.Fatalf("%v: %s", err, out)
	}
}

func (g *github) digestOfArchive() string {
	content, err := os.ReadFile(filepath.Join(g.dir, "standins/nixfleet.tar.gz"))
	if err != nil {
		g.t.Fatal(err)
	}
	return strings.TrimPrefix(string(schema.DigestOf(content)), "sha256:")
}

// standin returns what a stand-in noted; empty where it did not.
func (g *github) standin(name string) string {
	content, err := os.ReadFile(filepath.Join(g.dir, "standins", name))
	if err != nil && !os.IsNotExist(err) {
		g.t.Fatal(err)
	}
	return string(content)
}

func (g *github) nixfleet(args ...string) {
	g.t.Helper()
	command := exec.Command("nixfleet", args...)
	command.Dir = g.repo
	command.Env = append(os.Environ(), "NIX_CONFIG=substituters =")
	if out, err := command.CombinedOutput(); err != nil {
		g.t.Fatalf("nixfleet %s: %v\n%s", args, err, out)
	}
}

func (g *github) digestOf(r result) string {
	g.t.Helper()
	data, err := os.ReadFile(filepath.Join(g.dir, "artifacts", fmt.Sprint(r.id), "plan/plan.json"))
	if err != nil {
		g.t.Fatal(err)
	}
	var plan struct{ Digest string }
	if err := json.Unmarshal(data, &plan); err != nil {
		g.t.Fatal(err)
	}
	return plan.Digest
}

func buildProgram(t *testing.T, pkg string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), filepath.Base(pkg))
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, pkg).CombinedOutput(); err != nil {
		t.Fatalf("cannot build %s: %v\n%s", pkg, err, out)
	}
	return program
}

// simulatedHosts are hosts that speak the real protocol and change nothing.
type simulatedHosts struct {
	Port  int
	Hosts []struct{ Address, HostKey string }

	key     string
	stop    func()
	orders  *os.File
	answers *bufio.Reader
}

type seenByHosts struct {
	Connections int
	Changed     int
	Faults      []string
}

func simulateHosts(t *testing.T, count int) *simulatedHosts {
	t.Helper()
	dir := t.TempDir()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	authorized, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := helper.Binary(schema.X8664Linux)
	if err != nil {
		t.Fatalf("run `make build` first: %v", err)
	}
	for name, content := range map[string][]byte{"key.pub": ssh.MarshalAuthorizedKey(authorized), "helper": binary} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command(buildProgram(t, "../../executor/internal/simhost/manyhosts"), "--hosts", fmt.Sprint(count), "--helper", filepath.Join(dir, "helper"), "--key", filepath.Join(dir, "key.pub"))
	command.Stderr = os.Stderr
	reads, orders, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stdin = reads
	answers, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	reads.Close()
	stopped := false
	s := &simulatedHosts{key: string(pem.EncodeToMemory(block)), orders: orders, answers: bufio.NewReader(answers)}
	s.stop = func() {
		if !stopped {
			stopped = true
			orders.Close()
			_ = command.Wait()
		}
	}
	t.Cleanup(s.stop)
	line, err := s.answers.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// look returns what the hosts saw since they were asked last.
func (s *simulatedHosts) look(t *testing.T) seenByHosts {
	t.Helper()
	var seen seenByHosts
	_, err := fmt.Fprintln(s.orders, "look")
	if err == nil {
		var line []byte
		if line, err = s.answers.ReadBytes('\n'); err == nil {
			err = json.Unmarshal(line, &seen)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return seen
}
