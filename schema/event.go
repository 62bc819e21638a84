package schema

import "time"

// EventVersion is the version of the event stream's format.
const EventVersion = 2

// Event is something that happened during a run: a line of what `--json` prints.
type Event struct {
	// Time is when, by the controller's clock.
	Time time.Time `json:"time"`
	// Run is the run.
	Run string `json:"run"`
	// Kind says what happened, and so which fields are set.
	Kind EventKind `json:"kind"`
	// Version is the format's version, 2; of the run's beginning only.
	Version int `json:"version,omitempty"`
	// Digest is the plan's, and Hosts is how many of its hosts the run takes; of the
	// run's beginning only.
	Digest Digest `json:"digest,omitempty"`
	Hosts  int    `json:"hosts,omitempty"`
	// Wave is the wave that begins, ends or is worked on; of a host's beginning, its wave.
	Wave string `json:"wave,omitempty"`
	// Host is the host it happened on; absent where it concerns the run.
	Host HostName `json:"host,omitempty"`
	// Stage is the stage that begins, of the host or, in a "wave-stage" event, of the wave.
	// The note of "hook" is the hook's name. The gate before the first wave has no wave.
	Stage Stage `json:"stage,omitempty"`
	// Until is when a wait ends at the latest: a soak, a reboot's deadline, a window.
	Until *time.Time `json:"until,omitempty"`
	// Change is a change just made or, in a dry run, one that would be made.
	Change *Change `json:"change,omitempty"`
	// Note is a line for people.
	Note string `json:"note,omitempty"`
	// Output is a piece of what a command wrote on the host.
	Output *Output `json:"output,omitempty"`
	// Exit is how a command ended.
	Exit *Exit `json:"exit,omitempty"`
	// Outcome is what became of the host.
	Outcome Outcome `json:"outcome,omitempty"`
	// Reboot tells of the host's reboot, where it may reboot: of a note, when it is back
	// or stays as it is, and once more with its outcome.
	Reboot *RebootRecord `json:"reboot,omitempty"`
	// Error says why the host is not as the plan says or the run has halted, Hint what to do
	// about it, one hint a line, and Reason is why for programs.
	Error  string `json:"error,omitempty"`
	Hint   string `json:"hint,omitempty"`
	Reason Reason `json:"reason,omitempty"`
	// Seconds is the time that the host took.
	Seconds float64 `json:"seconds,omitempty"`
	// Verdict is the run's.
	Verdict Verdict `json:"verdict,omitempty"`
}

// Output is a piece of what a command wrote.
type Output struct {
	// Stderr says that it was to standard error, and not to standard output.
	Stderr bool `json:"stderr,omitempty"`
	// Data are the bytes, in base64.
	Data []byte `json:"data"`
}

// EventKind is what an event tells of.
type EventKind string

// The kinds of events.
const (
	// RunStarted: the run begins, or goes on where it was resumed.
	RunStarted EventKind = "run-started"
	// WaveStarted: the first host of the wave may begin.
	WaveStarted EventKind = "wave-started"
	// WaveStage: a part of a wave's work begins that is no single host's.
	WaveStage EventKind = "wave-stage"
	// WaveFinished: its hosts had their turns, and its soak and gate are over.
	WaveFinished EventKind = "wave-finished"
	// RunHalted: nothing more begins.
	RunHalted EventKind = "halted"
	// HostStarted: the host's turn begins.
	HostStarted EventKind = "host-started"
	// HostStage: a part of the host's work begins.
	HostStage EventKind = "stage"
	// HostChange: something was changed on the host.
	HostChange EventKind = "change"
	// HostNote: a line for people.
	HostNote EventKind = "note"
	// HostOutput: a command wrote something.
	HostOutput EventKind = "output"
	// HostFinished: the host's turn is over, or was over before the run was resumed.
	HostFinished EventKind = "host-finished"
	// HostUnwell: a host whose turn was over is not well any more.
	HostUnwell EventKind = "host-unhealthy"
	// HostReturning: the host begins to go back to what it was before the run.
	HostReturning EventKind = "host-returning"
	// HostReturned: it did, or could not.
	HostReturned EventKind = "host-returned"
	// RunFinished: the run has come to its end.
	RunFinished EventKind = "run-finished"
)
