package schema

import "time"

// JournalVersion is the version of the journal's format.
const JournalVersion = 2

// Entry is a line of a run's journal: what the controller must know to go on after it
// was killed. A line is on the disk before what it tells of begins or, of what has
// ended, before anything follows from it.
type Entry struct {
	// Time is when, by the controller's clock.
	Time time.Time `json:"time"`
	// Kind says what happened, and so which fields are set.
	Kind EntryKind `json:"kind"`
	// Run tells of the run as a whole; of its first line only.
	Run *Beginning `json:"run,omitempty"`
	// Operator is who resumed the run: "user@machine".
	Operator string `json:"operator,omitempty"`
	// Wave is the wave's name.
	Wave string `json:"wave,omitempty"`
	// Host is the host's name.
	Host HostName `json:"host,omitempty"`
	// Before is the host's generation before the run; 0 where it was not managed.
	Before int `json:"before,omitempty"`
	// Changed says that the run has changed the host, and so may take it back.
	Changed bool `json:"changed,omitempty"`
	// Hook is the moment whose hooks begin.
	Hook HookMoment `json:"hook,omitempty"`
	// Boot is the boot that shall end, or the new one.
	Boot string `json:"boot,omitempty"`
	// Record is what became of the host up to here.
	Record *HostRecord `json:"record,omitempty"`
	// Error says why the rollout halted, and Reason is that for programs.
	Error  string `json:"error,omitempty"`
	Reason Reason `json:"reason,omitempty"`
	// Verdict is the run's.
	Verdict Verdict `json:"verdict,omitempty"`
}

// Beginning is the head of a journal.
type Beginning struct {
	// Version is the format's version, 2.
	Version int `json:"version"`
	// Program is the version of NixFleet, which alone may resume the run.
	Program string `json:"program"`
	// ID identifies the run.
	ID string `json:"id"`
	// Digest is the plan's, and Fleet its fleet.
	Digest Digest `json:"digest"`
	Fleet  string `json:"fleet"`
	// Operator is who began the run: "user@machine".
	Operator string `json:"operator"`
	// Hosts are the hosts that the run takes.
	Hosts HostList `json:"hosts"`
	// Parallel is how many at once at most.
	Parallel int `json:"parallel"`
}

// EntryKind is what a journal's line tells of.
type EntryKind string

// The kinds of entries.
const (
	// RunBegun: the first line.
	RunBegun EntryKind = "run-begun"
	// RunResumed: another process goes on with the run from here.
	RunResumed EntryKind = "run-resumed"
	// WaveBegun: the first host of the wave may begin.
	WaveBegun EntryKind = "wave-begun"
	// WaveEnded: all its hosts had their turns, it has soaked, and the gate is open.
	WaveEnded EntryKind = "wave-ended"
	// RunHalting: nothing more begins, by policy.
	RunHalting EntryKind = "halted"
	// HostBegun: the host's turn begins.
	HostBegun EntryKind = "host-begun"
	// HostHooks: the host's hooks of a moment begin.
	HostHooks EntryKind = "host-hooks"
	// HostChanging: the host's change begins.
	HostChanging EntryKind = "host-changing"
	// HostRebooting: the host is about to be asked to reboot.
	HostRebooting EntryKind = "host-rebooting"
	// HostRebooted: it is back, in another boot.
	HostRebooted EntryKind = "host-rebooted"
	// HostGoingBack: the host is about to go back to what it was before the run.
	HostGoingBack EntryKind = "host-going-back"
	// HostEnded: the host's turn is over.
	HostEnded EntryKind = "host-ended"
	// HostAmended: what is known of a host whose turn was over is another thing now: it is
	// not well any more, or it went back.
	HostAmended EntryKind = "host-amended"
	// RunEnded: the run has come to its end, or was stopped by its operator.
	RunEnded EntryKind = "run-ended"
)
