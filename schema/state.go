package schema

import "time"

// StateKind and StateVersion head a host's state file.
const (
	StateKind    = "nixfleet.state"
	StateVersion = 1
)

// State is a host's /var/lib/nixfleet/state.json: what was applied last and what
// on the host belongs to NixFleet. It is replaced atomically at the end of an
// apply, and before the first change with what is about to become ours.
type State struct {
	// Kind is always "nixfleet.state".
	Kind string `json:"kind"`
	// Version is the format's version, 1.
	Version int `json:"version"`
	// Host is the name under which the fleet knows the host.
	Host HostName `json:"host"`
	// Applied tells of the last apply that succeeded; absent before the first.
	Applied *Applied `json:"applied,omitempty"`
	// Pending tells of an apply that began and has not succeeded; absent otherwise.
	Pending *Pending `json:"pending,omitempty"`
	// Owned is everything on the host that NixFleet made or adopted.
	Owned Owned `json:"owned"`
	// LastOSUpdate is when apt or a new NixOS system was last applied, with a summary.
	LastOSUpdate *OSUpdateState `json:"lastOSUpdate,omitempty"`
	// Reboot tells whether a reboot is needed, as seen at the last apply.
	Reboot RebootState `json:"reboot"`
	// Units is the health of the managed units at the end of the last apply.
	Units map[UnitName]UnitState `json:"units"`
}

// Applied tells of a successful apply.
type Applied struct {
	// Generation is the number of the profile generation.
	Generation int `json:"generation"`
	// Manifest is the hash of the manifest that the host is.
	Manifest Digest `json:"manifest"`
	// Plan is the digest of the plan it came with.
	Plan Digest `json:"plan"`
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

// Pending tells of an apply that has begun.
type Pending struct {
	// Manifest is the hash of the manifest the host is becoming.
	Manifest Digest `json:"manifest"`
	// Plan is the digest of its plan.
	Plan Digest `json:"plan"`
	// Run is the execution.
	Run string `json:"run"`
	// Since is when it began, by the host's clock.
	Since time.Time `json:"since"`
	// Restart are units that must still be restarted or started for changes already made.
	Restart []UnitName `json:"restart,omitempty"`
	// Reload are units that must still be reloaded for changes already made.
	Reload []UnitName `json:"reload,omitempty"`
	// Staging are the directories in which files were prepared.
	Staging []string `json:"staging,omitempty"`
	// Failure is what the apply said when it failed; empty where it is at work or
	// was cut off.
	Failure string `json:"failure,omitempty"`
}

// Owned is what belongs to NixFleet on a host, each with what was there before
// where it was adopted.
type Owned struct {
	// Files are files and links by path, unit files and their links included.
	Files map[string]Original `json:"files"`
	// Directories are directories by path, parents that were made on the way included.
	Directories map[string]Original `json:"directories"`
	// Users are users that NixFleet created or adopted.
	Users map[AccountName]Original `json:"users"`
	// Groups are groups that NixFleet created or adopted.
	Groups map[AccountName]Original `json:"groups"`
}

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
