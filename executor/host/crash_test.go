package host

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/process"
	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

var errCrash = errors.New("the helper was killed")

// crash is what happens at the points at which something changes outside of memory.
type crash struct {
	count int
	// at is the point from which on nothing can be done any more, not even saying
	// so; only the one point that fails with once. 0 for none.
	at   int
	once bool
	// points are the names of all points that were passed.
	points []string
	disk   *disk // may be nil
	// crashed says that nothing reaches the disk any more.
	crashed bool
	passed  func(point string) // called at every point; may be nil
}

func (c *crash) fault(point string) error {
	if path, ok := strings.CutPrefix(point, "synced "); ok {
		if c.disk != nil && !c.crashed {
			c.disk.sync(path)
		}
		return nil
	}
	c.count++
	c.points = append(c.points, point)
	if c.passed != nil {
		c.passed(point)
	}
	if c.at > 0 && (c.count == c.at || c.count > c.at && !c.once) {
		c.crashed = c.crashed || !c.once
		return errCrash
	}
	return nil
}

// arm lets the world's effects pass by a crash.
func (w *world) arm(c *crash) *crash {
	w.deps.Fault = c.fault
	w.systemd.fault, w.tools.fault = c.fault, c.fault
	return c
}

// crashAt lets everything fail from the nth effect on, as if the helper had been
// killed there. With n = 0 it only counts.
func (w *world) crashAt(n int) (count *int) {
	return &w.arm(&crash{at: n}).count
}

func (w *world) heal() {
	w.deps.Fault, w.systemd.fault, w.tools.fault = nil, nil, nil
}

// clone returns the same host on another root directory. If the host is from a
// recording, only one of the two may be changed.
func (w *world) clone() *world {
	w.t.Helper()
	return w.restore(readImage(w.t, w.root, w.inodes, w.inodes != nil), w.systemd, w.inodes)
}

// image is the host's root directory as it is now.
func (w *world) image() image {
	w.t.Helper()
	return readImage(w.t, w.root, w.inodes, false)
}

// restore returns the same host with another content of its root directory and another
// state of systemd.
func (w *world) restore(root image, systemd *fakeSystemd, inodes *inodes) *world {
	w.t.Helper()
	c := &world{t: w.t, root: temporaryRoot(w.t), inodes: inodes, registry: w.registry, processes: map[int][]process.Process{}, deps: w.deps, before: w.before}
	root.write(w.t, c.root, inodes)
	c.systemd, c.tools = systemd.clone(c.root), &fakeTools{root: c.root}
	c.deps.Root, c.deps.Units, c.deps.Runner, c.deps.Reboot = c.root, c.systemd, c.tools, c.systemd.Reboot
	clock := w.deps.Now()
	c.deps.Now = func() time.Time { return clock }
	c.deps.Wait = func(_ context.Context, d time.Duration) { clock = clock.Add(d) }
	return c
}

// moment is what a crash at one point leaves of a host.
type moment struct {
	point   string
	roots   []image // by the interruptions that were asked for; nil where every skips the point
	systemd *fakeSystemd
	inodes  *inodes
}

// record lets a copy of the host do something and returns what a crash at each point
// on the way would leave. That takes one run where a run to each point would take
// hundreds. How c fails on the way is up to the caller.
func (w *world) record(c *crash, hows []interruption, do func(*world)) []moment {
	w.t.Helper()
	h := w.clone()
	defer os.RemoveAll(h.root)
	if h.inodes == nil {
		h.inodes = newInodes(h.t)
	}
	c.disk = newDisk(h.t, h.root, h.inodes)
	var moments []moment
	c.passed = func(point string) {
		n := len(moments) + 1
		m := moment{point: point, systemd: h.systemd.clone(""), inodes: h.inodes}
		now := readImage(h.t, h.root, h.inodes, true)
		for _, how := range hows {
			m.roots = append(m.roots, how.leaves(n, now, c.disk))
		}
		moments = append(moments, m)
	}
	h.arm(c)
	do(h)
	return moments
}

