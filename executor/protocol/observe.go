package protocol

import "github.com/nixfleet/nixfleet/schema"

// ObserveRequest looks at the host.
type ObserveRequest struct {
	// Part is the host's part of a plan to compare with; absent for the state alone.
	Part *PrepareRequest `json:"part,omitempty"`
	// Back asks what going back would do, in place of an execution; then there is no part.
	Back *BackRequest `json:"back,omitempty"`
	// Sensitive asks for the contents of files that not every account on the host may read.
	Sensitive bool `json:"sensitive,omitempty"`
}

// ObserveReply is what the helper saw.
type ObserveReply struct {
	// System is the host's CPU and kernel.
	System string `json:"system"`
	// Observation is the host's state.
	Observation schema.Observation `json:"observation"`
	// Proposal is what an execution would do; absent where the request had no part.
	Proposal *Proposal `json:"proposal,omitempty"`
	// Back is what going back means here; absent where the request did not ask.
	Back *BackReply `json:"back,omitempty"`
}

// Proposal is what an execution of a part would do, as far as the host can see.
type Proposal struct {
	// Refusals are the reasons why it would refuse. Then the rest may be incomplete.
	Refusals []Refusal `json:"refusals"`
	// Notes are lines for people: what would be left alone, and why.
	Notes []string `json:"notes"`
	// Changes are what would be changed, in order, with the reason.
	Changes []schema.Change `json:"changes"`
	// Files hold the details of changes to files, links, directories and unit files.
	Files []FileDetail `json:"files"`
	// MissingPaths are the paths of the closure that the host's store lacks.
	MissingPaths []schema.StorePath `json:"missingPaths"`
	// MissingPayloads are the payloads that the host lacks.
	MissingPayloads []schema.Digest `json:"missingPayloads"`
	// NewPaths are the paths of the closure that the one in effect does not have, and
	// OldPaths those that only that one has.
	NewPaths []schema.StorePath `json:"newPaths"`
	OldPaths []PathSize         `json:"oldPaths"`
}

// Refusal is a reason not to touch the host.
type Refusal struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// PathSize is a store path with the size of its content.
type PathSize struct {
	Path schema.StorePath `json:"path"`
	Size int64            `json:"size"`
}

// FileDetail is what an execution would do to one path.
type FileDetail struct {
	Path   string        `json:"path"`
	Action schema.Action `json:"action"`
	// Unit is the unit whose unit file it is; empty for other files.
	Unit schema.UnitName `json:"unit,omitempty"`
	// Applied is what was applied there last, Live what is there, and Wanted what the
	// part wants; nil where there is nothing.
	Applied *FileState `json:"applied,omitempty"`
	Live    *FileState `json:"live,omitempty"`
	Wanted  *FileState `json:"wanted,omitempty"`
	// Hidden says that not every account on the host may read the file, as it is, was or
	// will be: its contents are shown on request only.
	Hidden bool `json:"hidden,omitempty"`
}

// FileState is what stands at a path.
type FileState struct {
	// Type is "file", "directory", "symbolic link" or "special file".
	Type  string      `json:"type"`
	Mode  schema.Mode `json:"mode,omitempty"`
	Owner string      `json:"owner,omitempty"`
	Group string      `json:"group,omitempty"`
	// Target is a symbolic link's.
	Target string `json:"target,omitempty"`
	// Digest is of a file's content; empty where that is not on the host yet.
	Digest schema.Digest `json:"digest,omitempty"`
	Size   int64         `json:"size,omitempty"`
	// Source is the file in the closure that the content comes from.
	Source string `json:"source,omitempty"`
	// Content is a file's, where it is needed, may be shown and is not too large.
	Content *schema.Payload `json:"content,omitempty"`
}
