package protocol

import "github.com/nixfleet/nixfleet/schema"

// RunRequest says what to run. One of Task and Argv is set.
type RunRequest struct {
	// Task is the name of a task in the manifest that was applied last.
	Task string `json:"task,omitempty"`
	// Argv is a program and its arguments; root runs them, and no shell reads them.
	Argv []string `json:"argv,omitempty"`
	// Timeout is how long it may take: a Go duration. Of a task it lowers what the
	// task says, and may be empty.
	Timeout string `json:"timeout,omitempty"`
	// NoLock runs a command even while a run works on the host.
	NoLock bool `json:"noLock,omitempty"`
	// MaxOutput is how many bytes of output are wanted; the rest is counted.
	MaxOutput int64 `json:"maxOutput"`
}

// MaxOutput is the most that a [RunRequest] may ask for.
const MaxOutput = 64 << 20

// RunReply says how it ended.
type RunReply struct {
	Exit schema.Exit `json:"exit"`
	// Lost says why its end is unknown; empty where it is known.
	Lost string `json:"lost,omitempty"`
	// Unit is the unit that it ran in, for the host's journal.
	Unit schema.UnitName `json:"unit"`
}
