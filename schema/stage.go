package schema

import "slices"

// Stage is a part of the work on a host or a wave: what an event says begins.
type Stage string

// The stages. Everything that names one uses these constants, and [Stages] has their order.
const (
	// StageConnect opens the connection to the host.
	StageConnect Stage = "connect"
	// StagePrepare hands the helper the host's part of the plan and compares.
	StagePrepare Stage = "prepare"
	// StageCopy copies store paths to the host, or lets the host fetch them.
	StageCopy Stage = "copy"
	// StagePayloads sends the contents of files that the host does not have.
	StagePayloads Stage = "payloads"
	// StageHook runs a hook of the plan; the event's note names it.
	StageHook Stage = "hook"
	// StageApply starts the change on the host.
	StageApply Stage = "apply"
	// StageStaging writes new contents next to where they belong.
	StageStaging Stage = "stage"
	// StageValidate runs the commands that check staged files.
	StageValidate Stage = "validate"
	// StageStop stops units that must not run during the change.
	StageStop Stage = "stop"
	// StageOSUpdate changes the packages of the operating system.
	StageOSUpdate Stage = "os-update"
	// StageAccounts changes users and groups.
	StageAccounts Stage = "accounts"
	// StageFiles changes files and directories.
	StageFiles Stage = "files"
	// StageProfile switches the Nix profile.
	StageProfile Stage = "profile"
	// StageUnits starts, restarts and reloads units.
	StageUnits Stage = "units"
	// StageSettle waits until units, or a host after its reboot, have stayed up for a while.
	StageSettle Stage = "settle"
	// StageHealth runs health checks: of a host, or of all hosts of a wave.
	StageHealth Stage = "health"
	// StageConfirm waits for the controller to connect again and confirm the change.
	StageConfirm Stage = "confirm"
	// StageUndo undoes the change.
	StageUndo Stage = "undo"
	// StageReconnect opens another connection after one was lost during the change.
	StageReconnect Stage = "reconnect"
	// StageWindow waits for a window of the host's reboot.
	StageWindow Stage = "window"
	// StageSlot waits until one more host may be down.
	StageSlot Stage = "slot"
	// StageDrain runs the hooks before the reboot.
	StageDrain Stage = "drain"
	// StageReboot tells the host to reboot.
	StageReboot Stage = "reboot"
	// StageReturn waits for the host to come back from its reboot.
	StageReturn Stage = "return"
	// StageLeave removes NixFleet's own files from the host.
	StageLeave Stage = "leave"
	// StageRun runs a task or a command of the operator.
	StageRun Stage = "run"
	// StageGate asks the fleet's gate; before the first wave the event names no wave.
	StageGate Stage = "gate"
	// StageSoak watches a wave before the next one begins.
	StageSoak Stage = "soak"
	// StageRollback rolls back the hosts of a wave.
	StageRollback Stage = "rollback"
)

// Stages are all stages in their order: those of a host, then those of a wave.
var Stages = []Stage{
	StageConnect, StagePrepare, StageCopy, StagePayloads, StageHook, StageApply,
	StageStaging, StageValidate, StageStop, StageOSUpdate, StageAccounts, StageFiles, StageProfile, StageUnits,
	StageSettle, StageHealth, StageConfirm, StageUndo, StageReconnect,
	StageWindow, StageSlot, StageDrain, StageReboot, StageReturn, StageLeave, StageRun,
	StageGate, StageSoak, StageRollback,
}

// Order is the stage's place in [Stages]; -1 if it is none of them.
func (s Stage) Order() int { return slices.Index(Stages, s) }

// OfHost reports whether a single host can be in the stage.
func (s Stage) OfHost() bool { return s.IsKnown() && s.Order() < StageGate.Order() }

// OfWave reports whether a wave as a whole can be in the stage.
func (s Stage) OfWave() bool { return s.Order() >= StageGate.Order() || s == StageHealth }
