package session

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// Hook has the helper run a hook to its end. An error that is no answer of the helper's
// leaves open what it did.
func (s *Session) Hook(ctx context.Context, hook protocol.Hook, deadline time.Duration, tell func(*protocol.Event)) (*protocol.HookReply, error) {
	body, err := json.Marshal(hook)
	if err != nil {
		return nil, err
	}
	// If we crash here, the end of the session ends the hook.
	response, err := s.Call(ctx, Request{Op: protocol.OpHook, Field: "hook", Body: [][]byte{body}, Deadline: deadline, OnEvent: tell})
	if err != nil {
		return nil, err
	}
	if response.HookReply == nil {
		return nil, fault.New(fault.Refused, "the helper on %s answered hook with something else", s.Host)
	}
	return response.HookReply, nil
}

// Reboot has the host end a boot, or with an empty one only tells of the boot that it is
// in. An error that is no answer of the helper's leaves open whether the host goes down.
func (s *Session) Reboot(ctx context.Context, boot string, deadline time.Duration, tell func(*protocol.Event)) (*protocol.RebootReply, error) {
	body, err := json.Marshal(protocol.Reboot{Version: protocol.Version, Host: s.Host, Operator: s.Operator, Boot: boot})
	if err != nil {
		return nil, err
	}
	first := s.seq == 0
	response, err := s.Call(ctx, Request{Op: protocol.OpReboot, Field: "reboot", Body: [][]byte{body}, Deadline: deadline, OnEvent: tell})
	switch {
	case err != nil && first:
		return nil, s.explain(s.diagnose(ctx, err))
	case err != nil:
		return nil, err
	case response.RebootReply == nil:
		return nil, fault.New(fault.Refused, "the helper on %s answered reboot with something else", s.Host)
	}
	return response.RebootReply, nil
}

// Slot takes a slot that the host keeps, or gives it back.
func (s *Session) Slot(ctx context.Context, slot protocol.Slot, deadline time.Duration) (*protocol.SlotReply, error) {
	slot.Version, slot.Operator = protocol.Version, s.Operator
	body, err := json.Marshal(slot)
	if err != nil {
		return nil, err
	}
	first := s.seq == 0
	response, err := s.Call(ctx, Request{Op: protocol.OpSlot, Field: "slot", Body: [][]byte{body}, Deadline: deadline})
	switch {
	case err != nil && first:
		return nil, s.explain(s.diagnose(ctx, err))
	case err != nil:
		return nil, err
	case response.SlotReply == nil:
		return nil, fault.New(fault.Refused, "the helper on %s answered slot with something else", s.Host)
	}
	return response.SlotReply, nil
}
