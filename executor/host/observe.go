package host

import (
	"context"
	"fmt"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/base"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/host/internal/observe"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// observe tells of the host as it is. It writes nothing, caches included, takes
// no lock, and starts no process.
func (s *session) observe(ctx context.Context, request *protocol.Request, ask *protocol.ObserveRequest) (*protocol.ObserveReply, error) {
	known, err := s.state.Load()
	if err != nil {
		return nil, err
	}
	own := make(chan hashed, 1)
	go func() { own <- hashOf(s.deps.Executable) }()
	host := observe.Host{
		Root: s.deps.Root, Live: s.world(), Base: s.deps.base(), State: known, Applied: s.state.Manifest(known.Applied), Location: time.Local,
	}
	reply := &protocol.ObserveReply{System: string(systemOf(s.deps.Machine)), Observation: observe.Look(ctx, host)}
	if ask.Back != nil {
		if err := s.proposeBack(ctx, request, ask, host, reply); err != nil {
			return nil, err
		}
	} else if ask.Part != nil {
		if reply.Proposal, err = s.propose(ctx, request, ask, host); err != nil {
			return nil, err
		}
	}
	o := &reply.Observation
	o.OS = base.Release(s.deps.Root)["PRETTY_NAME"]
	s.observeWork(o)
	binary := <-own
	if binary.err != nil {
		o.Problems = append(o.Problems, "cannot read the helper's own binary: "+binary.err.Error())
	}
	o.Helper = binary.digest
	o.At = s.deps.Now().UTC().Round(0) // the last thing, so that clocks can be compared
	return reply, nil
}

// observeWork tells who may work on the host, what work is not done, and how the
// last one ended.
func (s *session) observeWork(o *schema.Observation) {
	if holder := s.leases.Holder(); holder != nil {
		o.Lease = &schema.Holder{Run: holder.Run, Operator: holder.Operator, Since: holder.Since}
	}
	last, err := s.lastChange()
	if err == nil {
		o.LastChange = last
		o.Unfinished, err = s.unfinished()
	}
	if err != nil {
		o.Problems = append(o.Problems, err.Error())
	}
}

func (s *session) unfinished() (*schema.Unfinished, error) {
	found, err := transaction.Unfinished(s.state)
	if err != nil || found == nil {
		return nil, err
	}
	t, err := s.describe(found)
	if err != nil {
		return nil, err
	}
	u := &schema.Unfinished{Transaction: t.ID, Run: t.Run, Operator: t.Operator, State: string(t.State), Phase: t.Phase}
	if found.Verdict != nil {
		u.Failure = found.Verdict.Message
	}
	return u, nil
}

// lastChange returns the youngest verdict that is kept.
func (s *session) lastChange() (*schema.LastChange, error) {
	ids, err := s.state.Names("transactions")
	if err != nil {
		return nil, err
	}
	var last *schema.LastChange
	epoch := int64(-1) // decides where two ended within a second
	for _, id := range ids {
		verdict, err := transaction.LoadVerdict(s.state, id)
		if err != nil {
			return nil, err
		}
		if verdict == nil || last != nil && verdict.At.Before(last.At) {
			continue
		}
		order, err := transaction.LoadOrder(s.state, id)
		if err != nil || last != nil && verdict.At.Equal(last.At) && order.Epoch < epoch {
			continue // without its order, who began it is not remembered any more
		}
		epoch = order.Epoch
		last = &schema.LastChange{Run: order.Run, Operator: order.Operator, Outcome: string(verdict.Outcome), At: verdict.At, Message: verdict.Message}
	}
	return last, nil
}

// propose tells what an execution of a part would do here.
func (s *session) propose(ctx context.Context, request *protocol.Request, ask *protocol.ObserveRequest, host observe.Host) (*protocol.Proposal, error) {
	part, err := s.verify(ask.Part.Part(request))
	if err != nil {
		return nil, err
	}
	proposal, err := observe.Propose(ctx, host, observe.Ask{
		Part: part.Part, Closure: s.state.Closure(host.State.Applied), Blob: s.state.Blob, Sensitive: ask.Sensitive,
	})
	if err != nil {
		return nil, err
	}
	space, err := s.proposedSpace(part, proposal)
	if err != nil {
		return nil, err
	}
	for _, refusal := range space {
		proposal.Refusals = append(proposal.Refusals, protocol.Refusal{Message: refusal.Message, Hint: refusal.Hint})
	}
	proposal.MissingPayloads = s.missingPayloads(part)
	return proposal, nil
}

// proposedSpace says what an execution would refuse for want of Nix or of room.
func (s *session) proposedSpace(part *prepared, proposal *protocol.Proposal) ([]kind.Refusal, error) {
	if len(part.Part.Closure) > 0 && s.deps.NixStore == "" {
		return []kind.Refusal{{Message: fmt.Sprintf("the host has no Nix: expected nix-store in one of %v, found none", nixstore.Directories),
			Hint: "install it on the host: apt install nix-bin nix-setup-systemd"}}, nil
	}
	missing := map[schema.StorePath]bool{}
	for _, path := range proposal.MissingPaths {
		missing[path] = true
	}
	var size int64
	for _, entry := range part.Part.Closure {
		if missing[entry.Path] {
			size += entry.NarSize
		}
	}
	return s.checkSpace("/nix", size)
}
