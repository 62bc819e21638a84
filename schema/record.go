package schema

import "time"

// RecordKind and RecordVersion head the record of a run.
const (
	RecordKind    = "nixfleet.record"
	RecordVersion = 2
)

// Record tells what an execution did. It is written on the controller.
type Record struct {
	// Kind is always "nixfleet.record".
	Kind string `json:"kind"`
	// Version is the format's version, 2.
	Version int `json:"version"`
	// Run identifies the execution: a time-ordered random word.
	Run string `json:"run"`
	// Operation is what the run did if it did not carry out a plan, and Task says it for
	// people: "rollback to previous", "task rotate-logs", "command uptime" (without its
	// arguments). Both are absent for a plan.
	Operation Operation `json:"operation,omitempty"`
	Task      string    `json:"task,omitempty"`
	// Digest is the digest of the plan; absent where there was none.
	Digest Digest `json:"digest,omitempty"`
	// Fleet is the plan's fleet.
	Fleet string `json:"fleet"`
	// Operator is who started the run: "user@machine".
	Operator string `json:"operator"`
	// Started and Finished bound the run. Finished is absent while it runs.
	Started  time.Time  `json:"started"`
	Finished *time.Time `json:"finished,omitempty"`
	// Verdict is the whole run's; absent while it runs.
	Verdict Verdict `json:"verdict,omitempty"`
	// Halted says why no more hosts began if policy or the operator halted the run, and
	// HaltReason is that for programs.
	Halted     string `json:"halted,omitempty"`
	HaltReason Reason `json:"haltReason,omitempty"`
	// Hosts are the hosts of the plan that the run was asked to take.
	Hosts map[HostName]HostRecord `json:"hosts"`
}

// Verdict is the outcome of a run.
type Verdict string

// The verdicts of a run.
const (
	// Done: every host asked for is as the plan says.
	Done Verdict = "done"
	// Failed: at least one host failed or is in doubt.
	Failed Verdict = "failed"
	// Halted: policy or the operator stopped the run before every host was taken.
	Halted Verdict = "halted"
	// Held: hosts are held for a later execution, as the plan says of those that cannot
	// be reached, or their reboots are, for a window; every other is as the plan says.
	Held Verdict = "held"
	// Refused: nothing was touched.
	Refused Verdict = "refused"
)

// HostRecord is what a run did to one host.
type HostRecord struct {
	// Outcome is the host's verdict.
	Outcome Outcome `json:"outcome"`
	// Generation is the profile generation after the run; 0 where it is unknown.
	Generation int `json:"generation,omitempty"`
	// Changes are what was changed, in order.
	Changes []Change `json:"changes,omitempty"`
	// Exit is how the command or task ended; absent where none ran to its end.
	Exit *Exit `json:"exit,omitempty"`
	// Reboot tells of the host's reboot; absent where the plan lets it not reboot, or its
	// turn did not come so far.
	Reboot *RebootRecord `json:"reboot,omitempty"`
	// Error says why the host failed, was refused or is in doubt.
	Error string `json:"error,omitempty"`
	// Hint says what to type or do about it, one hint a line.
	Hint string `json:"hint,omitempty"`
	// Reason is why, for programs.
	Reason Reason `json:"reason,omitempty"`
	// LockedBy is the run that has the host.
	LockedBy string `json:"lockedBy,omitempty"`
	// FailedUnits are the units that failed and so undid the change.
	FailedUnits []UnitName `json:"failedUnits,omitempty"`
	// Seconds is the time the host took.
	Seconds float64 `json:"seconds"`
}

// RebootRecord is what became of a host's reboot.
type RebootRecord struct {
	// State says what became of it.
	State RebootOutcome `json:"state"`
	// Because are the reasons for which the host needs or needed it.
	Because []string `json:"because,omitempty"`
	// Until is when a reboot that is held may begin at the earliest; absent where only
	// an operator can tell.
	Until *time.Time `json:"until,omitempty"`
	// Before and After are the boots before and after it.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Seconds is how long the host was away.
	Seconds float64 `json:"seconds,omitempty"`
	// Error says why it is held or failed, and Hint what to do about it, one hint a line.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

// RebootOutcome is what became of a reboot.
type RebootOutcome string

// The outcomes of a reboot.
const (
	// RebootNotNeeded: nothing asks for a reboot.
	RebootNotNeeded RebootOutcome = "not-needed"
	// RebootDone: the host came back in another boot, stayed well, and its hooks ran.
	RebootDone RebootOutcome = "done"
	// RebootHeld: it is needed and has not begun, because no window is open, or another
	// controller has as many hosts down as may be.
	RebootHeld RebootOutcome = "held"
	// RebootFailed: a hook failed, the host did not come back in time, or not well.
	RebootFailed RebootOutcome = "failed"
)

// Exit is how a command ended.
type Exit struct {
	// Status is its exit status; 0 where a signal ended it.
	Status int `json:"status"`
	// Signal is the number of the signal that ended it; absent where none did.
	Signal int `json:"signal,omitempty"`
	// TimedOut says that it was ended because it took too long.
	TimedOut bool `json:"timedOut,omitempty"`
	// Dropped is how many bytes of its output were not passed on, because it was too much.
	Dropped int64 `json:"dropped,omitempty"`
}

// Outcome is what became of one host in a run.
type Outcome string

// The outcomes of a host.
const (
	// HostChanged: the host was changed and is as the plan says.
	HostChanged Outcome = "changed"
	// HostUnchanged: the host was as the plan says already.
	HostUnchanged Outcome = "unchanged"
	// HostRan: the command or task of the run ended well on it.
	HostRan Outcome = "ran"
	// HostRolledBack: the change failed or was not confirmed, or was taken back because
	// the rollout failed, and the host is as it was before; the error says why.
	HostRolledBack Outcome = "rolled-back"
	// HostUnhealthy: the host is as the plan says, and a health check says that it is not
	// well. A check that fails on the host before its change is confirmed undoes the change.
	HostUnhealthy Outcome = "unhealthy"
	// HostFailed: the change failed and could not be undone; the error says what is
	// not as it was before. Of a command or task: it did not end well.
	HostFailed Outcome = "failed"
	// HostRefused: the host was not touched, because something was not as it must be.
	HostRefused Outcome = "refused"
	// HostUnreachable: the host could not be reached and was not touched.
	HostUnreachable Outcome = "unreachable"
	// HostUnknown: the link was lost during the change and the outcome could not be observed.
	HostUnknown Outcome = "unknown"
	// HostHeld: the host was not attempted.
	HostHeld Outcome = "held"
)
