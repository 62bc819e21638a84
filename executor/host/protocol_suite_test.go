package host

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// connectTo starts the helper of a host and returns the streams of a session with it.
// hangUp ends the session and waits for the helper to end.
type connectTo func() (fromHelper io.Reader, toHelper io.Writer, hangUp func())

// testProtocol tests that a helper keeps to the protocol. newHost returns a host that
// runs Debian on x86_64, where nothing was applied, and whose transactions survive their
// session.
func testProtocol(t *testing.T, newHost func(testing.TB) connectTo) {
	for name, test := range map[string]func(*protocolSuite){
		"Hello":                           (*protocolSuite).hello,
		"FirstRequest":                    (*protocolSuite).firstRequest,
		"OtherVersion":                    (*protocolSuite).otherVersion,
		"UnknownRequest":                  (*protocolSuite).unknownRequest,
		"UnreadableBody":                  (*protocolSuite).unreadableBody,
		"BodyOverItsLimit":                (*protocolSuite).bodyOverItsLimit,
		"TextInsteadOfFrames":             (*protocolSuite).textInsteadOfFrames,
		"Prepare":                         (*protocolSuite).prepare,
		"PartOfAnother":                   (*protocolSuite).partOfAnother,
		"LeaseIsOneRunsAtATime":           (*protocolSuite).lease,
		"TransactionIsConfirmed":          (*protocolSuite).transaction,
		"TransactionSurvivesItsSession":   (*protocolSuite).survives,
		"TransactionThatDoesNotExist":     (*protocolSuite).noTransaction,
		"ReplaceHelperChecksTheSuccessor": (*protocolSuite).replaceHelper,
	} {
		t.Run(name, func(t *testing.T) { test(&protocolSuite{T: t, connect: newHost(t), plan: newSuitePlan(t)}) })
	}
}

type protocolSuite struct {
	*testing.T
	connect connectTo
	plan    *suitePlan
}

// suitePlan is a plan for web-1 with one file.
type suitePlan struct {
	ask      protocol.PrepareRequest
	digest   schema.Digest
	manifest schema.Digest
	payload  schema.Digest
	payloads protocol.PayloadsRequest
}