// leaves is what is left of a root directory; nil where it does not happen at the nth point.
func (how interruption) leaves(n int, now image, disk *disk) image {
	switch {
	case how.once || how.every > 1 && n%how.every != 0:
		return nil
	case how.keep == nil:
		return now
	}
	disk = disk.clone()
	how.keep(disk, n)
	return disk.image()
}

// transact carries out a transaction in this process, without a session.
func (w *world) transact(p *plan) (transaction.Verdict, error) {
	return w.transactWith(context.Background(), p, nil)
}

// transactWith has the change confirmed, unless confirm is nil.
func (w *world) transactWith(ctx context.Context, p *plan, confirm func(context.Context) error) (transaction.Verdict, error) {
	w.t.Helper()
	w.supply(p)
	worker := w.worker()
	defer worker.close()
	id, err := transaction.NewID(worker.state, "r1", 1)
	if err != nil {
		w.t.Fatal(err)
	}
	return transaction.Run(ctx, worker.host(), transaction.Order{
		ConfirmWindow: "60s", ID: id, Kind: transaction.Apply, Host: p.part.Host, Run: "r1", Epoch: 1, Operator: "ann@desk",
		Plan: p.part.Digest, Manifest: p.part.Manifest, Digest: p.manifest(), Closure: p.part.Closure,
	}, func(event protocol.Event) {
		if event.Note != "" {
			w.notes = append(w.notes, event.Note)
		}
	}, confirm)
}

// supply sends the payloads that are not there.
func (w *world) supply(p *plan) {
	w.t.Helper()
	store := state.New(w.root, w.onlySynced)
	for digest, payload := range p.payloads {
		content, err := payload.Bytes()
		if err != nil {
			w.t.Fatal(err)
		}
		if store.HasBlob(digest) {
			continue
		}
		if err := store.PutPayload(content); err != nil {
			w.t.Fatal(err)
		}
	}
}

// onlySynced tells what was forced to the disk, and crashes nothing.
func (w *world) onlySynced(point string) error {
	if w.deps.Fault != nil && strings.HasPrefix(point, "synced ") {
		return w.deps.Fault(point)
	}
	return nil
}

func (w *world) worker() *worker {
	w.t.Helper()
	worker, err := newWorker(w.deps)
	if err != nil {
		w.t.Fatal(err)
	}
	return worker
}

func (w *world) recover(boot bool) (*transaction.Verdict, error) {
	worker := w.worker()
	defer worker.close()
	return transaction.Recover(context.Background(), worker.host(), boot, func(protocol.Event) {})
}

// boot starts the host again and has it recovered, either before any unit starts
// or, as it happens where the disk is slow, when they have.
func (w *world) boot(early bool) (*transaction.Verdict, error) {
	w.systemd.bootEarly()
	if !early {
		w.systemd.bootLate()
	}
	verdict, err := w.recover(true)
	if early {
		w.systemd.bootLate()
	}
	return verdict, err
}

// scenario is a transaction that is interrupted, on a host that was brought
// somewhere before.
type scenario struct {
	name   string
	before []intent
	goal   intent
	// meddle changes the host by hand before.
	meddle func(*world)
}

