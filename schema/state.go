package schema

import "time"

// StateKind and StateVersion head a host's state file.
const (
	StateKind    = "nixfleet.state"
	StateVersion = 2
)

// State is a host's /var/lib/nixfleet/state.json: what was applied last and what
// on the host belongs to NixFleet. Its replacement, atomic and durable, is what
// commits a transaction: until then it says exactly what was before. Each version
// of the helper reads what the versions before it have written.
type State struct {
	// Kind is always "nixfleet.state".
	Kind string `json:"kind"`
	// Version is the format's version, 2.
	Version int `json:"version"`
	// Host is the name under which the fleet knows the host.
	Host HostName `json:"host"`
	// Applied tells of the last transaction that was committed; absent before the first.
	Applied *Applied `json:"applied,omitempty"`
	// Owned is everything on the host that NixFleet made or adopted, by kind ("file", "user",
	// …) and name, with what was there before. Unit files and their links are files.
	Owned Owned `json:"owned"`
	// LastOSUpdate is when apt or a new NixOS system was last applied, with a summary.
	LastOSUpdate *OSUpdateState `json:"lastOSUpdate,omitempty"`
	// Reboot tells whether a reboot is needed, as seen at the last transaction.
	Reboot RebootState `json:"reboot"`
	// Units is the health of the managed units at the end of the last transaction.
	Units map[UnitName]UnitState `json:"units"`
}

// Applied tells of the last transaction that was committed.
type Applied struct {
	// Generation is NixFleet's own count of the manifests that the host was. Where the
	// manifest has a closure, the generation of the host's profile has the same number.
	Generation int `json:"generation"`
	// Manifest is the hash of the manifest that the host is.
	Manifest Digest `json:"manifest"`
	// Plan is the digest of the plan it came with; empty for a rollback to a
	// generation whose plan is not known.
	Plan Digest `json:"plan,omitempty"`
	// Transaction names the transaction that was committed, a directory in
	// /var/lib/nixfleet/transactions. By it an interrupted transaction learns whether
	// it is to be finished or undone.
	Transaction string `json:"transaction"`
	// Run is the execution that applied it.
	Run string `json:"run"`
	// Operator is who ran it.
	Operator string `json:"operator"`
	// At is when it was done, by the host's clock.
	At time.Time `json:"at"`
	// Verified are the paths of the closure whose content this host has checked
	// against their NAR hashes.
	Verified []StorePath `json:"verified,omitempty"`
}

// Owned is what belongs to NixFleet on a host, by kind and name, each with what was
// there before it was adopted. Unit files and their links are files, and parents that
// were made on the way are directories.
type Owned map[string]map[string]Original

// Set notes that an object belongs to NixFleet.
func (o Owned) Set(kind, name string, original Original) {
	if o[kind] == nil {
		o[kind] = map[string]Original{}
	}
	o[kind][name] = original
}

// The kinds of managed things, as changes, drift and the state name them.
const (
	KindGroup     = "group"
	KindUser      = "user"
	KindDirectory = "directory"
	KindFile      = "file"
	KindUnit      = "unit"
	KindProfile   = "profile"
)

// Original is what an adopted object was before. The zero value says that there
// was nothing: NixFleet made it.
type Original struct {
	// Adopted says that the object was there before.
	Adopted bool `json:"adopted,omitempty"`
	// Declared says that a directory has the mode and owner that were declared for
	// it. One that was only made on the way to something keeps what it is given.
	Declared bool `json:"declared,omitempty"`
	// Active says that a unit ran whose file was replaced, hidden or masked.
	Active bool `json:"active,omitempty"`
	// Content is the blob of an adopted file's content in /var/lib/nixfleet/blobs.
	Content Digest `json:"content,omitempty"`
	// Symlink is an adopted link's target.
	Symlink string `json:"symlink,omitempty"`
	// Mode, UID and GID are an adopted file's or directory's.
	Mode Mode `json:"mode,omitempty"`
	UID  int  `json:"uid,omitempty"`
	GID  int  `json:"gid,omitempty"`
	// User is what an adopted user was.
	User *OriginalUser `json:"user,omitempty"`
}

// OriginalUser is what an adopted user was before.
type OriginalUser struct {
	// Group is the primary group.
	Group AccountName `json:"group"`
	// ExtraGroups are the groups that listed the user, sorted.
	ExtraGroups []AccountName `json:"extraGroups"`
	// Home, Shell and Description are the entries in /etc/passwd.
	Home        string `json:"home"`
	Shell       string `json:"shell"`
	Description string `json:"description"`
}

// OSUpdateState tells of the last update of the operating system's packages.
type OSUpdateState struct {
	// At is when, by the host's clock.
	At time.Time `json:"at"`
	// Summary is for people: "12 packages, 3 of them security".
	Summary string `json:"summary"`
}

// RebootState tells whether a host needs a reboot.
type RebootState struct {
	// Needed says that a reboot is needed.
	Needed bool `json:"needed"`
	// Because are the reasons: package names, or "kernel 6.8.0-31 runs, 6.8.0-40 is installed".
	Because []string `json:"because,omitempty"`
}

// UnitState is a unit's health.
type UnitState struct {
	// Active is systemd's ActiveState: "active", "failed", ….
	Active string `json:"active"`
	// Sub is systemd's SubState: "running", "dead", ….
	Sub string `json:"sub"`
}

// HistoryEntry is a line of a host's /var/lib/nixfleet/history.jsonl: a transaction
// that has ended, or a reboot that was asked for. A last line that is torn, after a
// power cut, is none.
type HistoryEntry struct {
	// At is when it ended, or was asked for, by the host's clock.
	At time.Time `json:"at"`
	// Transaction is its name; absent for a reboot.
	Transaction string `json:"transaction,omitempty"`
	// Kind is what it was for: "apply", "rollback", "release" or "reboot".
	Kind string `json:"kind"`
	// Boot is the boot that a reboot was to end; absent for others.
	Boot string `json:"boot,omitempty"`
	// RollbackTo is the generation that a rollback was to bring back; absent for others.
	RollbackTo int `json:"rollbackTo,omitempty"`
	// Run and Operator are who asked for it.
	Run      string `json:"run"`
	Operator string `json:"operator"`
	// Generation is the generation in effect afterwards; 0 where there is none.
	Generation int `json:"generation"`
	// Manifest is the hash of the manifest that the host was to become; of a reboot, of
	// the one that was applied, and absent where none was.
	Manifest Digest `json:"manifest,omitempty"`
	// Plan is the digest of the plan it came with, and Revision its source's.
	Plan     Digest `json:"plan,omitempty"`
	Revision string `json:"revision,omitempty"`
	// Verdict is how it ended: "applied", "unchanged", "refused", "rolled-back" or
	// "failed"; of a reboot, "asked".
	Verdict string `json:"verdict"`
	// Failure says why it was not applied.
	Failure string `json:"failure,omitempty"`
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
