package protocol

import "github.com/nixfleet/nixfleet/schema"

// OpRun runs a task of what was applied to the host, or a command, to its end: in
// a unit of its own, which the end of the session stops. Its output comes as events.
// It needs no hello before it, and nothing but the host. Unless it is asked
// otherwise it takes the host's lease, so that no change begins before its end.
const OpRun Op = "run"

// Command says what to run. One of Task and Argv is set.
type Command struct {
	Version  int             `json:"version"`
	Host     schema.HostName `json:"host"`
	Operator string          `json:"operator"`
	// Task is the name of a task in the manifest that was applied last.
	Task string `json:"task,omitempty"`
	// Argv is a program and its arguments; root runs them, and no shell reads them.
	Argv []string `json:"argv,omitempty"`
	// Timeout is how long it may take: a Go duration. Of a task it lowers what the
	// task says, and may be empty.
	Timeout string `json:"timeout,omitempty"`
	// NoLock runs a command whoever is at work on the host.
	NoLock bool `json:"noLock,omitempty"`
	// MaxOutput is how many bytes of output are wanted; the rest is counted.
	MaxOutput int64 `json:"maxOutput"`
}

// MaxOutput is the most that a [Command] may ask for.
const MaxOutput = 64 << 20

// CommandReply tells how it ended.
type CommandReply struct {
	Exit schema.Exit `json:"exit"`
	// Lost says why nobody knows how it ended; empty where that is known.
	Lost string `json:"lost,omitempty"`
	// Unit is the unit that it ran in, for the host's journal.
	Unit schema.UnitName `json:"unit"`
}