func newSuitePlan(t *testing.T) *suitePlan {
	text := []byte("a file of the protocol's tests\n")
	p := &suitePlan{payload: schema.DigestOf(text)}
	p.payloads.Payloads = map[schema.Digest]schema.Payload{p.payload: schema.NewPayload(text)}
	p.ask.Manifest = schema.Manifest{
		Version: schema.ManifestVersion, Base: schema.Debian, System: schema.X8664Linux, Settle: "0s",
		Activation: schema.Activation{ConfirmWindow: "1m0s", KeepGenerations: 2},
		Packages:   []schema.StorePath{}, Groups: []schema.Group{}, Users: []schema.User{}, Directories: []schema.Directory{},
		Files: []schema.File{{Path: "/etc/protocoltest.conf", Payload: p.payload, Mode: "0644", Owner: "root", Group: "root"}},
		Units: []schema.Unit{}, Restarts: []schema.RestartRule{},
	}
	var err, indexErr error
	p.manifest, err = schema.DigestOfValue(p.ask.Manifest)
	hash := schema.NarHash("sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	p.ask.Closure = []schema.PathEntry{}
	p.ask.Index = schema.Index{
		Kind: schema.PlanKind, Version: schema.PlanVersion, TimeZone: "UTC", Source: schema.Source{NarHash: hash, Library: hash},
		Hosts: map[schema.HostName]schema.Host{"web-1": {Manifest: p.manifest}},
	}
	p.digest, indexErr = schema.DigestOfValue(p.ask.Index)
	if err := errors.Join(err, indexErr); err != nil {
		t.Fatal(err)
	}
	return p
}

// suiteSession is one session with the host.
type suiteSession struct {
	*caller
	s      *protocolSuite
	w      io.Writer
	hangUp func()
}

func (s *protocolSuite) open() *suiteSession {
	r, w, hangUp := s.connect()
	s.Cleanup(hangUp)
	c := &suiteSession{caller: newCaller(r, w), s: s, w: w, hangUp: hangUp}
	c.Head.Digest = s.plan.digest
	return c
}

// must fails the test where a request does.
func must[Q, R any](c *suiteSession, op protocol.Op[Q, R], ask Q) *R {
	c.s.Helper()
	reply, err := call(c.caller, op, ask)
	if err != nil {
		c.s.Fatalf("%s: %v", op.Name, err)
	}
	return reply
}

// refuses expects that a request fails, with an error of a kind that has a text in it.
func refuses[Q, R any](c *suiteSession, op protocol.Op[Q, R], ask Q, kind protocol.ErrorKind, text string) {
	c.s.Helper()
	reply, err := call(c.caller, op, ask)
	if err == nil {
		c.s.Errorf("%s: expected an error, found %+v", op.Name, reply)
		return
	}
	c.s.want(err, kind, text)
}

func (s *protocolSuite) want(err error, kind protocol.ErrorKind, text string) {
	s.Helper()
	if reported := new(protocol.Error); !errors.As(err, &reported) || reported.Kind != kind || !strings.Contains(reported.Message, text) {
		s.Errorf("expected an error of kind %s with %q, found %v", kind, text, err)
	}
}

// over expects that the session has ended.
func (c *suiteSession) over() {
	c.s.Helper()
	if reply, err := call(c.caller, protocol.Observe, protocol.ObserveRequest{}); !errors.Is(err, io.EOF) {
		c.s.Errorf("expected the end of the session, found %+v, %v", reply, err)
	}
}

// greeted opens a session for a run.
func (s *protocolSuite) greeted(run string) *suiteSession {
	s.Helper()
	c := s.open()
	c.Head.Run = run
	must(c, protocol.Hello, protocol.HelloRequest{Manifest: s.plan.manifest})
	return c
}

func (s *protocolSuite) hello() {
	c := s.open()
	reply := must(c, protocol.Hello, protocol.HelloRequest{Manifest: s.plan.manifest})
	if reply.Applied != "" || reply.Unchanged || reply.Lease != nil || reply.Transaction != nil || reply.Boot == "" || reply.Now.IsZero() ||
		reply.Base != "debian" || reply.System != "x86_64-linux" || reply.Helper == "" {
		s.Errorf("found %+v", reply)
	}
	refuses(c, protocol.Hello, protocol.HelloRequest{Manifest: s.plan.manifest}, protocol.KindProtocol, `expected a session to begin with one hello, found "hello"`)
	must(c, protocol.Observe, protocol.ObserveRequest{})
}

func (s *protocolSuite) firstRequest() {
	c := s.open()
	refuses(c, protocol.Begin, protocol.BeginRequest{}, protocol.KindProtocol, `expected a session to begin with one hello, found "begin"`)
	c.over()
	c = s.open()
	c.Head.Run = "../../etc"
	refuses(c, protocol.Hello, protocol.HelloRequest{Manifest: s.plan.manifest}, protocol.KindProtocol, `invalid run id "../../etc"`)
	c.over()
	must(s.open(), protocol.Observe, protocol.ObserveRequest{}) // which needs no hello
}

func (s *protocolSuite) otherVersion() {
	for _, op := range []string{"hello", "prepare", "observe", "attach", "confirm", "run", "dance"} {
		c := s.open()
		c.Head.Version = protocol.Version + 1
		err := c.SendRaw(op, []byte(`{"of":"another version"}`))
		if err == nil {
			_, err = c.WaitRaw()
		}
		s.want(err, protocol.KindVersion, "speaks version 3 of the protocol, the executor version 4")
		c.over()
	}
	c := s.open()
	c.Head.Version = protocol.Version + 1
	refuses(c, protocol.ReplaceHelper, protocol.ReplaceRequest{Index: s.plan.ask.Index}, protocol.KindRefused, "")
}

func (s *protocolSuite) unknownRequest() {
	c := s.greeted("r1")
	err := c.SendRaw("dance", []byte("{}"))
	if err == nil {
		_, err = c.WaitRaw()
	}
	s.want(err, protocol.KindProtocol, `unknown request "dance"`)
	must(c, protocol.Observe, protocol.ObserveRequest{}) // the session continues
}

func (s *protocolSuite) unreadableBody() {
	manifest := `"manifest":"` + string(s.plan.manifest) + `"`
	for body, text := range map[string]string{
		"{" + manifest + `,"more":1}`:         `unknown field "more"`,
		"{" + manifest + `}{}`:                "after the end of the document",
		"{" + manifest + "," + manifest + "}": "stands twice",
		`{"manifest":7}`:                      "",
		`{"manifest":`:                        "cut short",
		"":                                    "cut short",
	} {
		c := s.open()
		err := c.SendRaw("hello", []byte(body))
		if err == nil {
			_, err = c.WaitRaw()
		}
		s.want(err, protocol.KindProtocol, `cannot read the request "hello"`)
		s.want(err, protocol.KindProtocol, text)
	}
}

func (s *protocolSuite) bodyOverItsLimit() {
	c := s.open()
	c.Head.Seq, c.Head.Op = 1, "hello"
	head, err := json.Marshal(c.Head)
	if err != nil {
		s.Fatal(err)
	}
	lengths := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(len(head))), 1<<20)
	if _, err := c.w.Write(append(lengths, head...)); err != nil {
		s.Fatal(err)
	}
	_, err = c.WaitRaw() // although no body came
	s.want(err, protocol.KindProtocol, "cannot read a message of 1048576 bytes: at most 262144 are allowed")
}

