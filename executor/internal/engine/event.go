package engine

import (
	"time"

	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Event is something that happened during a run.
type Event struct {
	// Time is when, by the controller's clock.
	Time time.Time `json:"time"`
	// Run is the run.
	Run string `json:"run"`
	// Kind says what happened, and so which fields are set.
	Kind EventKind `json:"kind"`
	// Wave is the wave that begins or ends.
	Wave string `json:"wave,omitempty"`
	// Host is the host it happened on; empty where it concerns the run.
	Host schema.HostName `json:"host,omitempty"`
	// Stage is the part of the work that begins: "connect", "prepare", "copy",
	// "payloads", "apply" and, within that, what the host reports, "health". Of a wave:
	// "soak", "health", "gate", "roll back"; the gate before the first wave has no wave.
	Stage string `json:"stage,omitempty"`
	// Change is a change just made or, in a dry run, one that would be made.
	Change *schema.Change `json:"change,omitempty"`
	// Note is a line for people.
	Note string `json:"note,omitempty"`
	// Output is a piece of what a command wrote on the host.
	Output *protocol.Output `json:"output,omitempty"`
	// Exit is how a command ended.
	Exit *schema.Exit `json:"exit,omitempty"`
	// Outcome is what became of the host.
	Outcome schema.Outcome `json:"outcome,omitempty"`
	// Error says why, where the host is not as the plan says or the run has halted.
	Error string `json:"error,omitempty"`
	// Seconds is the time that the host took.
	Seconds float64 `json:"seconds,omitempty"`
	// Verdict is the run's.
	Verdict schema.Verdict `json:"verdict,omitempty"`
}

// EventKind is what an event tells of.
type EventKind string

// The kinds of events.
const (
	RunStarted   EventKind = "run-started"
	WaveStarted  EventKind = "wave-started"
	RunHalted    EventKind = "halted"
	HostStarted  EventKind = "host-started"
	HostStage    EventKind = "stage"
	HostChange   EventKind = "change"
	HostNote     EventKind = "note"
	HostOutput   EventKind = "output"
	HostFinished EventKind = "host-finished"
	WaveStage    EventKind = "wave-stage"
	HostUnwell   EventKind = "host-unhealthy"

	HostReturning EventKind = "host-returning"
	HostReturned  EventKind = "host-returned"
	RunFinished   EventKind = "run-finished"
)
