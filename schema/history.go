package schema

import "time"

// HistoryKind and HistoryVersion head what `nixfleet history --json` prints.
const (
	HistoryKind    = "nixfleet.history"
	HistoryVersion = 1
)

// History is what hosts remember of their changes.
type History struct {
	// Kind is always "nixfleet.history".
	Kind string `json:"kind"`
	// Version is the format's version, 1.
	Version int `json:"version"`
	// Fleet is the fleet's name; empty when it has none.
	Fleet string `json:"fleet,omitempty"`
	// Hosts are the hosts that were asked for.
	Hosts map[HostName]HostHistory `json:"hosts"`
}

// HostHistory is what one host remembers.
type HostHistory struct {
	// Error says why the host could not be asked; absent where it was.
	Error string `json:"error,omitempty"`
	// Hint is what to type or do about the error; may be absent.
	Hint string `json:"hint,omitempty"`
	// Entries are changes that have ended, the newest first.
	Entries []HistoryEntry `json:"entries"`
	// Generations are those that the host keeps, the newest first: what it can be
	// rolled back to.
	Generations []KeptGeneration `json:"generations"`
}

// KeptGeneration is a manifest that a host was and that it keeps, with all it needs.
type KeptGeneration struct {
	// Generation is its number.
	Generation int `json:"generation"`
	// InEffect says that the host is this one.
	InEffect bool `json:"inEffect,omitempty"`
	// RollbackTo is the generation that it has brought back; absent where it is of a plan.
	RollbackTo int `json:"rollbackTo,omitempty"`
	// Manifest is the manifest's hash.
	Manifest Digest `json:"manifest"`
	// Plan is the digest of the plan it came with, and Revision its source's.
	Plan     Digest `json:"plan,omitempty"`
	Revision string `json:"revision,omitempty"`
	// Run and Operator are who applied it.
	Run      string `json:"run"`
	Operator string `json:"operator"`
	// At is when, by the host's clock.
	At time.Time `json:"at"`
}
