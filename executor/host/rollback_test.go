package host

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// join begins a session that brings nothing.
func (w *world) join() *client {
	w.t.Helper()
	c := w.connect()
	if _, err := call(c.caller, protocol.Hello, protocol.HelloRequest{Manifest: schema.DigestOf(nil)}); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (c *client) back(where protocol.BackRequest) (*protocol.BackReply, error) {
	return call(c.caller, protocol.Back, where)
}

// goBack does what the executor does with one host that goes back.
func (w *world) goBack(where protocol.BackRequest) (*protocol.Verdict, error) {
	w.t.Helper()
	c := w.join()
	reply, err := c.back(where)
	if err != nil {
		return nil, err
	}
	if reply.Nothing {
		return &protocol.Verdict{Outcome: protocol.Unchanged}, nil
	}
	verdict, err := c.apply()
	if err == nil && !slices.Equal(verdict.Changes, reply.Changes) {
		w.t.Errorf("going back did something else than was said:\n%v\n%v", verdict.Changes, reply.Changes)
	}
	return verdict, err
}

func (w *world) rollback(to string) (*protocol.Verdict, error) {
	w.t.Helper()
	return w.goBack(protocol.BackRequest{To: to})
}

func (w *world) mustRollback(to string) *protocol.Verdict {
	w.t.Helper()
	verdict, err := w.rollback(to)
	if err != nil {
		w.t.Fatalf("to %s: %v", to, err)
	}
	return verdict
}

func (w *world) backRefusal(where protocol.BackRequest) string {
	w.t.Helper()
	_, err := w.goBack(where)
	w.hangUp()
	refused, ok := err.(*protocol.Error)
	if !ok || refused.Kind != protocol.KindRefused {
		w.t.Fatalf("%+v: expected a refusal, found %v", where, err)
	}
	return refused.Error()
}

func (w *world) toldHistory(limit int) *protocol.HistoryReply {
	w.t.Helper()
	reply, err := call(w.connect().caller, protocol.History, protocol.HistoryRequest{Limit: limit})
	if err != nil {
		w.t.Fatal(err)
	}
	return reply
}

// edition is the nth of a line of intents.
func edition(n int) intent {
	i := webHost()
	i.files[0].Payload = schema.Digest(fmt.Sprintf("edition %d\n", n))
	return i
}

func TestRollbackBringsBackWhatWas(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(edition(1))
	one := withoutGenerations(w.snapshot())
	changed := edition(2)
	changed.users, changed.groups = nil, nil
	changed.units[0].Payload = "# 2\nExecStart=run\n"
	changed.files = append(changed.files, file("/etc/second", "2"))
	w.mustExecute(changed)
	two := withoutGenerations(w.snapshot())

	w.systemd.log = nil
	verdict := w.mustRollback("previous")
	autogold.Expect(`stop unit web.service (its unit changed)
create group web
create user web
remove file /etc/second
update file /etc/web/web.conf (content)
update unit web.service (content)
start unit web.service (its unit changed)`).Equal(t, summary(verdict.Changes))
	autogold.Expect([]string{
		`stop web.service "# 2"`, "daemon-reload", "reset-failed web.service",
		`restart web.service "# 1"`,
	}).Equal(t, w.systemd.log)
	if found := withoutGenerations(w.snapshot()); found != one {
		t.Errorf("rolled back, the host is\n%s\nbut was\n%s", found, one)
	}
	if verdict.Generation != 3 {
		t.Errorf("expected the generation 3, found %d", verdict.Generation)
	}
	w.mustBeUnchanged(edition(1)) // and the old plan finds nothing to do
	w.mustBeClean()

	if verdict := w.mustRollback("1"); verdict.Outcome != protocol.Unchanged {
		t.Errorf("to what it is: %+v", verdict)
	}
	w.mustRollback("2")
	if found := withoutGenerations(w.snapshot()); found != two {
		t.Errorf("rolled forward, the host is\n%s\nbut was\n%s", found, two)
	}
	told := w.toldHistory(0)
	var lines []string
	for _, e := range told.Entries {
		lines = append(lines, fmt.Sprintf("%s to %d: %d %s", e.Kind, e.RollbackTo, e.Generation, e.Verdict))
	}
	autogold.Expect([]string{
		"rollback to 2: 4 applied", "rollback to 1: 3 applied",
		"apply to 0: 2 applied",
		"apply to 0: 1 applied",
	}).Equal(t, lines)
	if len(told.Generations) != 4 || !told.Generations[0].InEffect || told.Generations[0].RollbackTo != 2 || told.Generations[0].Plan != changed.plan(t).part.Digest {
		t.Errorf("found %+v", told.Generations)
	}
	if told := w.toldHistory(2); len(told.Entries) != 2 || told.Entries[0].RollbackTo != 2 {
		t.Errorf("of the last two: %+v", told.Entries)
	}
}

// Going back twice goes further back: never to what was just left.
func TestPreviousGoesFurtherBack(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	for n := range 4 {
		w.mustExecute(edition(n + 1))
	}
	found := func() string { return strings.TrimSpace(w.read("/etc/web/web.conf")) }
	for _, want := range []string{"edition 3", "edition 2", "edition 1"} {
		w.mustRollback("previous")
		if found() != want {
			t.Fatalf("expected %s, found %s", want, found())
		}
		w.write("/etc/web/web.conf", "edited", 0o644) // repaired, it is still the way back that it was
		w.mustRollback(fmt.Sprint(w.toldHistory(1).Generations[0].Generation))
	}
	text := w.backRefusal(protocol.BackRequest{To: "previous"})
	autogold.Expect(`the host keeps no generation before the one in effect, 7; it keeps 1, 2, 3, 4, 5, 6, 7 (in effect)
hint: nixfleet history tells what they are; any older state is in a plan, to be executed`).Equal(t, text)
	w.mustExecute(edition(5))
	w.mustRollback("previous")
	if found() != "edition 1" {
		t.Errorf("after a new plan: %s", found())
	}
}

func TestRollbackToADigest(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	one, two := edition(1).plan(t), edition(2).plan(t)
	for _, p := range []*plan{one, two} {
		if _, err := w.execute(p); err != nil {
			t.Fatal(err)
		}
	}
	digits := strings.TrimPrefix(string(one.manifest()), "sha256:")
	for _, to := range []string{digits[:8], string(one.part.Digest), one.part.Digest.Short()} {
		w.mustRollback(to)
		w.mustBeUnchanged(edition(1))
		w.mustRollback(two.part.Digest.Short())
		w.mustBeUnchanged(edition(2))
	}
}

func TestRollbackIsRefused(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	autogold.Expect("nothing was ever applied to the host: there is no generation to go back to").Equal(t, w.backRefusal(protocol.BackRequest{To: "previous"}))
	w.install()
	few := func(n int) intent {
		i := edition(n)
		i.closure = closure()
		if n == 4 {
			i.closure = nil
		}
		i.change = func(m *schema.Manifest) { m.Activation.KeepGenerations = 3 }
		return i
	}
	for n := range 4 {
		w.mustExecute(few(n + 1))
	}
	autogold.Expect(`the host does not keep the generation 1; it keeps 2, 3, 4 (in effect)
hint: nixfleet history tells what they are; any older state is in a plan, to be executed`).Equal(t, w.backRefusal(protocol.BackRequest{To: "1"}))
	autogold.Expect(`the host keeps no generation whose manifest's or plan's digest begins with sha256:01234567; it keeps 2, 3, 4 (in effect)
hint: nixfleet history tells what they are; any older state is in a plan, to be executed`).Equal(t, w.backRefusal(protocol.BackRequest{To: "01234567"}))

	lost := schema.DigestOf([]byte("edition 2\n"))
	if err := os.Remove(w.at("/var/lib/nixfleet/blobs/" + strings.TrimPrefix(string(lost), "sha256:"))); err != nil {
		t.Fatal(err)
	}
	hash := w.registry[libPath]
	delete(w.registry, libPath)
	plan := few(2).plan(t).part.Digest.Short()
	if text := w.backRefusal(protocol.BackRequest{To: "2"}); !strings.Contains(text, "the generation 2 cannot come back: the host has lost 1 of its texts, that of /etc/web/web.conf among them") ||
		!strings.Contains(text, "the generation 2 cannot come back: 1 paths of its closure are not in the host's store any more, "+string(libPath)+" among them") ||
		!strings.Contains(text, "hint: execute the plan "+plan) {
		t.Errorf("found %s", text)
	}
	w.registry[libPath] = hash
	if err := os.WriteFile(w.at("/var/lib/nixfleet/generations/3/manifest.json"), []byte("spoilt"), 0o600); err != nil {
		t.Fatal(err)
	}
	autogold.Expect(`the host does not keep the generation 3; it keeps 2, 4 (in effect)
hint: nixfleet history tells what they are; any older state is in a plan, to be executed`).Equal(t, w.backRefusal(protocol.BackRequest{To: "3"}))
	w.mustBeUnchanged(few(4))

	c := w.join()
	c.Head.Host = "db-1"
	_, err := c.back(protocol.BackRequest{Release: true})
	wantRefusal(t, err, `wrong host: expected "db-1", found one that was applied as "web-1"`)
}

// What somebody edited is overwritten, and the copy is kept, as with any change.
func TestRollbackKeepsEdits(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(edition(1))
	w.mustExecute(edition(2))
	w.write("/etc/web/web.conf", "by hand\n", 0o644)
	w.mustRollback("previous")
	if !slices.ContainsFunc(w.client.notes, func(n string) bool { return strings.Contains(n, "/etc/web/web.conf was edited by hand") }) {
		t.Errorf("notes: %q", w.client.notes)
	}
	w.mustBeUnchanged(edition(1))
}

func TestAptIsNotRolledBack(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(edition(1))
	w.mustExecute(edition(2))
	if _, err := w.join().back(protocol.BackRequest{To: "1"}); err != nil || len(w.client.notes) > 0 {
		t.Errorf("without an update: %q, %v", w.client.notes, err)
	}
	store := state.New(w.root, nil)
	known, err := store.Load()
	if err != nil {
		t.Fatal(err)
	}
	known.LastOSUpdate = &schema.OSUpdateState{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Summary: "12 packages, 3 of them security"}
	if err := store.Save(known); err != nil {
		t.Fatal(err)
	}
	if _, err := w.join().back(protocol.BackRequest{To: "1"}); err != nil {
		t.Fatal(err)
	}
	autogold.Expect([]string{"apt has changed packages since the generation 1 was applied (2026-01-02T03:04:05Z, 12 packages, 3 of them security): that is not rolled back"}).Equal(t, w.client.notes)
}

// A look before a rollback says what it does, with the texts, and leaves no trace.
func TestRollbackIsForeseen(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(edition(1))
	w.mustExecute(edition(2))
	w.hangUp()
	before := w.everything()
	c := w.connect()
	reply, err := call(c.caller, protocol.Observe, protocol.ObserveRequest{Back: &protocol.BackRequest{To: "previous"}})
	if err != nil {
		t.Fatal(err)
	}
	w.hangUp()
	if after := w.everything(); after != before {
		t.Errorf("the look left traces:\n%s\n%s", before, after)
	}
	if reply.Back == nil || reply.Back.Generation.Generation != 1 || reply.Back.Nothing || len(reply.Proposal.Refusals) > 0 {
		t.Fatalf("found %+v, %+v", reply.Back, reply.Proposal)
	}
	files := reply.Proposal.Files
	if len(files) != 1 || files[0].Wanted.Content == nil || *files[0].Wanted.Content.Text != "edition 1\n" {
		t.Errorf("found %+v", files)
	}
	if verdict := w.mustRollback("previous"); !slices.Equal(verdict.Changes, reply.Proposal.Changes) {
		t.Errorf("foreseen %v, done %v", reply.Proposal.Changes, verdict.Changes)
	}
	reply, err = call(w.connect().caller, protocol.Observe, protocol.ObserveRequest{Back: &protocol.BackRequest{To: "77"}})
	if err != nil {
		t.Fatal(err)
	}
	autogold.Expect([]protocol.Refusal{{
		Message: "the host does not keep the generation 77; it keeps 1, 2, 3 (in effect)",
		Hint:    "nixfleet history tells what they are; any older state is in a plan, to be executed",
	}}).Equal(t, reply.Proposal.Refusals)
}

// everything describes the whole host, NixFleet's own files included.
func (w *world) everything() string {
	w.t.Helper()
	var out strings.Builder
	for _, e := range w.image() {
		e.describe(&out)
	}
	return out.String()
}