func scenarios() []scenario {
	full := webHost()
	full.closure = closure()
	full.files = append(full.files, source("/etc/deep/er/conf", string(topPath)+"/etc/conf"),
		schema.File{Path: "/etc/motd", Payload: "ours", Mode: "0600", Owner: "web", Group: "web", Adopt: true},
		file("/home/ada/.ssh/authorized_keys", "ssh-ed25519 AAAA\n"))
	full.masks = []schema.UnitName{"vendor.timer", "worker@.service"}
	full.holds = []schema.PackageName{"libc6", "nginx"}
	full.users[0].ExtraGroups = []schema.AccountName{"staff"}
	ada := user("ada")
	ada.Home, ada.CreateHome = "/home/ada", true
	ada.Group = "staff"
	full.users = append([]schema.User{ada}, full.users...)

	edited := webHost()
	edited.closure = closure()
	edited.files[0].Payload = "port 9090\n"
	edited.files[1] = file("/etc/web/current", "no link any more")
	edited.files = append(edited.files, file("/etc/deep", "a file where a directory was"), file("/etc/d/is/a/directory/now", "x"))
	edited.units[0].Payload = "# 2\nExecStart=run\n"
	edited.units = append(edited.units, service("second.service", "# s\nExecStart=run\n"), service("second.socket", "# s\nExecStart=run\n"))
	edited.masks = []schema.UnitName{"vendor.service", "vendor.timer"}
	edited.holds = []schema.PackageName{"docker.io", "libc6"}
	edited.directories[0].Mode = "0700"
	edited.users[0].Shell = "/bin/sh"
	full.files = append(full.files, file("/etc/d", "a file where a directory will be"))
	return []scenario{
		{"first", nil, full, nil},
		{"change", []intent{full}, edited, func(w *world) {
			w.write("/etc/web/web.conf", "port 80 # by hand\n", 0o600)
			for _, name := range []schema.UnitName{"web.service", "vendor.service"} { // so that they start again as they ran
				w.systemd.start(name, unit.Restart)
			}
		}},
		{"removal", []intent{full}, intent{}, nil},
		{"back", []intent{full, edited}, full, nil},
	}
}

// prepare makes the host on which the scenario plays.
func (s scenario) prepare(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	w.install()
	w.write("/etc/motd", "theirs", 0o664)
	w.write("/etc/skel/.bashrc", "skel", 0o644)
	w.write("/etc/skel/.profile", "skel", 0o644)
	for _, name := range []schema.UnitName{"vendor.timer", "vendor.service"} {
		w.write("/usr/lib/systemd/system/"+string(name), "ExecStart=run", 0o644)
		w.systemd.start(name, unit.Start)
	}
	for _, i := range s.before {
		if verdict, err := w.transact(i.plan(t)); err != nil || verdict.Outcome != transaction.Applied {
			t.Fatalf("%+v, %v", verdict, err)
		}
	}
	w.before = len(s.before)
	if s.meddle != nil {
		s.meddle(w)
	}
	return w
}

// ends are what a host may be after an interruption: what it was, or what it was
// to become; and each after a boot.
type ends struct{ old, new, oldBoot, newBoot string }

func (s scenario) ends(t testing.TB, w *world) ends {
	t.Helper()
	var e ends
	e.old = w.managed()
	booted := w.clone()
	booted.systemd.boot()
	e.oldBoot = booted.managed()
	changed := w.clone()
	if verdict, err := changed.transact(s.goal.plan(t)); err != nil || verdict.Outcome != transaction.Applied || verdict.Message != "" {
		t.Fatalf("%+v, %v", verdict, err)
	}
	e.new = changed.managed()
	changed.mustBeSwept()
	changed.systemd.boot()
	e.newBoot = changed.managed()
	return e
}

// managed describes all that a transaction may change.
func (w *world) managed() string { return w.describe(w.image()) }

// describe is managed for an image of the host that was taken before. The directory of
// the profile's links is ours and stays when it is empty.
func (w *world) describe(root image) string {
	return profileRE.ReplaceAllString(w.snapshotOf(root), "")
}

var profileRE = regexp.MustCompile(`(?m)^/nix/var/nix/profiles/nixfleet d.*\n`)

// mustBeSwept asserts that nothing temporary is left, and no transaction open.
func (w *world) mustBeSwept() {
	w.t.Helper()
	w.mustBeSweptIn(w.image())
}

func (w *world) mustBeSweptIn(root image) {
	w.t.Helper()
	w.mustBeCleanIn(root)
	if open := mustUnfinished(w.t, w); open != nil {
		w.t.Errorf("the transaction %s has not ended", open.Order.ID)
	}
	for _, e := range root {
		if strings.HasPrefix(e.path, "/nix/var/nix/gcroots/nixfleet/") || path.Base(e.path) == "reserve" {
			w.t.Errorf("%s is left", e.path)
		}
	}
}

