package schema

import "time"

// StatusKind and StatusVersion head what `nixfleet status --json` prints.
const (
	StatusKind    = "nixfleet.status"
	StatusVersion = 1
)

// Status is how the hosts of a fleet are, as they were seen in one look.
type Status struct {
	// Kind is always "nixfleet.status".
	Kind string `json:"kind"`
	// Version is the format's version, 1.
	Version int `json:"version"`
	// At is when the look began, by this machine's clock.
	At time.Time `json:"at"`
	// Seconds is how long it took.
	Seconds float64 `json:"seconds"`
	// Fleet is the fleet's name; empty when it has none.
	Fleet string `json:"fleet,omitempty"`
	// Plan is the digest of the plan that hosts were compared with; absent where
	// there was none.
	Plan Digest `json:"plan,omitempty"`
	// Hosts are the hosts that were asked for.
	Hosts map[HostName]HostStatus `json:"hosts"`
}

// HostStatus is how one host is.
type HostStatus struct {
	// Condition sums it up.
	Condition Condition `json:"condition"`
	// Because says what is the matter, the worst first, for people. Empty: nothing is.
	Because []string `json:"because"`
	// Notes are worth knowing and nothing to act upon, for people.
	Notes []string `json:"notes,omitempty"`
	// Error says why the host could not be asked; absent where it was.
	Error string `json:"error,omitempty"`
	// Hint is what to type or do about the error; may be absent.
	Hint string `json:"hint,omitempty"`
	// Wanted is the manifest that the plan has for the host; absent without a plan.
	Wanted Digest `json:"wanted,omitempty"`
	// AsPlanned says that the host has that manifest and nothing has drifted from
	// it; absent without a plan, and where the host could not be asked or not be seen whole.
	AsPlanned *bool `json:"asPlanned,omitempty"`
	// ClockSkewSeconds is how far the host's clock is ahead of this machine's.
	ClockSkewSeconds float64 `json:"clockSkewSeconds"`
	// Seconds is how long the host took to answer.
	Seconds float64 `json:"seconds"`
	// Observation is what the host told; absent where it could not be asked.
	Observation *Observation `json:"observation,omitempty"`
}

// Condition sums up how a host is.
type Condition string

// The conditions, from the best to the worst.
const (
	// Well: the host is as it was applied, and nothing needs a look.
	Well Condition = "ok"
	// Attention: something wants a look, and nothing is broken: drift, another plan
	// than the wanted one, a reboot that is due, little room, a clock that is off.
	Attention Condition = "attention"
	// Failing: something is broken: a unit that failed or does not run, a change that was
	// interrupted or failed, a disk that is full.
	Failing Condition = "failing"
	// Unseen: the host can be reached and could not be asked.
	Unseen Condition = "unseen"
	// Unreachable: the host could not be reached.
	Unreachable Condition = "unreachable"
)
