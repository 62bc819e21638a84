package main

import (
	"context"
	"crypto/sha256"
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
func (s *session) serve() error {
	server := protocol.NewServer(func(context.Context, *protocol.Request) error { s.epoch = 1; return nil })
	protocol.Handle(server, protocol.Hello, s.hello)
	protocol.HandleDecoded(server, protocol.Prepare, s.host.fleet.parts.of, s.prepare)
	protocol.Handle(server, protocol.Payloads, s.keep)
	protocol.Handle(server, protocol.Lease, s.lease)
	protocol.Handle(server, protocol.Begin, s.begin)
	protocol.Handle(server, protocol.Attach, s.attach)
	protocol.Handle(server, protocol.Confirm, s.confirm)
	for {
		request, body, err := server.Receive(s.conn)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		response := &protocol.Response{Seq: request.Seq, Kind: protocol.ReplyBody}
		reply, _, err := server.Answer(context.Background(), request, body)
		if err != nil {
			s.host.fleet.fault(fmt.Sprintf("%s: %v", request.Op, err))
			response.Kind, reply = protocol.ErrorBody, &protocol.Error{Kind: protocol.KindRefused, Message: err.Error()}
		}
		response.Epoch = s.epoch
		if err := s.conn.Respond(response, reply); err != nil {
			return nil // the controller has gone
		}
	}
}

func (s *session) hello(_ context.Context, _ *protocol.Request, ask *protocol.HelloRequest) (*protocol.HelloReply, error) {
	time.Sleep(s.host.fleet.latency.look)
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	reply := &protocol.HelloReply{
		Helper: s.host.fleet.helper, System: schema.X8664Linux, Base: schema.Debian, OS: "Debian GNU/Linux 12 (bookworm)",
		Nix: "2.8.0", Free: map[string]int64{"/nix": 1 << 34, "/var": 1 << 34, "/etc": 1 << 34}, Applied: s.host.applied,
		Unchanged: s.host.applied == ask.Manifest, Boot: "b1", Now: time.Now(),
	}
	if s.host.applied != "" {
		reply.Generation = 1
	}
	return reply, nil
}

func (s *session) prepare(_ context.Context, request *protocol.Request, ask *part) (*protocol.PrepareReply, error) {
	if err := ask.belongsTo(request); err != nil {
		return nil, err
	}
	s.part = ask
	time.Sleep(s.host.fleet.latency.look)
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	reply := &protocol.PrepareReply{Changes: s.part.changes}
	reply.MissingPaths, reply.MissingPayloads = s.host.lacks(s.part)
	return reply, nil
}

func (s *session) keep(_ context.Context, _ *protocol.Request, ask *protocol.PayloadsRequest) (*protocol.PayloadsReply, error) {
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

func (s *session) lease(context.Context, *protocol.Request, *protocol.LeaseRequest) (*protocol.LeaseReply, error) {
	return &protocol.LeaseReply{}, nil
}

func (s *session) begin(_ context.Context, request *protocol.Request, _ *protocol.BeginRequest) (*protocol.BeginReply, error) {
	if s.part == nil {
		return nil, errors.New("nothing was prepared")
	}
	c, err := s.host.begin(request.Run, s.part)
	if err != nil {
		return nil, err
	}
	return &protocol.BeginReply{Transaction: c.id}, nil
}

// attach sends the events of the work, evenly over its time, and waits until it is confirmed.
func (s *session) attach(_ context.Context, request *protocol.Request, ask *protocol.AttachRequest) (*protocol.AttachReply, error) {
	c := s.host.last()
	if c == nil || c.id != ask.Transaction {
		return nil, fmt.Errorf("there is no transaction %q", ask.Transaction)
	}
	events := c.events()
	for i := ask.After; i < len(events); i++ {
		time.Sleep(time.Until(c.began.Add(time.Duration(i+1) * s.host.toil() / time.Duration(len(events)))))
		if err := s.conn.Respond(&protocol.Response{Seq: request.Seq, Kind: protocol.EventBody}, events[i]); err != nil {
			return nil, err
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

func (s *session) confirm(_ context.Context, _ *protocol.Request, ask *protocol.ConfirmRequest) (*protocol.ConfirmReply, error) {
	c := s.host.last()
	switch {
	case c == nil || c.id != ask.Transaction:
		return nil, fmt.Errorf("there is no transaction %q", ask.Transaction)
	case s.began.Before(c.began.Add(s.host.toil())):
		return nil, errors.New("this session began before the waiting did, and proves nothing")
	}
	c.confirm.Do(func() { close(c.confirmed) })
	return &protocol.ConfirmReply{}, nil
}

// part is what alike hosts are asked to be.
type part struct {
	index   schema.Digest
	hosts   map[schema.HostName]schema.Host
	digest  schema.Digest // of the manifest
	paths   []schema.StorePath
	texts   []schema.Digest
	changes []schema.Change
}

// belongsTo checks that the request's host and plan are those of the part.
func (p *part) belongsTo(request *protocol.Request) error {
	if p.index != request.Digest || p.hosts[request.Host].Manifest != p.digest {
		return fmt.Errorf("the part is not that of %q in plan %s", request.Host, request.Digest)
	}
	return nil
}

// parts are those that were decoded, by the hash of their bytes: hosts decode each on
// their own CPU what would be decoded here a thousand times on one, and slow down the
// controller that is measured.
type parts struct {
	mu      sync.Mutex
	decoded map[[sha256.Size]byte]*part
}

func (p *parts) of(body []byte) (*part, error) {
	sum := sha256.Sum256(body)
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.decoded[sum]; known != nil {
		return known, nil
	}
	var ask protocol.PrepareRequest
	if err := schema.DecodeKnown(body, &ask); err != nil {
		return nil, err
	}
	index, err := schema.DigestOfValue(ask.Index)
	if err != nil {
		return nil, err
	}
	digest, err := schema.DigestOfValue(ask.Manifest)
	if err != nil {
		return nil, err
	}
	made := &part{index: index, hosts: ask.Index.Hosts, digest: digest, texts: ask.Manifest.PayloadDigests()}
	for _, entry := range ask.Closure {
		made.paths = append(made.paths, entry.Path)
	}
	for _, file := range ask.Manifest.Files {
		made.changes = append(made.changes, schema.Change{Action: schema.Create, Kind: "file", Object: file.Path})
	}
	p.decoded[sum] = made
	return made, nil
}
