package fakehost

import (
	"fmt"
	"time"

	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// observe tells of the host without a change to it.
func (s *Session) observe() (*protocol.ObserveReply, error) {
	state, ask := s.Host.Look(), s.Request.Observe
	if ask.Version != state.Version {
		return nil, &protocol.Error{Kind: protocol.KindProtocol,
			Message: fmt.Sprintf("this helper speaks version %d of the protocol, the executor version %d", state.Version, ask.Version)}
	}
	reply := &protocol.ObserveReply{Version: state.Version, System: schema.X8664Linux, Observation: schema.Observation{
		At: time.Now().UTC(), OS: "Debian GNU/Linux 12 (bookworm)", Helper: schema.DigestOf(state.Helper), Name: schema.HostName(ask.Host),
		Drift: []schema.Drift{}, Units: []schema.ObservedUnit{}, Disks: []schema.Disk{},
	}}
	if state.Applied != "" {
		reply.Observation.Applied = &schema.Applied{
			Generation: state.Generation, Manifest: state.Applied, Plan: s.Request.Digest, Run: "earlier", Operator: "ann@desk", At: time.Now().UTC(),
		}
	}
	if state.Drifted {
		reply.Observation.Drift = append(reply.Observation.Drift, schema.Drift{Kind: "file", Object: "/etc/web.conf",
			Differences: []schema.Difference{{Property: "mode", Was: "0644", Is: "0600"}}})
	}
	if ask.Part != nil {
		if err := s.proposal(ask.Part, reply); err != nil {
			return nil, err
		}
	}
	if state.OnObserve != nil {
		return reply, state.OnObserve(s, reply)
	}
	return reply, nil
}

func (s *Session) proposal(part *schema.Part, reply *protocol.ObserveReply) error {
	if err := part.Verify(); err != nil {
		return err
	}
	if part.Digest != s.Request.Digest {
		return fmt.Errorf("the part of plan %s came with plan %s", part.Digest, s.Request.Digest)
	}
	s.Part = part
	paths, texts := s.missing()
	reply.Proposal = &protocol.Proposal{Changes: s.changes(), MissingPaths: paths, MissingPayloads: texts, NewPaths: paths}
	s.Part = nil // nothing was prepared
	return nil
}
