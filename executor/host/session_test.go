package host

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hexops/autogold/v2"
	"golang.org/x/sys/unix"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

func TestHello(t *testing.T) {
	w := newWorld(t)
	hello, err := w.connect().hello(intent{}.plan(t))
	if err != nil {
		t.Fatal(err)
	}
	if hello.Boot == "" || hello.Now.IsZero() {
		t.Errorf("it does not tell its clock: %+v", hello)
	}
	hello.Boot, hello.Now = "", time.Time{}
	autogold.Expect(&protocol.HelloReply{
		Helper: schema.Digest("sha256:6dee88b3be754271a823e4dd5cd023a549e3f49a31de9f0036e18b7ff8618752"),
		System: "x86_64-linux",
		Base:   "debian",
		OS:     "Debian GNU/Linux 12 (bookworm)",
		Nix:    "2.8.0",
		Free: map[string]int64{
			"/etc": 1073741824,
			"/nix": 1073741824,
			"/var": 1073741824,
		},
	}).Equal(t, hello)
}

// TestASlowLinkHoldsNothingUp never reads what the helper sends.
func TestASlowLinkHoldsNothingUp(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	p := intent{files: []schema.File{file("/etc/x", "1")}}.plan(t)
	requests, in := io.Pipe()
	out, responses := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- Serve(context.Background(), requests, responses, w.deps) }()
	c := newCaller(out, in)
	c.Head.Digest = p.part.Digest
	err := errors.Join(
		sendRequest(c, protocol.Hello, protocol.HelloRequest{Manifest: p.manifest()}),
		sendRequest(c, protocol.Payloads, protocol.PayloadsRequest{Payloads: p.payloads}))
	c.Head.Epoch = 1 // of the lease that the payloads took
	err = errors.Join(err, sendRequest(c, protocol.Prepare, *p.ask()), sendRequest(c, protocol.Begin, protocol.BeginRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		known, err := state.New(w.root, nil).Load()
		if err == nil && known.Applied != nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the apply waits for somebody to read its events")
		}
	}
	out.Close()
	in.Close()
	<-done
}

func TestReplaceHelper(t *testing.T) {
	w := newWorld(t)
	binary := []byte("the next helper")
	p, other := intent{}.plan(t), intent{}.plan(t)
	p.part.Index.Helpers = map[schema.System]schema.Digest{schema.X8664Linux: schema.DigestOf(binary)}
	p.seal(t)
	for _, c := range []struct {
		digest schema.Digest
		ask    protocol.ReplaceRequest
		want   autogold.Value
	}{
		{p.part.Digest, protocol.ReplaceRequest{Index: p.part.Index, Binary: []byte("evil")}, autogold.Expect("wrong helper: expected sha256:…, found sha256:…")},
		{schema.DigestOf([]byte("other")), protocol.ReplaceRequest{Index: p.part.Index, Binary: binary}, autogold.Expect("wrong digest of the index: expected sha256:…, found sha256:…")},
		{other.part.Digest, protocol.ReplaceRequest{Index: other.part.Index, Binary: binary}, autogold.Expect("the plan names no helper for x86_64-linux")},
	} {
		client := w.connect()
		client.Head.Digest = c.digest
		_, err := call(client.caller, protocol.ReplaceHelper, c.ask)
		c.want.Equal(t, withoutDigests(schema.InFull(err)))
		if w.exists(protocol.HelperPath) {
			t.Fatal("a helper was replaced that should not have been")
		}
	}
	client := w.connect()
	if _, err := client.hello(p); err != nil {
		t.Fatal(err)
	}
	reply, err := call(client.caller, protocol.ReplaceHelper, protocol.ReplaceRequest{Index: p.part.Index, Binary: binary})
	if err != nil || reply.Helper != schema.DigestOf(binary) {
		t.Fatalf("found %+v, %v", reply, err)
	}
	if w.read(protocol.HelperPath) != string(binary) {
		t.Error("the helper is another")
	}
	if info, err := os.Stat(w.at(protocol.HelperPath)); err != nil || info.Mode() != 0o755 {
		t.Errorf("the helper has mode %v, %v", info.Mode(), err)
	}
	if _, err := client.hello(p); err != io.EOF {
		t.Errorf("expected the session to end, found %v", err)
	}
}

