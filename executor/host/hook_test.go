package host

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/lease"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// withHooks is a host with hooks, which an edit changes.
func withHooks(text string) intent {
	return intent{files: []schema.File{file("/etc/x", text)}, change: func(m *schema.Manifest) {
		m.Hooks = []schema.Hook{
			{Name: "drain", When: schema.BeforeReboot, On: schema.OnHost, Command: `env | sort | grep ^NIXFLEET_; echo "$PATH" >&2`, Timeout: "5m"},
			{Name: "fail", When: schema.AfterActivation, On: schema.OnHost, Command: "echo " + text + "; echo bad >&2; exit 7", Timeout: "1s"},
			{Name: "page", When: schema.AfterReboot, On: schema.OnController, Command: "page", Timeout: "1m"},
		}
	}}
}

func (c *client) hook(p *plan, name string, environment map[string]string) (*protocol.HookReply, error) {
	return call(c.caller, protocol.Hook, protocol.HookRequest{Manifest: p.manifest(), Name: name, Environment: environment})
}

func TestAHookKnowsWhereItIs(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.write("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n", 0o644)
	w.deps.Clock.Boot = "b1"
	asked := w.runs()
	p := withHooks("1").plan(t)
	c := w.connect()
	c.mustPrepare(p)
	reply, err := c.hook(p, "drain", map[string]string{"NIXFLEET_FAILED": "\x1b[31mred\x00", "NIXFLEET_HOST": "another"})
	if err != nil || reply.Exit != (schema.Exit{}) || reply.Lost != "" {
		t.Fatalf("found %+v, %v", reply, err)
	}
	autogold.Expect(`NIXFLEET_BASE=debian
NIXFLEET_BOOT=b1
NIXFLEET_FAILED=?[31mred?
NIXFLEET_GENERATION=0
NIXFLEET_HOOK=drain
NIXFLEET_HOST=web-1
NIXFLEET_KERNEL=6.1.0-18-amd64
NIXFLEET_MOMENT=before-reboot
NIXFLEET_OPERATOR=ann@desk
NIXFLEET_OS=Debian GNU/Linux 12 (bookworm)
NIXFLEET_RUN=r1
NIXFLEET_SYSTEM=x86_64-linux
/nix/var/nix/profiles/nixfleet/system/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
`).Equal(t, reply.Output)
	got := (*asked)[0]
	if got.User != "root" || got.Timeout != 5*time.Minute || got.Name != "nixfleet-hook-r1-drain.service" || reply.Unit != got.Name {
		t.Errorf("found %+v", got)
	}
	if strings.Join(c.stages, " ") != "hook" {
		t.Errorf("found %q", c.stages)
	}
}

