package simhost

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Reboots is how a host reboots, and what it keeps for others.
type Reboots struct {
	// Boot is the boot that it is in.
	Boot string
	// Needs says that it needs a reboot, until it has one.
	Needs bool
	// Failed are the units that have failed, and Starting is how often it still says that
	// it has not come to the end of its start.
	Failed   []schema.UnitName
	Starting int
	// Away is how often it refuses a connection before it is back; with -1 it never is.
	Away int
	// OnReboot scripts the moment before the host goes down, OnReturn the one after it is back.
	OnReboot func(*Session) error
	OnReturn func(*Host)
	// OnHook scripts a hook.
	OnHook func(*Session) (schema.Exit, error)
	// Slots are those that it keeps, with their holders, and OnSlot scripts that.
	Slots  map[string]Slot
	OnSlot func(*Session) error

	down    bool
	refused int
}

// Slot is who holds a slot.
type Slot struct{ Holder, Operator string }

// Refuses reports whether the host is down; callers ask before they connect.
func (h *Host) Refuses() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.down {
		return false
	}
	h.refused++
	return h.Away < 0 || h.refused <= h.Away
}

// Answers says that a connection was accepted: a host that was down is back.
func (h *Host) Answers() {
	h.mu.Lock()
	back := h.down
	h.down = false
	onReturn := h.OnReturn
	h.mu.Unlock()
	if back && onReturn != nil {
		onReturn(h)
	}
}

// Down reports whether the host is down.
func (h *Host) Down() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.down
}

// goDown ends all connections; what comes back is another boot.
func (h *Host) goDown() {
	h.Set(func(s *State) {
		s.down, s.refused, s.Needs = true, 0, false
		var n int
		_, _ = fmt.Sscanf(s.Boot, "b%d", &n)
		s.Boot = fmt.Sprintf("b%d", n+1)
	})
	h.Server.CutAll()
}

// reboot reports the boot, and ends it where the request names it.
func (s *Session) reboot(ctx context.Context, request *protocol.Request, ask *protocol.RebootRequest) (*protocol.RebootReply, error) {
	state := s.Host.Look()
	reply := &protocol.RebootReply{Boot: state.Boot, Uptime: time.Minute, Failed: slices.Clone(state.Failed), Starting: state.Starting > 0}
	reply.State.Needed = state.Needs
	if state.Needs {
		reply.State.Because = []string{"kernel 2 is installed, 1 runs"}
	}
	if ask.Boot == "" || ask.Boot != state.Boot {
		s.Host.Set(func(state *State) { state.Starting = max(state.Starting-1, 0) })
		return reply, nil
	}
	if err := s.hold(ctx, request); err != nil {
		return nil, err
	}
	if state.OnReboot != nil {
		if err := state.OnReboot(s); err != nil {
			return nil, err
		}
	}
	reply.Going = true
	return reply, nil
}

// hook runs a hook of what was prepared or applied.
func (s *Session) hook(ctx context.Context, request *protocol.Request, ask *protocol.HookRequest) (*protocol.HookReply, error) {
	state := s.Host.Look()
	s.Hook = *ask
	if prepared := s.Part != nil && s.Part.Index.Hosts[s.Part.Host].Manifest == ask.Manifest; !prepared && state.Applied != ask.Manifest {
		return nil, fmt.Errorf("the hooks of %s are not this host's", ask.Manifest)
	}
	if err := s.hold(ctx, request); err != nil {
		return nil, err
	}
	s.Host.mu.Lock()
	s.Host.hooks = append(s.Host.hooks, ask.Name)
	s.Host.mu.Unlock()
	reply := &protocol.HookReply{Unit: "nixfleet-hook-r.service"}
	var err error
	if state.OnHook != nil {
		reply.Exit, err = state.OnHook(s)
	}
	return reply, err
}

// slot takes or gives back a slot.
func (s *Session) slot(_ context.Context, request *protocol.Request, ask *protocol.SlotRequest) (*protocol.SlotReply, error) {
	reply := &protocol.SlotReply{}
	s.Host.Set(func(state *State) {
		held := state.Slots[ask.Key]
		switch {
		case held.Holder != "" && held.Holder != ask.Holder:
			reply.Holder, reply.Operator, reply.For = held.Holder, held.Operator, "20m0s"
		case ask.Action == protocol.SlotRelease:
			delete(state.Slots, ask.Key)
		default:
			state.Slots[ask.Key] = Slot{ask.Holder, request.Operator}
			reply.Granted = true
		}
	})
	return reply, nil
}

// Hooks are the names of the hooks that were asked for.
func (h *Host) Hooks() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.hooks, " ")
}