func (s *protocolSuite) textInsteadOfFrames() {
	c := s.open()
	if _, err := io.WriteString(c.w, "GET / HTTP/1.1\r\n"); err != nil {
		s.Fatal(err)
	}
	_, err := c.WaitRaw()
	s.want(err, protocol.KindProtocol, "another program writes to the stream")
}

func (s *protocolSuite) prepare() {
	c := s.greeted("r1")
	refuses(c, protocol.Begin, protocol.BeginRequest{}, protocol.KindProtocol, "prepared")
	reply := must(c, protocol.Prepare, s.plan.ask)
	if !slices.Equal(reply.MissingPayloads, []schema.Digest{s.plan.payload}) || len(reply.MissingPaths) > 0 || len(reply.Changes) != 1 || c.Head.Epoch == 0 {
		s.Errorf("found %+v in epoch %d", reply, c.Head.Epoch)
	}
	refuses(c, protocol.Begin, protocol.BeginRequest{}, protocol.KindRefused, "1 payloads ")
	wrong := protocol.PayloadsRequest{Payloads: map[schema.Digest]schema.Payload{s.plan.payload: schema.NewPayload([]byte("other"))}}
	refuses(c, protocol.Payloads, wrong, protocol.KindRefused, "wrong digest of a payload: expected "+string(s.plan.payload))
	must(c, protocol.Payloads, s.plan.payloads)
	if reply := must(c, protocol.Prepare, s.plan.ask); len(reply.MissingPayloads) > 0 || len(reply.Changes) != 1 {
		s.Errorf("found %+v", reply)
	}
}

func (s *protocolSuite) partOfAnother() {
	c := s.greeted("r1")
	c.Head.Digest = s.plan.manifest
	refuses(c, protocol.Prepare, s.plan.ask, protocol.KindRefused, string(s.plan.manifest))
	c.Head.Digest, c.Head.Host = s.plan.digest, "db-1"
	refuses(c, protocol.Prepare, s.plan.ask, protocol.KindRefused, "db-1")
	c.Head.Host = "web-1"
	changed := s.plan.ask
	changed.Manifest.Settle = "9s"
	refuses(c, protocol.Prepare, changed, protocol.KindRefused, "")
	must(c, protocol.Prepare, s.plan.ask)
}

func (s *protocolSuite) lease() {
	first := s.greeted("r1")
	must(first, protocol.Prepare, s.plan.ask)
	epoch := first.Head.Epoch
	second := s.open()
	second.Head.Run = "r2"
	if hello := must(second, protocol.Hello, protocol.HelloRequest{Manifest: s.plan.manifest}); hello.Lease == nil || hello.Lease.Run != "r1" {
		s.Errorf("found %+v", hello.Lease)
	}
	refuses(second, protocol.Prepare, s.plan.ask, protocol.KindRefused, "locked by run r1")
	must(first, protocol.Lease, protocol.LeaseRequest{Action: protocol.LeaseRenew})
	refuses(first, protocol.Lease, protocol.LeaseRequest{Action: "steal"}, protocol.KindProtocol, `"steal"`)
	must(first, protocol.Lease, protocol.LeaseRequest{Action: protocol.LeaseRelease})
	must(second, protocol.Prepare, s.plan.ask)
	first.Head.Epoch = epoch
	refuses(first, protocol.Payloads, s.plan.payloads, protocol.KindRefused, "lease")
	second.hangUp()
	third := s.greeted("r3")
	if must(third, protocol.Prepare, s.plan.ask); third.Head.Epoch <= epoch {
		s.Errorf("epoch %d came after epoch %d", third.Head.Epoch, epoch)
	}
}

// begun begins the transaction.
func (s *protocolSuite) begun() (c *suiteSession, id string) {
	c = s.greeted("r1")
	must(c, protocol.Prepare, s.plan.ask)
	must(c, protocol.Payloads, s.plan.payloads)
	return c, must(c, protocol.Begin, protocol.BeginRequest{}).Transaction
}

func (s *protocolSuite) confirms(id string, epoch int64) {
	c := s.open()
	c.Head.Epoch = epoch
	must(c, protocol.Confirm, protocol.ConfirmRequest{Transaction: id})
}