func TestRequestsOutOfOrder(t *testing.T) {
	p := intent{files: []schema.File{file("/etc/x", "1")}}.plan(t)
	for _, c := range []struct {
		name string
		ask  func(*client) error
		want autogold.Value
	}{
		{"nothing prepared", func(c *client) error { _, err := c.begin(); return err },
			autogold.Expect("protocol: expected to begin what was prepared last, found nothing prepared or another plan")},
		{"payloads missing", func(c *client) error { _, err := c.prepare(p); _, then := c.begin(); return errors.Join(err, then) },
			autogold.Expect("refused: 1 payloads have not come, sha256:… among them")},
		{"another payload", func(c *client) error {
			_, err := call(c.caller, protocol.Payloads, protocol.PayloadsRequest{Payloads: map[schema.Digest]schema.Payload{p.part.Digest: schema.NewPayload([]byte("secret"))}})
			return err
		}, autogold.Expect("refused: wrong digest of a payload: expected sha256:…, found sha256:…")},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := newWorld(t).connect()
			_, err := client.hello(p)
			err = errors.Join(err, c.ask(client))
			failure := new(protocol.Error)
			if !errors.As(err, &failure) {
				t.Fatalf("expected an error, found %v", err)
			}
			c.want.Equal(t, withoutDigests(string(failure.Kind)+": "+schema.InFull(failure)))
			if strings.Contains(failure.Error(), "secret") {
				t.Error("a payload's content is in the error")
			}
		})
	}
}

func TestNoFrames(t *testing.T) {
	w := newWorld(t)
	out, responses := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- Serve(context.Background(), strings.NewReader("GET / HTTP/1.1\r\n"), responses, w.deps)
	}()
	_, err := newCaller(out, nil).WaitRaw()
	if refused := new(protocol.Error); !errors.As(err, &refused) || refused.Kind != protocol.KindProtocol {
		t.Errorf("found %v", err)
	}
	if err := <-done; err == nil {
		t.Error("expected an error")
	}
}

func TestEndsBetweenRequests(t *testing.T) {
	w := newWorld(t)
	requests, in := io.Pipe()
	defer in.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Serve(ctx, requests, io.Discard, w.deps); err == nil {
		t.Error("expected an error")
	}
}

// TestTheDiskIsFull has a small disk for /etc, or for /var, which fills while an
// apply is being prepared: it is refused, and the host is as it was.
func TestTheDiskIsFull(t *testing.T) {
	needRoot(t)
	for _, dir := range []string{"/etc", "/var/lib/nixfleet"} {
		t.Run(dir, func(t *testing.T) {
			w := newWorld(t)
			small := intent{files: []schema.File{file("/etc/x", "1")}}
			w.mustExecute(small)
			full := intent{files: []schema.File{file("/etc/x", strings.Repeat("much", 100000))}}
			w.hangUp()
			keep := t.TempDir()
			if out, err := exec.Command("cp", "-a", w.at(dir)+"/.", keep).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if err := unix.Mount("test", w.at(dir), "tmpfs", 0, "size=128k,mode=755"); err != nil {
				t.Fatal(err)
			}
			defer func() {
				w.hangUp()
				if err := unix.Unmount(w.at(dir), unix.MNT_DETACH); err != nil {
					t.Error(err)
				}
			}()
			if out, err := exec.Command("cp", "-a", keep+"/.", w.at(dir)).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			before := w.snapshot()
			if text := w.refusal(full.plan(t)); !strings.Contains(text, "no space left on device") {
				t.Errorf("found %s", text)
			}
			if after := w.snapshot(); after != before {
				t.Errorf("the host was touched: before\n%s\nafter\n%s", before, after)
			}
			w.mustBeUnchanged(small)
			w.mustBeClean()
		})
	}
}

func TestAStateOfANewerHelper(t *testing.T) {
	w := newWorld(t)
	w.write("/var/lib/nixfleet/state.json", `{"kind":"nixfleet.state","version":3}`, 0o600)
	_, err := w.connect().hello(intent{}.plan(t))
	if err == nil {
		t.Fatal("expected a refusal")
	}
	autogold.Expect(`cannot read the state file /var/lib/nixfleet/state.json: expected nixfleet.state of version 2, found "nixfleet.state" of version 3: another nixfleet was here`).Equal(t, err.Error())
}
