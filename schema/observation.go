package schema

import (
	"fmt"
	"strings"
	"time"
)

// Observation is what a host tells of itself when it is only looked at: nothing
// on it was changed, and no lock was taken.
type Observation struct {
	// At is the host's clock when it answered.
	At time.Time `json:"at"`
	// BootID is the kernel's id of the running boot.
	BootID string `json:"bootID,omitempty"`
	// UptimeSeconds is how long ago the host booted.
	UptimeSeconds int64 `json:"uptimeSeconds,omitempty"`
	// OS is for people: "Debian GNU/Linux 12 (bookworm)".
	OS string `json:"os"`
	// Kernel is the release of the running kernel.
	Kernel string `json:"kernel,omitempty"`
	// Helper is the hash of the helper that answered.
	Helper Digest `json:"helper"`
	// Name is the name under which the host was applied last; empty before that.
	Name HostName `json:"name,omitempty"`
	// Applied tells of the last apply that succeeded; absent before the first. The
	// verified store paths are left out.
	Applied *Applied `json:"applied,omitempty"`
	// Lease tells who may work on the host; absent where nobody does.
	Lease *Holder `json:"lease,omitempty"`
	// Unfinished tells of a change that began and has not come to its end; absent
	// where there is none.
	Unfinished *Unfinished `json:"unfinished,omitempty"`
	// LastChange is how the last change ended that was begun on the host, whatever
	// came of it; absent before the first, and where the host does not remember.
	LastChange *LastChange `json:"lastChange,omitempty"`
	// Drift is what is not as it was applied. Empty: everything is.
	Drift []Drift `json:"drift"`
	// Units are the managed units that are enabled, by name.
	Units []ObservedUnit `json:"units"`
	// Reboot tells whether a reboot is needed.
	Reboot RebootState `json:"reboot"`
	// LastOSUpdate is the last update of the operating system's packages that the
	// host's records tell of; absent where they tell of none.
	LastOSUpdate *OSUpdateState `json:"lastOSUpdate,omitempty"`
	// Disks are the file systems that NixFleet writes to, each once.
	Disks []Disk `json:"disks"`
	// Problems are what could not be looked at, each with the reason. Empty:
	// everything was.
	Problems []string `json:"problems,omitempty"`
}

// Holder tells who has a host.
type Holder struct {
	// Run is the execution.
	Run string `json:"run"`
	// Operator is who runs it.
	Operator string `json:"operator"`
	// Since is since when, by the host's clock.
	Since time.Time `json:"since"`
}

// Unfinished tells of a change of a host that has not come to its end.
type Unfinished struct {
	// Transaction names the change on the host.
	Transaction string `json:"transaction"`
	// Run is the execution it belongs to, and Operator who runs it.
	Run      string `json:"run"`
	Operator string `json:"operator"`
	// State is "live", "waits for confirmation" or "interrupted": nobody works on it,
	// and it is finished or undone at the next chance.
	State string `json:"state"`
	// Phase is the part of the work it was in when it last said so; may be absent.
	Phase Stage `json:"phase,omitempty"`
	// Failure says what could not be undone, where that was tried; absent otherwise.
	Failure string `json:"failure,omitempty"`
}

// LastChange is how a change of a host ended.
type LastChange struct {
	// Run is the execution it belonged to, and Operator who ran it.
	Run      string `json:"run"`
	Operator string `json:"operator"`
	// Outcome is "applied", "unchanged", "refused", "rolled-back" or "failed": the
	// last one left the host between two states.
	Outcome string `json:"outcome"`
	// At is when it ended, by the host's clock.
	At time.Time `json:"at"`
	// Message says why it was refused, rolled back or failed; absent otherwise.
	Message string `json:"message,omitempty"`
}

// ObservedUnit is an enabled unit of the manifest that was applied last.
type ObservedUnit struct {
	// Name is the unit's name.
	Name UnitName `json:"name"`
	// Active is systemd's ActiveState: "active", "failed", ….
	Active string `json:"active"`
	// Sub is systemd's SubState: "running", "auto-restart", ….
	Sub string `json:"sub"`
	// Unwell says what is wrong with the unit, for people; empty where nothing is.
	Unwell string `json:"unwell,omitempty"`
}

// Disk is a file system.
type Disk struct {
	// Paths are the directories that were asked about and lie on it.
	Paths []string `json:"paths"`
	// Free are the free bytes, and Size all of them.
	Free int64 `json:"free"`
	Size int64 `json:"size"`
}

// Drift is one managed object that is not as it was applied.
type Drift struct {
	// Kind is the object's kind: "file", "directory", "user", "group", "unit",
	// "profile" or "store path".
	Kind string `json:"kind"`
	// Object is the object's path or name.
	Object string `json:"object"`
	// Differences say what is different.
	Differences []Difference `json:"differences"`
	// Stays says that an execution leaves it as it is: somebody added something
	// beside what is managed.
	Stays bool `json:"stays,omitempty"`
}

// Difference is one property that is not what it was.
type Difference struct {
	// Property is the property's name: "content", "mode", "owner", "shell", "enabled", ….
	Property string `json:"property"`
	// Was is what was applied.
	Was string `json:"was"`
	// Is is what is there.
	Is string `json:"is"`
}

// String returns a drift for people: "file /etc/app.conf: content edited, mode 0640 -> 0666".
func (d Drift) String() string {
	texts := make([]string, len(d.Differences))
	for i, difference := range d.Differences {
		texts[i] = difference.String()
	}
	return fmt.Sprintf("%s %s: %s", d.Kind, d.Object, strings.Join(texts, ", "))
}

// The properties of which people are told in words of their own.
const (
	// PropertyContent is a file's content; its values are digests.
	PropertyContent = "content"
	// PropertyType is what stands there: "file", "symbolic link to /x", "nothing".
	PropertyType = "type"
	// PropertyActive is how a unit runs: "active", "failed (exit-code)".
	PropertyActive = "active"
	// PropertyEnabled and PropertyMasked are "yes" or "no", with more after a comma.
	PropertyEnabled = "enabled"
	PropertyMasked  = "masked"
	// PropertyDropIn is the path of a text that changes a unit.
	PropertyDropIn = "drop-in"
	// PropertyObstacle is a sentence about what stands in the way.
	PropertyObstacle = "obstacle"
)

// String returns a difference for people.
func (d Difference) String() string {
	switch d.Property {
	case PropertyContent:
		return "content was edited"
	case PropertyType:
		if d.Is == "nothing" {
			return "is missing"
		}
		return "is a " + d.Is + " instead of a " + d.Was
	case PropertyActive:
		return "is " + d.Is + " instead of " + d.Was
	case PropertyEnabled, PropertyMasked:
		answer, more, _ := strings.Cut(d.Is, ", ")
		text := "is " + d.Property
		if answer == "no" {
			text = "is not " + d.Property
		}
		if more != "" {
			text += ": " + more
		}
		return text
	case PropertyDropIn:
		return "has a drop-in of somebody else's, " + d.Is
	case PropertyObstacle:
		return d.Is
	}
	return d.Property + " " + d.Was + " -> " + d.Is
}
