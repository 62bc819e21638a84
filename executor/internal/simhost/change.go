package simhost

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Parts are the parts of plans that hosts were handed, by the hash of their bytes. Many
// hosts share them, so that what each would decode on its own processor is decoded once
// here: it would slow down the controller that is measured.
type Parts struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]*part
}

// part is a verified part of a plan, without a host.
type part struct {
	protocol.PrepareRequest
	plan, manifest schema.Digest
}

func (p *Parts) read(body []byte) (*part, error) {
	sum := sha256.Sum256(body)
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.known[sum]; known != nil {
		return known, nil
	}
	read := &part{}
	if err := schema.DecodeKnown(body, &read.PrepareRequest); err != nil {
		return nil, err
	}
	plan, err := schema.DigestOfValue(read.Index)
	manifest, manifestErr := schema.DigestOfValue(read.Manifest)
	if err := errors.Join(err, manifestErr); err != nil {
		return nil, err
	}
	read.plan, read.manifest = plan, manifest
	for name, host := range read.Index.Hosts {
		if host.Manifest == manifest { // the closure is alike for all of them
			if err := read.Part(&protocol.Request{Host: name, Digest: plan}).Verify(); err != nil {
				return nil, err
			}
			break
		}
	}
	if p.known == nil {
		p.known = map[[sha256.Size]byte]*part{}
	}
	p.known[sum] = read
	return read, nil
}

// prepare verifies what is the request's own; [Parts.read] has verified the rest.
func (s *Session) prepare(_ context.Context, request *protocol.Request, ask *part) (*protocol.PrepareReply, error) {
	if ask.plan != request.Digest || ask.Index.Hosts[request.Host].Manifest != ask.manifest {
		return nil, fmt.Errorf("expected the part of %q in plan %s, found one of plan %s", request.Host, request.Digest, ask.plan)
	}
	s.Part = ask.Part(request)
	paths, texts := s.Host.lacks(s.Part)
	return &protocol.PrepareReply{MissingPaths: paths, MissingPayloads: texts, Changes: s.Host.changes(s.Part)}, nil
}

// lacks returns what the host lacks of a part.
func (h *Host) lacks(p *schema.Part) (paths []schema.StorePath, texts []schema.Digest) {
	for _, entry := range p.Closure {
		if !h.Store.Has(string(entry.Path)) {
			paths = append(paths, entry.Path)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, digest := range p.Manifest.PayloadDigests() {
		if !h.Payloads[digest] {
			texts = append(texts, digest)
		}
	}
	return paths, texts
}

// changes returns what an apply of a part would change.
func (h *Host) changes(p *schema.Part) []schema.Change {
	changes := []schema.Change{}
	if state := h.Look(); p.Index.Hosts[p.Host].Manifest == state.Applied && !state.Drifted {
		return changes
	}
	for _, file := range p.Manifest.Files {
		changes = append(changes, schema.Change{Action: schema.Create, Kind: "file", Object: file.Path})
	}
	return changes
}

func (s *Session) keep(_ context.Context, _ *protocol.Request, ask *protocol.PayloadsRequest) (*protocol.PayloadsReply, error) {
	for digest, payload := range ask.Payloads {
		content, err := payload.Bytes()
		if err != nil || schema.DigestOf(content) != digest {
			return nil, fmt.Errorf("wrong digest of a payload: expected %s", digest)
		}
		s.Host.Set(func(state *State) { state.Payloads[digest] = true })
	}
	return &protocol.PayloadsReply{}, nil
}

// back prepares going back to a generation, which is named by its number.
func (s *Session) back(_ context.Context, _ *protocol.Request, ask *protocol.BackRequest) (*protocol.BackReply, error) {
	state := s.Host.Look()
	number, err := strconv.Atoi(ask.To)
	if err != nil || state.Generations[number] == "" {
		return nil, fmt.Errorf("there is no generation %q", ask.To)
	}
	s.Back = state.Generations[number]
	return &protocol.BackReply{Generation: &schema.KeptGeneration{Generation: number, Manifest: s.Back}}, nil
}

// begin starts the transaction of what was prepared.
func (s *Session) begin(ctx context.Context, request *protocol.Request, _ *protocol.BeginRequest) (*protocol.BeginReply, error) {
	state := s.Host.Look()
	t := &Transaction{Host: s.Host, ID: fmt.Sprintf("%s-%d", request.Run, request.Epoch), Run: request.Run, Epoch: request.Epoch, Part: s.Part, Back: s.Back}
	t.more = sync.NewCond(&t.mu)
	if t.Part == nil && t.Back == "" {
		return nil, protocol.Errorf("nothing was prepared")
	}
	if err := s.hold(ctx, request); err != nil {
		return nil, err
	}
	script := state.OnApply
	if t.Back != "" {
		script = nil
	} else if paths, texts := s.Host.lacks(t.Part); len(paths)+len(texts) > 0 {
		return nil, fmt.Errorf("%d paths and %d payloads are missing", len(paths), len(texts))
	}
	s.Host.mu.Lock()
	s.Host.transactions = append(s.Host.transactions, t)
	s.Host.mu.Unlock()
	go t.run(script)
	if state.OnBegin != nil {
		if err := state.OnBegin(s); err != nil {
			return nil, err
		}
	}
	return &protocol.BeginReply{Transaction: t.ID}, nil
}

// attach sends events until the verdict.
func (s *Session) attach(_ context.Context, _ *protocol.Request, ask *protocol.AttachRequest) (*protocol.AttachReply, error) {
	t := s.Host.transaction(ask.Transaction)
	switch {
	case t == nil && ask.Transaction == "":
		return nil, errors.New("no transaction is at work on this host")
	case t == nil:
		return nil, fmt.Errorf("there is no transaction %s on this host", ask.Transaction)
	case ask.Transaction == "":
		s.Send(protocol.Event{Watching: &protocol.Transaction{ID: t.ID, Run: t.Run, Operator: "alice@desk"}})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for sent := ask.After; ; {
		for ; sent < len(t.events); sent++ {
			s.Send(t.events[sent])
		}
		if t.verdict != nil {
			return &protocol.AttachReply{Verdict: *t.verdict}, nil
		}
		if t.gone {
			return &protocol.AttachReply{Verdict: protocol.Verdict{Transaction: t.ID, Outcome: protocol.Pending, Message: "it was interrupted"}}, nil
		}
		t.more.Wait()
	}
}

func (s *Session) confirm(_ context.Context, request *protocol.Request, ask *protocol.ConfirmRequest) (*protocol.ConfirmReply, error) {
	t := s.Host.transaction(ask.Transaction)
	if t == nil {
		return nil, fmt.Errorf("there is no transaction %q", ask.Transaction)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.Run != request.Run || t.Epoch != request.Epoch:
		return nil, fmt.Errorf("%s belongs to run %s in epoch %d, not %s in %d", t.ID, t.Run, t.Epoch, request.Run, request.Epoch)
	case t.waiting == 0:
		return nil, fmt.Errorf("the transaction %s does not wait to be confirmed", t.ID)
	case s.began < t.waiting:
		return nil, fmt.Errorf("this session is no proof: it began before %s waited", t.ID)
	}
	t.confirmed = true
	t.more.Broadcast()
	return &protocol.ConfirmReply{}, nil
}
