package protocol

import (
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

const (
	// OpHook runs a hook of the manifest that was prepared in this session or else of
	// the one that was applied, to its end, in a unit of its own, which the end of the
	// session stops. Its output comes as events. It takes the host's lease.
	OpHook Op = "hook"
	// OpReboot tells whether the host needs a reboot and, where it is asked to, reboots
	// it: the session ends with the reply, or before it. That takes the host's lease,
	// which then stays taken until the boot ends. It is refused while a transaction has
	// not ended, or while a program keeps the host from going down. It needs no hello.
	OpReboot Op = "reboot"
	// OpSlot takes, keeps or gives back a slot: the right of some host of a group to be
	// down, which this host keeps on behalf of all controllers. It needs no hello before
	// it and no lease, and works while others work on the host.
	OpSlot Op = "slot"
)

// Hook says which hook to run.
type Hook struct {
	// Manifest is the one whose hook is meant.
	Manifest schema.Digest `json:"manifest"`
	Name     string        `json:"name"`
	// Environment are the variables that the executor adds: what it knows of the run.
	// Their names begin with NIXFLEET_. What the host knows itself it sets itself.
	Environment map[string]string `json:"environment,omitempty"`
}

// HookReply tells how it ended.
type HookReply struct {
	Exit schema.Exit `json:"exit"`
	// Lost says why nobody knows how it ended; empty where that is known.
	Lost string `json:"lost,omitempty"`
	// Output is the end of what it wrote, for an error.
	Output string `json:"output,omitempty"`
	// Unit is the unit that it ran in, for the host's journal.
	Unit schema.UnitName `json:"unit"`
}

// Reboot asks for the host's boot or for another.
type Reboot struct {
	Version  int             `json:"version"`
	Host     schema.HostName `json:"host"`
	Operator string          `json:"operator"`
	// Boot is the boot that shall end; empty asks only. A host that is in another boot
	// does nothing, so a request that comes twice reboots once.
	Boot string `json:"boot,omitempty"`
}

// RebootReply tells of the boot that the host is in.
type RebootReply struct {
	Boot string `json:"boot"`
	// Uptime is how long ago it began.
	Uptime time.Duration `json:"uptime"`
	// State tells whether a reboot is needed.
	State schema.RebootState `json:"state"`
	// Failed are the units that have failed, of the whole host; Starting says that the
	// host has not come to the end of its boot.
	Failed   []schema.UnitName `json:"failed"`
	Starting bool              `json:"starting,omitempty"`
	// Going says that the host goes down now, or may: where systemd did not answer, an
	// event says so.
	Going bool `json:"going,omitempty"`
}

// Slot asks for a slot.
type Slot struct {
	Version int        `json:"version"`
	Action  SlotAction `json:"action"`
	// Key names the slot in all controllers alike: fleet, group and number.
	Key string `json:"key"`
	// Holder is who wants it: a run and the host that goes down.
	Holder   string `json:"holder"`
	Operator string `json:"operator"`
	// For is how long it is kept where nobody gives it back: a Go duration, of at most a day.
	// A boot of the host that keeps it begins that time anew.
	For string `json:"for,omitempty"`
}

// SlotAction is what becomes of a slot.
type SlotAction string

// The actions.
const (
	// SlotTake takes a slot that is free, has run out, or is the holder's own, which
	// then runs for its whole time again.
	SlotTake SlotAction = "take"
	// SlotRelease gives it back; where another holds it nothing happens.
	SlotRelease SlotAction = "release"
)

// SlotReply tells who holds it now.
type SlotReply struct {
	// Granted says that the asking holder does.
	Granted bool `json:"granted"`
	// Holder and Operator are who holds it otherwise, and For is how much longer at most.
	Holder   string `json:"holder,omitempty"`
	Operator string `json:"operator,omitempty"`
	For      string `json:"for,omitempty"`
}