// tally counts what the suites have done.
var tally struct{ points, runs atomic.Int64 }

func TestMain(m *testing.M) {
	code := m.Run()
	if runs := tally.runs.Load(); runs > 0 && testing.Verbose() {
		fmt.Printf("%d crash points, %d interrupted transactions and their ends\n", tally.points.Load(), runs)
	}
	os.Exit(code)
}

// TestCrashAtEveryEffect crashes a transaction before and after every effect of
// each scenario. Then it is recovered, on contact or at the next boot, with what
// the disk has by then. The host must be exactly what it was or exactly what it was
// to become, the verdict must say which, and the next execution must go through.
func TestCrashAtEveryEffect(t *testing.T) {
	needRoot(t)
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := s.prepare(t)
			e := s.ends(t, w)
			plan := s.goal.plan(t)
			moments := w.record(&crash{}, interruptions, func(h *world) {
				if _, err := h.transact(plan); err != nil {
					t.Fatal(err)
				}
			})
			if len(moments) < 60 {
				t.Fatalf("only %d points were seen", len(moments))
			}
			before := w.image()
			for i, m := range moments {
				for nth, how := range interruptions {
					what := fmt.Sprintf("%s at %d, %s", how.name, i+1, m.point)
					switch {
					case how.once:
						w.failOnce(what, i+1, before, e, plan)
					case m.roots[nth] != nil:
						w.interrupt(what, i+1, how, m.roots[nth], m, e, plan)
					}
				}
			}
			tally.points.Add(int64(len(moments)))
			t.Logf("%d points", len(moments))
		})
	}
}

// interruption is a kind of crash with what comes after it.
type interruption struct {
	name  string
	every int
	once  bool             // no crash: one effect fails or, done, loses its reply
	cut   bool             // the power is cut, and the host boots
	keep  func(*disk, int) // what else has reached the disk; nil for everything
	early bool             // recovery comes before units start
}

var interruptions = []interruption{
	{name: "killed"},
	{name: "failed", once: true},
	{name: "power cut, nothing unsynced survives", cut: true, early: true, keep: func(*disk, int) {}},
	{name: "power cut, everything survives", cut: true},
	{name: "power cut, something survives", every: 2, cut: true, early: true, keep: func(d *disk, n int) { d.forgetSome(rand.New(rand.NewPCG(uint64(n), 1))) }},
}

// interrupt recovers the host that an interruption has left.
func (w *world) interrupt(what string, n int, how interruption, root image, m moment, e ends, p *plan) {
	w.t.Helper()
	tally.runs.Add(1)
	h := w.restore(root, m.systemd, m.inodes)
	defer os.RemoveAll(h.root)
	if how.cut {
		e.old, e.new = e.oldBoot, e.newBoot
	}
	found, err := h.comeUp(how)
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	h.mustHaveEnded(what, found, e)
	if n%4 == 0 {
		h.mustConverge(what, p, e)
	}
}

// failOnce has one effect fail; what comes after it works again.
func (w *world) failOnce(what string, n int, before image, e ends, p *plan) {
	w.t.Helper()
	tally.runs.Add(1)
	h := w.restore(before, w.systemd, nil)
	defer os.RemoveAll(h.root)
	h.arm(&crash{at: n, once: true})
	verdict, err := h.transact(p)
	h.heal()
	found := &verdict
	if err != nil {
		if found, err = h.recover(false); err != nil {
			w.t.Fatalf("%s: %v", what, err)
		}
	}
	if found != nil && found.Outcome == transaction.Applied && found.Message != "" {
		h.mustMention(what, found, p, e)
		return
	}
	h.mustHaveEnded(what, found, e)
	if n%4 == 0 {
		h.mustConverge(what, p, e)
	}
}

