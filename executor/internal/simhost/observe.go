package simhost

import (
	"context"
	"time"

	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// observe describes the host and changes nothing.
func (s *Session) observe(_ context.Context, request *protocol.Request, ask *protocol.ObserveRequest) (*protocol.ObserveReply, error) {
	state := s.Host.Look()
	reply := &protocol.ObserveReply{System: string(schema.X8664Linux), Observation: schema.Observation{
		At: time.Now().UTC(), OS: "Debian GNU/Linux 12 (bookworm)", Helper: state.helperHash(), Name: request.Host,
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
		if err := s.proposal(ask.Part.Part(request), reply); err != nil {
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
	paths, texts := s.Host.lacks(part)
	reply.Proposal = &protocol.Proposal{Changes: s.Host.changes(part), MissingPaths: paths, MissingPayloads: texts, NewPaths: paths}
	return nil
}
