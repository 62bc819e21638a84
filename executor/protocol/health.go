package protocol

import "github.com/nixfleet/nixfleet/schema"

// HealthRequest asks a host for its health.
type HealthRequest struct {
	// Manifest is the one whose checks to run. A host where another was applied since
	// refuses.
	Manifest schema.Digest `json:"manifest"`
}

// HealthReply is the result.
type HealthReply struct {
	// Failure says which check failed and why; empty where all passed.
	Failure string `json:"failure,omitempty"`
}
