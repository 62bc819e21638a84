package schema

// Reason says why a host is not as the run should have left it, or why a run halted, for
// whatever decides what to do about it. Where the outcome says enough there is none.
type Reason string

// The reasons.
const (
	// ReasonLocked: another run has the host; LockedBy names it.
	ReasonLocked Reason = "locked"
	// ReasonOffline: the host cannot be reached, and the plan holds it for a later execution.
	ReasonOffline Reason = "offline"
	// ReasonOvertaken: something else was applied to the host after this run changed it.
	ReasonOvertaken Reason = "overtaken"
	// ReasonRolloutHalted: nothing is wrong with the host; the rollout halted.
	ReasonRolloutHalted Reason = "rollout-halted"
	// ReasonRollbackPending: the host is still to be rolled back; resuming the run does it.
	ReasonRollbackPending Reason = "rollback-pending"
	// ReasonNotManaged: before this run the host was not managed, so it cannot be rolled back.
	ReasonNotManaged Reason = "not-managed"
	// ReasonSameGeneration: the run only repaired drift, so there is nothing to roll back.
	ReasonSameGeneration Reason = "same-generation"
	// ReasonRebootFailed: the host's reboot failed; the reboot says why.
	ReasonRebootFailed Reason = "reboot-failed"
	// ReasonOperatorStopped: the operator stopped or cut the run.
	ReasonOperatorStopped Reason = "operator-stopped"
	// ReasonGateClosed: the gate stayed closed.
	ReasonGateClosed Reason = "gate-closed"
	// ReasonBudgetSpent: more hosts failed than may.
	ReasonBudgetSpent Reason = "budget-spent"
	// ReasonHostMissing: a host did not come back from its reboot.
	ReasonHostMissing Reason = "host-missing"
	// ReasonJournal: the run's journal cannot be written.
	ReasonJournal Reason = "journal"
)

// Operation is what a run did if it did not carry out a plan.
type Operation string

// The operations.
const (
	OperationRollback Operation = "rollback"
	OperationRelease  Operation = "release"
	OperationReboot   Operation = "reboot"
	OperationTask     Operation = "task"
	OperationCommand  Operation = "command"
)
