package host

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/command"
	"github.com/nixfleet/nixfleet/executor/host/internal/lease"
	"github.com/nixfleet/nixfleet/executor/host/internal/process"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// world is a host on a temporary root directory.
type world struct {
	t         testing.TB
	root      string
	inodes    *inodes // of the recording that the root directory is from; nil without one
	deps      Deps
	systemd   *fakeSystemd
	tools     *fakeTools
	registry  fakeRegistry
	processes map[int][]process.Process
	client    *client  // of the session at work
	booting   bool     // whether the host is coming up
	died      error    // of what the last transaction's process died
	notes     []string // of transactions without a session
	before    int      // how many transactions came before the one under test
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, root: temporaryRoot(t), registry: fakeRegistry{}, processes: map[int][]process.Process{}}
	for path, content := range map[string]string{
		"/etc/passwd":                  "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/usr/sbin/nologin\n",
		"/etc/group":                   "root:x:0:\ndaemon:x:1:\nstaff:x:50:\n",
		"/etc/os-release":              "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
		"/var/lib/dpkg/status":         dpkgStatus,
		"/usr/bin/sh":                  "",
		"/usr/sbin/nologin":            "",
		"/var/lib/keep":                "",
		"/nix/var/nix/profiles/keep":   "",
		"/srv/keep":                    "",
		"/usr/bin/nixfleet-host":       "the helper",
		"/etc/systemd/system/old.text": "",
	} {
		w.write(path, content, 0o755)
	}
	if err := os.Symlink("usr/bin", filepath.Join(w.root, "bin")); err != nil {
		t.Fatal(err)
	}
	w.systemd = newFakeSystemd(w.root)
	w.tools = &fakeTools{root: w.root}
	clock := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	w.deps = Deps{
		Root: w.root, Executable: filepath.Join(w.root, "/usr/bin/nixfleet-host"), Machine: "x86_64",
		Runner: w.tools, Shell: command.System{}.Shell, Units: w.systemd, NixStore: "/usr/bin/nix-store", Registry: w.registry,
		Processes:   func(uid int) []process.Process { return w.processes[uid] },
		Free:        func(string) (int64, error) { return 1 << 30, nil },
		Now:         func() time.Time { return clock },
		Wait:        func(_ context.Context, d time.Duration) { clock = clock.Add(d) },
		JobDeadline: time.Second,
		Clock:       lease.System(),
		Booting:     func(context.Context) (bool, error) { return w.booting, nil },
		Reboot:      w.systemd.Reboot,
		Inhibitors:  func(context.Context) ([]unit.Inhibitor, error) { return nil, nil },
	}
	// The process of a transaction is over when begin answers, unless a test wants
	// both at once. That it is killed is no error of its start.
	w.deps.Start = func(ctx context.Context, id string) error {
		w.died = Run(ctx, w.deps, id)
		return nil
	}
	w.deps.Rescue = func(ctx context.Context) error { return Recover(ctx, w.deps) }
	t.Cleanup(func() { w.hangUp() })
	return w
}

// temporaryRoot is in memory where it can be: the helper forces much to the disk.
func temporaryRoot(t testing.TB) string {
	t.Helper()
	root, err := os.MkdirTemp("/dev/shm", "nixfleet-host-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	return root
}

func (w *world) at(path string) string { return filepath.Join(w.root, path) }

func (w *world) write(path, content string, mode os.FileMode) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(w.at(path)), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.at(path), []byte(content), mode); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Chmod(w.at(path), mode); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(path string) string {
	w.t.Helper()
	content, err := os.ReadFile(w.at(path))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(content)
}

func (w *world) exists(path string) bool {
	_, err := os.Lstat(w.at(path))
	return err == nil
}

// intent is what a host shall be, with the texts in place.
type intent struct {
	groups      []schema.Group
	users       []schema.User
	directories []schema.Directory
	files       []schema.File // with the text in Payload
	units       []schema.Unit // with the text in Payload
	restarts    []schema.RestartRule
	masks       []schema.UnitName
	holds       []schema.PackageName
	closure     []schema.PathEntry // the first one is the top
	change      func(*schema.Manifest)
}

// plan is an intent, sealed.
type plan struct {
	part     schema.Part
	payloads map[schema.Digest]schema.Payload
}

func (p *plan) manifest() schema.Digest {
	digest, err := schema.DigestOfValue(p.part.Manifest)
	if err != nil {
		panic(err)
	}
	return digest
}

