package protocol

import "github.com/nixfleet/nixfleet/schema"

// OpHealth asks the health checks of what was applied to the host, those that are
// asked on it. It needs no hello before it and takes no lock. What it changes is what
// the checks' commands do.
const OpHealth Op = "health"

// Health asks a host whether it is well.
type Health struct {
	Version  int             `json:"version"`
	Host     schema.HostName `json:"host"`
	Operator string          `json:"operator"`
	// Manifest is the one whose checks are meant. On a host on which another was applied
	// meanwhile nothing is asked.
	Manifest schema.Digest `json:"manifest"`
}

// HealthReply tells how it is.
type HealthReply struct {
	// Failure says what is not well; empty where all is.
	Failure string `json:"failure,omitempty"`
}