// mustHaveEnded asserts that the host is one of both, and that the verdict says which.
func (w *world) mustHaveEnded(what string, verdict *transaction.Verdict, e ends) {
	w.t.Helper()
	root := w.image()
	now := w.describe(root)
	if now != e.old && now != e.new {
		w.t.Fatalf("%s: the host is half-changed (%+v):\nagainst the old\n%s\nagainst the new\n%s", what, verdict, difference(e.old, now), difference(e.new, now))
	}
	if last := w.lastVerdict(); verdict == nil {
		verdict = last
	} else if last == nil || last.Outcome != verdict.Outcome {
		w.t.Fatalf("%s: the verdict %+v is recorded as %+v", what, verdict, last)
	}
	switch {
	case verdict == nil && now == e.old: // it never began
	case verdict == nil:
		w.t.Fatalf("%s: the host has changed and nobody says so", what)
	case verdict.Outcome == transaction.Applied && now != e.new, verdict.Outcome != transaction.Applied && now != e.old, verdict.Outcome == transaction.Failed:
		w.t.Fatalf("%s: the verdict %+v is not true", what, verdict)
	}
	w.mustBeSweptIn(root)
	if w.t.Failed() {
		w.t.Fatal(what)
	}
}

// lastVerdict returns what is recorded of the transaction under test; nil where
// it has left no trace.
func (w *world) lastVerdict() *transaction.Verdict {
	w.t.Helper()
	store := state.New(w.root, nil)
	ids, err := store.Names("transactions")
	if err != nil {
		w.t.Fatal(err)
	}
	for n := 99; n >= 1; n-- {
		id := "r1-1"
		if n > 1 {
			id = fmt.Sprintf("r1-1.%d", n)
		}
		if !slices.Contains(ids, id) || n <= w.before {
			continue
		}
		verdict, err := transaction.LoadVerdict(store, id)
		if err != nil {
			w.t.Fatal(err)
		}
		return verdict
	}
	return nil
}

var stagingRE = regexp.MustCompile(`(?m)^/etc/.nixfleet.*\n`)

// mustMention asserts that what is left of a transaction that was committed is what
// the verdict mentions, and no more: an account that the next execution removes, or
// something that could not be cleaned up.
func (w *world) mustMention(what string, verdict *transaction.Verdict, p *plan, e ends) {
	w.t.Helper()
	if strings.Contains(verdict.Message, "cannot clean up") {
		if now := stagingRE.ReplaceAllString(w.managed(), ""); now != e.new {
			w.t.Fatalf("%s: %+v, but:\n%s", what, verdict, difference(e.new, now))
		}
		return
	}
	w.mustConverge(what, p, e)
}

// mustConverge executes again.
func (w *world) mustConverge(what string, p *plan, e ends) {
	w.t.Helper()
	verdict, err := w.transact(p)
	if err != nil || verdict.Outcome != transaction.Applied && verdict.Outcome != transaction.Unchanged {
		w.t.Fatalf("%s: executed again: %+v, %v", what, verdict, err)
	}
	root := w.image()
	if now := withoutStarts(w.describe(root)); now != withoutStarts(e.new) {
		w.t.Fatalf("%s: executed again, the host is another:\n%s", what, difference(withoutStarts(e.new), now))
	}
	w.mustBeSweptIn(root)
}

var startsRE = regexp.MustCompile(`(?m)^[^/\n]*\.(service|timer|socket) active as .*\n`)

// withoutStarts leaves out under which configuration units were started, which a
// boot in between changes.
func withoutStarts(snapshot string) string { return startsRE.ReplaceAllString(snapshot, "") }

// difference returns the lines of which one has what the other has not.
func difference(want, found string) string {
	var out strings.Builder
	a, b := strings.Split(want, "\n"), strings.Split(found, "\n")
	for _, line := range a {
		if !slices.Contains(b, line) {
			out.WriteString("- " + line + "\n")
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			out.WriteString("+ " + line + "\n")
		}
	}
	return out.String()
}
