package schema

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
