package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// session is a started helper.
type session struct {
	host  *host
	began time.Time
	conn  *protocol.Conn
	part  *part
	epoch int64
}

// serve answers requests until the controller ends the session.
func (s *session) serve(r io.Reader) error {
	for {
		request, body, err := receive(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		response := protocol.Response{Seq: request.Seq}
		if err := s.answer(request, body, &response); err != nil {
			s.host.fleet.fault(fmt.Sprintf("%s: %v", request.Op, err))
			response = protocol.Response{Seq: request.Seq, Error: &protocol.Error{Kind: protocol.KindRefused, Message: err.Error()}}
		}
		response.Epoch = s.epoch
		if err := s.conn.Send(response); err != nil {
			return nil // the controller has gone
		}
	}
}

// receive reads a request. What hosts each decode on their own CPU, a plan's index,
// would be decoded here a thousand times on one, and slow down who is measured: of
// such a request only the head is decoded, and the body returned as it came.
func receive(r io.Reader) (*protocol.Request, []byte, error) {
	var size uint32
	if err := binary.Read(r, binary.BigEndian, &size); err != nil {
		return nil, nil, err
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, nil, err
	}
	request := &protocol.Request{}
	if head, rest, found := bytes.Cut(body, []byte(`,"prepare":`)); found {
		return request, rest, json.Unmarshal(append(bytes.Clone(head), '}'), request)
	}
	return request, body, json.Unmarshal(body, request)
}

func (s *session) answer(request *protocol.Request, body []byte, response *protocol.Response) (err error) {
	if request.Op != protocol.OpHello && request.Op != protocol.OpAttach && request.Op != protocol.OpConfirm {
		s.epoch = 1
	}
	switch request.Op {
	case protocol.OpHello:
		response.HelloReply = s.hello(request.Hello)
	case protocol.OpPrepare:
		response.PrepareReply, err = s.prepare(request.Digest, body)
	case protocol.OpPayloads:
		response.PayloadsReply, err = s.keep(request.Payloads)
	case protocol.OpLease:
		response.LeaseReply = &protocol.LeaseReply{}
	case protocol.OpBegin:
		response.BeginReply, err = s.begin(request.Run)
	case protocol.OpAttach:
		response.AttachReply, err = s.attach(request)
	case protocol.OpConfirm:
		response.ConfirmReply, err = s.confirm(request)
	default:
		err = fmt.Errorf("this host does not do that")
	}
	return err
}

func (s *session) hello(ask *protocol.Hello) *protocol.HelloReply {
	time.Sleep(s.host.fleet.latency.look)
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	reply := &protocol.HelloReply{
		Version: protocol.Version, Helper: s.host.fleet.helper, System: schema.X8664Linux, Base: schema.Debian, OS: "Debian GNU/Linux 12 (bookworm)",
		Nix: "2.8.0", Free: map[string]int64{"/nix": 1 << 34, "/var": 1 << 34, "/etc": 1 << 34}, Applied: s.host.applied,
		Unchanged: s.host.applied == ask.Manifest, Boot: "b1", Now: time.Now(),
	}
	if s.host.applied != "" {
		reply.Generation = 1
	}
	return reply
}

func (s *session) prepare(digest schema.Digest, body []byte) (reply *protocol.PrepareReply, err error) {
	if s.part, err = s.host.fleet.parts.of(digest, body); err != nil {
		return nil, err
	}
	time.Sleep(s.host.fleet.latency.look)
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	reply = &protocol.PrepareReply{Changes: s.part.changes}
	reply.MissingPaths, reply.MissingPayloads = s.host.lacks(s.part)
	return reply, nil
}

func (s *session) keep(ask *protocol.Payloads) (*protocol.PayloadsReply, error) {
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	for digest, payload := range ask.Payloads {
		content, err := payload.Bytes()
		if err != nil || schema.DigestOf(content) != digest {
			return nil, fmt.Errorf("wrong digest of a payload: expected %s", digest)
		}
		s.host.texts[digest] = true
	}
	return &protocol.PayloadsReply{}, nil
}

func (s *session) begin(run string) (*protocol.BeginReply, error) {
	if s.part == nil {
		return nil, errors.New("nothing was prepared")
	}
	c, err := s.host.begin(run, s.part)
	if err != nil {
		return nil, err
	}
	return &protocol.BeginReply{Transaction: c.id}, nil
}

// attach tells of the work, evenly over its time, and waits until it is confirmed.
func (s *session) attach(request *protocol.Request) (*protocol.AttachReply, error) {
	c := s.host.last()
	if c == nil || c.id != request.Attach.Transaction {
		return nil, fmt.Errorf("there is no transaction %q", request.Attach.Transaction)
	}
	events := c.events()
	for i := request.Attach.After; i < len(events); i++ {
		time.Sleep(time.Until(c.began.Add(time.Duration(i+1) * s.host.toil() / time.Duration(len(events)))))
		if err := s.conn.Send(protocol.Response{Seq: request.Seq, Event: &events[i]}); err != nil {
			return nil, nil
		}
	}
	<-c.confirmed
	return &protocol.AttachReply{Verdict: protocol.Verdict{Transaction: c.id, Outcome: protocol.Applied, Generation: 1, Changes: c.changes}}, nil
}

func (c *change) events() []protocol.Event {
	events := []protocol.Event{{Stage: schema.StageStaging}, {Stage: schema.StageStop}, {Stage: schema.StageFiles}}
	for i := range c.changes {
		events = append(events, protocol.Event{Change: &c.changes[i]})
	}
	events = append(events, protocol.Event{Stage: schema.StageUnits}, protocol.Event{Stage: schema.StageConfirm, Confirm: &protocol.Waiting{Window: "1m0s"}})
	for i := range events {
		events[i].Number = i + 1
	}
	return events
}

func (s *session) confirm(request *protocol.Request) (*protocol.ConfirmReply, error) {
	c := s.host.last()
	switch {
	case c == nil || c.id != request.Confirm.Transaction:
		return nil, fmt.Errorf("there is no transaction %q", request.Confirm.Transaction)
	case s.began.Before(c.began.Add(s.host.toil())):
		return nil, errors.New("this session began before the waiting did, and proves nothing")
	}
	c.confirm.Do(func() { close(c.confirmed) })
	return &protocol.ConfirmReply{}, nil
}

// part is what alike hosts are told to be.
type part struct {
	shared  []byte // as it came
	digest  schema.Digest
	paths   []schema.StorePath
	texts   []schema.Digest
	changes []schema.Change
}

// parts are those that were verified: byte by byte the same need not be again.
type parts struct {
	mu       sync.Mutex
	verified map[schema.Digest]*part
}

func (p *parts) of(digest schema.Digest, body []byte) (*part, error) {
	_, shared, found := bytes.Cut(body, []byte(`"index":`))
	if !found {
		return nil, errors.New("expected an index in the part")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.verified[digest]; known != nil && bytes.Equal(known.shared, shared) {
		return known, nil
	}
	var ask protocol.Prepare
	if err := json.Unmarshal(body[:len(body)-1], &ask); err != nil { // without the request's bracket
		return nil, err
	}
	if err := ask.Part.Verify(); err != nil {
		return nil, err
	}
	made := &part{shared: shared, digest: ask.Part.Index.Hosts[ask.Part.Host].Manifest, texts: ask.Part.Manifest.PayloadDigests()}
	for _, entry := range ask.Part.Closure {
		made.paths = append(made.paths, entry.Path)
	}
	for _, file := range ask.Part.Manifest.Files {
		made.changes = append(made.changes, schema.Change{Action: schema.Create, Kind: "file", Object: file.Path})
	}
	p.verified[digest] = made
	return made, nil
}
