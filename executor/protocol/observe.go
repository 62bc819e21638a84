package protocol

import "github.com/nixfleet/nixfleet/schema"

// OpObserve looks at the host: what was applied, whether that is still so and, with
// a part of a plan, what an execution of it would do. It needs no hello before it,
// takes no lock, and changes nothing, caches of the helper's own included.
const OpObserve Op = "observe"

// Observe looks at the host.
type Observe struct {
	Version  int             `json:"version"`
	Host     schema.HostName `json:"host"`
	Operator string          `json:"operator"`
	// Part is the host's part of a plan to compare with; absent for the state alone.
	Part *schema.Part `json:"part,omitempty"`
	// Back asks what going back would do, in the place of an execution; then there is
	// no part.
	Back *Back `json:"back,omitempty"`
	// Sensitive asks for the contents of files that not everybody on the host may read.
	Sensitive bool `json:"sensitive,omitempty"`
}

// ObserveReply tells what was seen.
type ObserveReply struct {
	Version int `json:"version"`
	// System is the host's CPU and kernel.
	System schema.System `json:"system"`
	// Observation is the host's state.
	Observation schema.Observation `json:"observation"`
	// Proposal is what an execution would do; absent where no part was given.
	Proposal *Proposal `json:"proposal,omitempty"`
	// Back is what going back means here; absent where nobody asked.
	Back *BackReply `json:"back,omitempty"`
}

// Proposal is what an execution of a part would do, as far as the host can tell.
type Proposal struct {
	// Refusals are the reasons for which it would refuse. Then the rest may be incomplete.
	Refusals []Refusal `json:"refusals"`
	// Notes are lines for people: what would be left alone, and why.
	Notes []string `json:"notes"`
	// Changes are what would be changed, in order, with the reason.
	Changes []schema.Change `json:"changes"`
	// Files tell more of those among them that are files, links, directories and units' texts.
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
	// Unit is the unit whose text the file is; empty for other files.
	Unit schema.UnitName `json:"unit,omitempty"`
	// Applied is what was applied there last, Live what is there, and Wanted what
	// shall be; nil where there is nothing.
	Applied *FileState `json:"applied,omitempty"`
	Live    *FileState `json:"live,omitempty"`
	Wanted  *FileState `json:"wanted,omitempty"`
	// Hidden says that not everybody on the host may read the file, as it is, was or
	// shall be: its contents are not shown unless somebody asks.
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
	// Content is a file's, where it is needed, may be told and is not too large.
	Content *schema.Payload `json:"content,omitempty"`
}
