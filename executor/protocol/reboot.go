package protocol

import (
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

// HookRequest says which hook to run.
type HookRequest struct {
	// Manifest is the one whose hook to run.
	Manifest schema.Digest `json:"manifest"`
	Name     string        `json:"name"`
	// Environment are the variables that the executor adds: what it knows of the run.
	// Their names begin with NIXFLEET_. What the host knows itself it sets itself.
	Environment map[string]string `json:"environment,omitempty"`
}

// HookReply says how it ended.
type HookReply struct {
	Exit schema.Exit `json:"exit"`
	// Lost says why its end is unknown; empty where it is known.
	Lost string `json:"lost,omitempty"`
	// Output is the end of what it wrote, for an error.
	Output string `json:"output,omitempty"`
	// Unit is the unit that it ran in, for the host's journal.
	Unit schema.UnitName `json:"unit"`
}

// RebootRequest asks which boot the host is in, or for another one.
type RebootRequest struct {
	// Boot is the boot to end; empty asks only. A host that is in another boot does
	// nothing, so a request that comes twice reboots once.
	Boot string `json:"boot,omitempty"`
}

// RebootReply describes the boot that the host is in.
type RebootReply struct {
	Boot string `json:"boot"`
	// Uptime is how long ago it began.
	Uptime time.Duration `json:"uptime"`
	// State says whether a reboot is needed.
	State schema.RebootState `json:"state"`
	// Failed are the units that have failed, of the whole host; Starting says that the
	// host has not come to the end of its boot.
	Failed   []schema.UnitName `json:"failed"`
	Starting bool              `json:"starting,omitempty"`
	// Going says that the host goes down now, or may: where systemd did not answer, an
	// event says so.
	Going bool `json:"going,omitempty"`
}

func (r *RebootReply) endsSession() bool { return r.Going }

// SlotRequest asks for a slot.
type SlotRequest struct {
	Action SlotAction `json:"action"`
	// Key names the slot in all controllers alike: fleet, group and number.
	Key string `json:"key"`
	// Holder is who wants it: a run and the host that goes down.
	Holder string `json:"holder"`
	// For is how long it lasts where it is not released: a Go duration, of at most a day.
	// A boot of the host that keeps it restarts that time.
	For string `json:"for,omitempty"`
}

// SlotAction is what becomes of a slot.
type SlotAction string

// The actions.
const (
	// SlotTake takes a slot that is free, has expired, or is the holder's own, which
	// then lasts for its whole time again.
	SlotTake SlotAction = "take"
	// SlotRelease releases it; where another holds it nothing happens.
	SlotRelease SlotAction = "release"
)

// SlotReply says who holds it now.
type SlotReply struct {
	// Granted says that the asking holder does.
	Granted bool `json:"granted"`
	// Holder and Operator are who holds it otherwise, and For is how much longer at most.
	Holder   string `json:"holder,omitempty"`
	Operator string `json:"operator,omitempty"`
	For      string `json:"for,omitempty"`
}