func (i intent) plan(t testing.TB) *plan {
	t.Helper()
	p := &plan{payloads: map[schema.Digest]schema.Payload{}}
	text := func(content schema.Digest) schema.Digest {
		payload := schema.NewPayload([]byte(content))
		digest := schema.DigestOf([]byte(content))
		p.payloads[digest] = payload
		return digest
	}
	m := schema.Manifest{
		Version: schema.ManifestVersion, Base: schema.Debian, System: schema.X8664Linux, Settle: "1s", Activation: schema.Activation{ConfirmWindow: "0s"},
		Packages: []schema.StorePath{}, Groups: nonNil(i.groups), Users: nonNil(i.users), Directories: nonNil(i.directories),
		Files: nonNil(slices.Clone(i.files)), Units: nonNil(slices.Clone(i.units)), Restarts: nonNil(i.restarts), Masks: i.masks, Holds: i.holds,
	}
	for n := range m.Files {
		if f := &m.Files[n]; f.Source == "" && f.Symlink == "" {
			f.Payload = text(f.Payload)
		}
	}
	for n := range m.Units {
		m.Units[n].Payload = text(m.Units[n].Payload)
	}
	slices.SortFunc(m.Files, func(a, b schema.File) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(m.Directories, func(a, b schema.Directory) int { return strings.Compare(a.Path, b.Path) })
	if len(i.closure) > 0 {
		hash, err := schema.DigestOfValue(i.closure)
		if err != nil {
			t.Fatal(err)
		}
		m.Closure = &schema.Closure{Path: i.closure[0].Path, Hash: hash}
	}
	if i.change != nil {
		i.change(&m)
	}
	digest, err := schema.DigestOfValue(m)
	if err != nil {
		t.Fatal(err)
	}
	p.part = schema.Part{Host: "web-1", Manifest: m, Closure: nonNil(i.closure), Index: schema.Index{
		Kind: schema.PlanKind, Version: schema.PlanVersion, TimeZone: "UTC",
		Source: schema.Source{NarHash: narHashOf("source"), Library: narHashOf("library")},
		Hosts:  map[schema.HostName]schema.Host{"web-1": {Manifest: digest}},
	}}
	p.seal(t)
	return p
}

func (p *plan) seal(t testing.TB) {
	t.Helper()
	var err error
	if p.part.Digest, err = schema.DigestOfValue(p.part.Index); err != nil {
		t.Fatal(err)
	}
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func narHashOf(text string) schema.NarHash {
	sum := sha256.Sum256([]byte(text))
	return schema.NarHash("sha256-" + base64.StdEncoding.EncodeToString(sum[:]))
}

// client is the executor's end of a session, with the events that came.
type client struct {
	*caller
	t       testing.TB
	hangUp  func()
	notes   []string
	stages  []string
	events  []schema.Change
	numbers []int
}

// connect begins a session.
func (w *world) connect() *client {
	w.t.Helper()
	w.hangUp()
	requests, in := io.Pipe()
	out, responses := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- Serve(context.Background(), requests, responses, w.deps)
		responses.Close()
	}()
	w.client = &client{caller: newCaller(out, in), t: w.t, hangUp: sync.OnceFunc(func() {
		in.Close()
		out.Close()
		<-done
	})}
	w.client.OnEvent = w.client.keep
	return w.client
}

// hangUp ends the session at work.
func (w *world) hangUp() {
	if w.client != nil {
		w.client.hangUp()
		w.client = nil
	}
}

// keep keeps an event.
func (c *client) keep(event *protocol.Event) {
	if event.Number > 0 {
		c.numbers = append(c.numbers, event.Number)
	}
	if event.Note != "" {
		c.notes = append(c.notes, event.Note)
	}
	if event.Stage != "" {
		c.stages = append(c.stages, string(event.Stage))
	}
	if event.Change != nil {
		c.events = append(c.events, *event.Change)
	}
}

func (c *client) hello(p *plan) (*protocol.HelloReply, error) {
	c.Head.Digest, c.Head.Host = p.part.Digest, p.part.Host
	return call(c.caller, protocol.Hello, protocol.HelloRequest{Manifest: p.manifest()})
}

func (c *client) prepare(p *plan) (*protocol.PrepareReply, error) {
	c.Head.Digest, c.Head.Host = p.part.Digest, p.part.Host
	return call(c.caller, protocol.Prepare, *p.ask())
}

// ask is what a host is handed of the plan.
func (p *plan) ask() *protocol.PrepareRequest {
	return &protocol.PrepareRequest{Index: p.part.Index, Manifest: p.part.Manifest, Closure: p.part.Closure}
}

func (c *client) send(p *plan, missing []schema.Digest) error {
	payloads := map[schema.Digest]schema.Payload{}
	for _, digest := range missing {
		payloads[digest] = p.payloads[digest]
	}
	_, err := call(c.caller, protocol.Payloads, protocol.PayloadsRequest{Payloads: payloads})
	return err
}

// changeError is the verdict of a change that did not succeed.
type changeError struct{ protocol.Verdict }

func (e *changeError) Error() string {
	return schema.InFull(&protocol.Error{Message: e.Message, Hint: e.Hint})
}

// begin begins the transaction of what was prepared.
func (c *client) begin() (id string, err error) {
	reply, err := call(c.caller, protocol.Begin, protocol.BeginRequest{})
	if err != nil {
		return "", err
	}
	return reply.Transaction, nil
}

// apply begins the transaction of what was prepared, and watches it to its end. A
// refusal is a [*protocol.Error], of the session or of the transaction.
func (c *client) apply() (*protocol.Verdict, error) {
	id, err := c.begin()
	if err != nil {
		return nil, err
	}
	return c.attach(id, 0)
}

func (c *client) attach(id string, after int) (*protocol.Verdict, error) {
	reply, err := call(c.caller, protocol.Attach, protocol.AttachRequest{Transaction: id, After: after})
	if err != nil {
		return nil, err
	}
	switch v := reply.Verdict; v.Outcome {
	case protocol.Applied, protocol.Unchanged:
		return &v, nil
	case protocol.RefusedOutcome:
		return nil, &protocol.Error{Kind: protocol.KindRefused, Message: v.Message, Hint: v.Hint}
	default:
		return nil, &changeError{v}
	}
}

// execute does what the executor does with one host.
func (w *world) execute(p *plan) (*protocol.Verdict, error) {
	w.t.Helper()
	c := w.connect()
	hello, err := c.hello(p)
	if err != nil {
		return nil, err
	}
	if hello.Unchanged {
		return &protocol.Verdict{Outcome: protocol.Unchanged, Generation: hello.Generation}, nil
	}
	prepared, err := c.prepare(p)
	if err != nil {
		return nil, err
	}
	if len(prepared.MissingPayloads) > 0 {
		if err := c.send(p, prepared.MissingPayloads); err != nil {
			return nil, err
		}
	}
	reply, err := c.apply()
	if err != nil {
		return nil, err
	}
	if !slices.Equal(reply.Changes, prepared.Changes) {
		w.t.Errorf("an apply did something else than prepare said:\n%v\n%v", reply.Changes, prepared.Changes)
	}
	if !slices.Equal(reply.Changes, c.events) && len(reply.Changes)+len(c.events) > 0 {
		w.t.Errorf("the events are not the changes:\n%v\n%v", c.events, reply.Changes)
	}
	return reply, nil
}

func (w *world) mustExecute(i intent) []schema.Change {
	w.t.Helper()
	reply, err := w.execute(i.plan(w.t))
	if err != nil {
		w.t.Fatal(err)
	}
	return reply.Changes
}

// mustBeUnchanged asserts that the host is by inspection what the intent says.
func (w *world) mustBeUnchanged(i intent) {
	w.t.Helper()
	hello, err := w.connect().hello(i.plan(w.t))
	if err != nil {
		w.t.Fatal(err)
	}
	if !hello.Unchanged {
		prepared, err := w.client.prepare(i.plan(w.t))
		w.t.Fatalf("the host is not what was applied: %+v, %v, %+v", prepared, err, hello.Transaction)
	}
}

// refusal returns the text with which a plan is refused.
func (w *world) refusal(p *plan) string {
	w.t.Helper()
	_, err := w.execute(p)
	w.hangUp()
	refused, ok := err.(*protocol.Error)
	if !ok || refused.Kind != protocol.KindRefused {
		w.t.Fatalf("expected a refusal, found %v", err)
	}
	return schema.InFull(refused)
}

// summary returns changes in a short form.
func summary(changes []schema.Change) string {
	var lines []string
	for _, c := range changes {
		line := string(c.Action) + " " + c.Kind + " " + c.Object
		if c.Detail != "" {
			line += " (" + c.Detail + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func me() (owner, group schema.AccountName) { return "root", "root" }

func file(path, text string) schema.File {
	owner, group := me()
	return schema.File{Path: path, Payload: schema.Digest(text), Mode: "0644", Owner: owner, Group: group}
}

func directory(path string, mode schema.Mode) schema.Directory {
	owner, group := me()
	return schema.Directory{Path: path, Mode: mode, Owner: owner, Group: group}
}

func user(name schema.AccountName) schema.User {
	return schema.User{Name: name, System: true, Group: name, ExtraGroups: []schema.AccountName{}, Home: "/nonexistent", Shell: "/usr/sbin/nologin"}
}

func service(name schema.UnitName, text string) schema.Unit {
	return schema.Unit{
		Name: name, Payload: schema.Digest(text), Enabled: true, OnChange: schema.StopStart,
		Links:  []string{"multi-user.target.wants/" + string(name)},
		Starts: []schema.UnitName{name}, StartWith: []schema.UnitName{"multi-user.target"},
	}
}
