package host

import (
	"context"
	"time"
	"unicode"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/lease"
	"github.com/nixfleet/nixfleet/executor/host/internal/slot"
	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

const (
	// longestSlot is how long a slot may be asked for.
	longestSlot = 24 * time.Hour
	// longestName bounds what names slots and their holders.
	longestName = 300
)

func slotsOf(deps Deps) *slot.Store {
	return slot.New(deps.Root, state.Directory, deps.Clock, deps.Fault)
}

// slot takes or gives back a slot, whoever is at work on the host.
func (s *session) slot(ctx context.Context, request *protocol.Request, ask *protocol.SlotRequest) (*protocol.SlotReply, error) {
	for what, name := range map[string]string{"key": ask.Key, "holder": ask.Holder, "operator": request.Operator} {
		if !isName(name) {
			return nil, protocol.Errorf("%q is no %s of a slot: expected 1 to %d characters that can be printed", name, what, longestName)
		}
	}
	if s.deps.Clock.Boot == lease.UnknownBoot {
		return nil, refuse(kind.Refusal{Message: "the host cannot keep slots: it does not tell one boot from another", Hint: "on the host: cat /proc/sys/kernel/random/boot_id"})
	}
	var other *slot.Record
	var err error
	switch ask.Action {
	case protocol.SlotTake:
		length, parseErr := time.ParseDuration(ask.For)
		if parseErr != nil || length <= 0 || length > longestSlot {
			return nil, protocol.Errorf("expected a slot to be asked for more than 0s and up to %s, found %q", longestSlot, ask.For)
		}
		other, err = s.slots.Take(ctx, ask.Key, ask.Holder, request.Operator, length)
	case protocol.SlotRelease:
		other, err = s.slots.Release(ctx, ask.Key, ask.Holder)
	default:
		return nil, protocol.Errorf("expected to take or release a slot, found %q", ask.Action)
	}
	if err != nil {
		return nil, err
	}
	if other != nil {
		remains := max(s.slots.Remains(other), 0).Truncate(time.Second) + time.Second
		return &protocol.SlotReply{Holder: other.Holder, Operator: other.Operator, For: remains.String()}, nil
	}
	return &protocol.SlotReply{Granted: ask.Action == protocol.SlotTake}, nil
}

func isName(text string) bool {
	if text == "" || len(text) > longestName {
		return false
	}
	for _, letter := range text {
		if !unicode.IsPrint(letter) {
			return false
		}
	}
	return true
}