// A hook is of what was prepared as long as that is not applied, and then of that.
func TestAHookIsTheManifests(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.runs()
	first, second := withHooks("1"), withHooks("2")
	w.mustExecute(first)
	old, p := first.plan(t), second.plan(t)
	c := w.connect()
	if _, err := c.hello(p); err != nil {
		t.Fatal(err)
	}
	_, err := c.hook(p, "fail", nil)
	wantRefusal(t, err, "the hooks of "+p.manifest().Short()+" are not this host's: nothing was prepared, and "+old.manifest().Short()+" is applied")
	if _, err := c.prepare(p); err != nil {
		t.Fatal(err)
	}
	wantsOutput := func(p *plan, want string) {
		t.Helper()
		reply, err := c.hook(p, "fail", nil)
		if err != nil || reply.Output != want || reply.Exit.Status != 7 {
			t.Errorf("expected %q, found %+v, %v", want, reply, err)
		}
	}
	wantsOutput(p, "2\nbad\n")
	wantsOutput(old, "1\nbad\n")
	if err := c.send(p, p.part.Manifest.PayloadDigests()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.apply(); err != nil {
		t.Fatal(err)
	}
	wantsOutput(p, "2\nbad\n")
	_, err = c.hook(old, "fail", nil)
	wantRefusal(t, err, "the hooks of "+old.manifest().Short()+" are not this host's: nothing was prepared, and "+p.manifest().Short()+" is applied")
}

func TestHooksThatAreRefused(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	asked := w.runs()
	w.mustExecute(withHooks("1"))
	p := withHooks("1").plan(t)
	none := intent{}.plan(t)
	for _, c := range []struct {
		name        string
		environment map[string]string
		want        autogold.Value
	}{
		{"drian", nil, autogold.Expect(`refused: there is no hook "drian" in the manifest: it has drain, fail, page`)},
		{"page", nil, autogold.Expect(`refused: the hook "page" is not run on hosts: expected one with on = "host", found "controller"`)},
		{"drain", map[string]string{"LD_PRELOAD": "x"}, autogold.Expect(`protocol: "LD_PRELOAD" is no variable of a hook: expected NIXFLEET_ and then capital letters, digits and '_'`)},
		{"drain", map[string]string{"NIXFLEET_x": "x"}, autogold.Expect(`protocol: "NIXFLEET_x" is no variable of a hook: expected NIXFLEET_ and then capital letters, digits and '_'`)},
		{"drain", map[string]string{"NIXFLEET_X": strings.Repeat("x", maxVariables)}, autogold.Expect("protocol: the variables of a hook are too much: expected at most 65536 bytes")},
	} {
		client := w.connect()
		if _, err := client.hello(p); err != nil {
			t.Fatal(err)
		}
		_, err := client.hook(p, c.name, c.environment)
		reported, _ := err.(*protocol.Error)
		if reported == nil {
			t.Fatalf("%s was not refused: %v", c.name, err)
		}
		c.want.Equal(t, string(reported.Kind)+": "+schema.InFull(reported))
	}
	w.mustExecute(intent{})
	client := w.connect()
	if _, err := client.hello(none); err != nil {
		t.Fatal(err)
	}
	_, err := client.hook(none, "drain", nil)
	wantRefusal(t, err, `there is no hook "drain" in the manifest: it has none`)
	if _, err := w.connect().hook(p, "drain", nil); err == nil || !strings.Contains(err.Error(), "expected a session to begin with one hello") {
		t.Errorf("without a hello: %v", err)
	}
	if len(*asked) > 0 {
		t.Errorf("something ran: %+v", *asked)
	}
}

// A hook takes the host as a change does, and the session keeps it.
func TestAHookTakesTheHost(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.runs()
	w.mustExecute(withHooks("1"))
	p := withHooks("1").plan(t)
	c := w.connect()
	if _, err := c.hello(p); err != nil {
		t.Fatal(err)
	}
	if _, err := c.hook(p, "drain", nil); err != nil {
		t.Fatal(err)
	}
	other := w.second("r2")
	if _, err := other.hello(p); err != nil {
		t.Fatal(err)
	}
	_, err := other.hook(p, "drain", nil)
	wantRefusal(t, err, "locked by run r1")
	// Another session of the run goes on with its lease, and gives it back.
	next := w.second("r1")
	if _, err := next.hello(p); err != nil {
		t.Fatal(err)
	}
	next.Head.Epoch = c.Head.Epoch
	if _, err := next.hook(p, "drain", nil); err != nil {
		t.Fatal(err)
	}
	next.hangUp()
	if holder := leasesOf(w.deps).Holder(); holder != nil {
		t.Errorf("the host is held by %+v", holder)
	}
}

// A run that lost the host to another runs no hook on it.
func TestAHookOfAHolderThatSlept(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	now := w.slowClock()
	asked := w.runs()
	p := withHooks("1").plan(t)
	c := w.connect()
	c.mustPrepare(p)
	*now += lease.Length + 1
	w.second("r2").mustPrepare(p)
	_, err := c.hook(p, "drain", nil)
	wantRefusal(t, err, "the lease of run r1 on this host ended")
	if len(*asked) > 0 {
		t.Errorf("something ran: %+v", *asked)
	}
}

// While a transaction works no hook comes into it; its process may take its time to end.
func TestAHookDoesNotComeIntoAChange(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.runs()
	w.mustExecute(withHooks("1"))
	p := withHooks("1").plan(t)
	var ending sync.WaitGroup
	w.deps.Start = func(_ context.Context, id string) error {
		ending.Go(func() { _ = Run(context.Background(), w.deps, id) })
		return nil
	}
	next := withHooks("2").plan(t)
	entered, goOn := make(chan struct{}), make(chan struct{})
	w.happens("before write state.json", func() { close(entered); <-goOn })
	c := w.connect()
	c.mustPrepare(next)
	if err := c.send(next, next.part.Manifest.PayloadDigests()); err != nil {
		t.Fatal(err)
	}
	id, err := c.begin()
	if err != nil {
		t.Fatal(err)
	}
	<-entered
	_, err = c.hook(p, "drain", nil)
	wantRefusal(t, err, "locked by run r1")
	close(goOn)
	if _, err := c.attach(id, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := c.hook(next, "drain", nil); err != nil {
		t.Error(err)
	}
	ending.Wait()
	if holder := leasesOf(w.deps).Holder(); holder == nil || holder.Run != "r1" {
		t.Errorf("the host is held by %+v", holder)
	}
}

// The end of a session ends its hook, and what nobody knows is not said.
func TestAHookEndsWithItsSession(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	started := make(chan struct{})
	var stopped error
	w.deps.Command = func(ctx context.Context, _ unit.Command, output func(bool, []byte)) (unit.Details, error) {
		output(false, []byte("half"))
		close(started)
		<-ctx.Done()
		stopped = context.Cause(ctx)
		return unit.Details{}, &unit.LostError{Err: stopped}
	}
	p := withHooks("1").plan(t)
	c := w.connect()
	c.mustPrepare(p)
	if err := sendRequest(c.caller, protocol.Hook, protocol.HookRequest{Manifest: p.manifest(), Name: "drain"}); err != nil {
		t.Fatal(err)
	}
	<-started
	w.hangUp()
	if stopped == nil || leasesOf(w.deps).Holder() != nil {
		t.Errorf("found %v, %+v", stopped, leasesOf(w.deps).Holder())
	}
	w.deps.Command = func(_ context.Context, _ unit.Command, output func(bool, []byte)) (unit.Details, error) {
		output(true, []byte(strings.Repeat("x", 2*endKept)+"end"))
		return unit.Details{}, &unit.LostError{Err: errors.New("systemd was gone")}
	}
	c = w.connect()
	c.mustPrepare(p)
	reply, err := c.hook(p, "drain", nil)
	if err != nil || !strings.Contains(reply.Lost, "systemd was gone") || len(reply.Output) != endKept || !strings.HasSuffix(reply.Output, "xend") {
		t.Errorf("found %+v, %v", reply, err)
	}
}