func (s *protocolSuite) transaction() {
	early := s.open()
	must(early, protocol.Observe, protocol.ObserveRequest{})
	c, id := s.begun()
	epoch := c.Head.Epoch
	early.Head.Epoch = epoch
	var seen, seenAgain []int
	again, attached := s.open(), make(chan error, 1)
	again.Head.Run = "r9" // everybody may watch
	again.OnEvent = func(event *protocol.Event) { seenAgain = append(seenAgain, event.Number) }
	c.OnEvent = func(event *protocol.Event) {
		seen = append(seen, event.Number)
		if event.Confirm == nil {
			return
		}
		refuses(early, protocol.Confirm, protocol.ConfirmRequest{Transaction: id}, protocol.KindRefused, "this session")
		other := s.open()
		other.Head.Epoch = epoch + 1
		refuses(other, protocol.Confirm, protocol.ConfirmRequest{Transaction: id}, protocol.KindRefused, "belongs to run r1 in epoch ")
		go func() {
			_, err := call(again.caller, protocol.Attach, protocol.AttachRequest{Transaction: id, After: 1})
			attached <- err
		}()
		s.confirms(id, epoch)
	}
	verdict := must(c, protocol.Attach, protocol.AttachRequest{Transaction: id}).Verdict
	if verdict.Outcome != protocol.Applied || verdict.Transaction != id || len(verdict.Changes) != 1 || verdict.Generation == 0 {
		s.Fatalf("found %+v", verdict)
	}
	for i, number := range seen {
		if number != i+1 {
			s.Fatalf("the numbers of the events are %v", seen)
		}
	}
	if err := <-attached; err != nil || len(seen) < 2 || !slices.Equal(seenAgain, seen[1:]) {
		s.Errorf("attached again after event 1 of %v: found %v, %v", seen, seenAgain, err)
	}
	s.afterwards(c, id, len(seen))
}

// afterwards looks at a transaction that was applied.
func (s *protocolSuite) afterwards(c *suiteSession, id string, events int) {
	c.OnEvent = func(event *protocol.Event) { s.Errorf("an event came twice: %+v", event) }
	if verdict := must(c, protocol.Attach, protocol.AttachRequest{Transaction: id, After: events}).Verdict; verdict.Outcome != protocol.Applied {
		s.Errorf("found %+v", verdict)
	}
	c = s.open()
	hello := must(c, protocol.Hello, protocol.HelloRequest{Manifest: s.plan.manifest})
	if !hello.Unchanged || hello.Applied != s.plan.manifest || hello.Transaction != nil || hello.Lease != nil || hello.Last == nil || hello.Last.Transaction != id {
		s.Errorf("found %+v", hello)
	}
}

func (s *protocolSuite) survives() {
	c, id := s.begun()
	epoch := c.Head.Epoch
	c.hangUp()
	c = s.open()
	if hello := must(c, protocol.Hello, protocol.HelloRequest{Manifest: s.plan.manifest}); hello.Transaction == nil || hello.Transaction.ID != id || hello.Transaction.Epoch != epoch {
		s.Errorf("found %+v", hello.Transaction)
	}
	other := s.greeted("r2")
	refuses(other, protocol.Prepare, s.plan.ask, protocol.KindRefused, "locked by run r1")
	var watching *protocol.Transaction
	c.OnEvent = func(event *protocol.Event) {
		if event.Watching != nil {
			watching = event.Watching
		}
		if event.Confirm != nil {
			s.confirms(id, epoch)
		}
	}
	verdict := must(c, protocol.Attach, protocol.AttachRequest{}).Verdict
	if verdict.Outcome != protocol.Applied || watching == nil || watching.ID != id || watching.Run != "r1" {
		s.Errorf("found %+v, watching %+v", verdict, watching)
	}
}

func (s *protocolSuite) noTransaction() {
	c := s.greeted("r1")
	refuses(c, protocol.Attach, protocol.AttachRequest{}, protocol.KindRefused, "transaction")
	refuses(c, protocol.Attach, protocol.AttachRequest{Transaction: "r1-7"}, protocol.KindRefused, "there is no transaction")
	refuses(c, protocol.Confirm, protocol.ConfirmRequest{Transaction: "r1-7"}, protocol.KindRefused, "there is no transaction")
}

func (s *protocolSuite) replaceHelper() {
	binary := []byte("a successor")
	ask := protocol.ReplaceRequest{Index: s.plan.ask.Index, Binary: binary}
	ask.Index.Helpers = map[schema.System]schema.Digest{schema.X8664Linux: schema.DigestOf(binary)}
	refuses(s.open(), protocol.ReplaceHelper, ask, protocol.KindRefused, "wrong digest of the index")
	digest, err := schema.DigestOfValue(ask.Index)
	if err != nil {
		s.Fatal(err)
	}
	c := s.open()
	c.Head.Digest = digest
	evil := ask
	evil.Binary = []byte("another")
	refuses(c, protocol.ReplaceHelper, evil, protocol.KindRefused, "")
	c = s.open()
	c.Head.Digest = digest
	if reply := must(c, protocol.ReplaceHelper, ask); reply.Helper != schema.DigestOf(binary) {
		s.Errorf("found %+v", reply)
	}
	c.over()
}
