package protocol

import (
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

// LeaseRequest asks for the host's lease.
type LeaseRequest struct {
	Action LeaseAction `json:"action"`
}

// LeaseAction is what becomes of a lease.
type LeaseAction string

// The actions.
const (
	// LeaseTake takes a lease that is free, has expired, or is the run's own; the
	// epoch is then a new one.
	LeaseTake LeaseAction = "take"
	// LeaseRenew makes it last for its whole time again.
	LeaseRenew LeaseAction = "renew"
	// LeaseRelease ends it.
	LeaseRelease LeaseAction = "release"
)

// LeaseReply says that it is done. The response carries the epoch.
type LeaseReply struct{}

// LeaseHolder is who holds a host's lease.
type LeaseHolder struct {
	Run      string    `json:"run"`
	Operator string    `json:"operator"`
	Since    time.Time `json:"since"`
	Epoch    int64     `json:"epoch"`
}

// BeginRequest starts the transaction that was prepared.
type BeginRequest struct{}

// BeginReply names it.
type BeginReply struct {
	Transaction string `json:"transaction"`
}

// AttachRequest asks for the events of a transaction and its verdict.
type AttachRequest struct {
	// Transaction names it; empty stands for the one that has not ended.
	Transaction string `json:"transaction,omitempty"`
	// After is the number of the last event that was seen; 0 asks for all.
	After int `json:"after"`
}

// AttachReply says how it ended.
type AttachReply struct {
	Verdict Verdict `json:"verdict"`
}

// ConfirmRequest proves that the host can be reached.
type ConfirmRequest struct {
	Transaction string `json:"transaction"`
}

// ConfirmReply says that the proof is kept.
type ConfirmReply struct{}

// Waiting says that a transaction waits to be confirmed.
type Waiting struct {
	// Window is how long it waits from its beginning on: a Go duration.
	Window string `json:"window"`
	// Since is when that began, by the clock of the host's boot: only a session that
	// began later is a proof.
	Since time.Duration `json:"since"`
}

// Transaction is one that has not ended.
type Transaction struct {
	ID  string `json:"id"`
	Run string `json:"run"`
	// Epoch is that of the lease under which it began, for those who confirm it.
	Epoch    int64     `json:"epoch"`
	Operator string    `json:"operator"`
	Since    time.Time `json:"since"`
	// Phase is the part of the work it was in when it last said so.
	Phase schema.Stage     `json:"phase,omitempty"`
	State TransactionState `json:"state"`
}

// TransactionState is the state of a transaction that has not ended.
type TransactionState string

// The states.
const (
	// Live: a process works on it.
	Live TransactionState = "live"
	// Waits: a process waits for it to be confirmed.
	Waits TransactionState = "waits for confirmation"
	// Interrupted: no process works on it; it is finished or undone at the next chance.
	Interrupted TransactionState = "interrupted"
)

// Verdict is how a transaction ended.
type Verdict struct {
	// Transaction is its name.
	Transaction string `json:"transaction"`
	// Outcome says what is true of the host.
	Outcome Outcome `json:"outcome"`
	// Generation is NixFleet's generation in effect afterwards.
	Generation int `json:"generation"`
	// Changes are what was changed, in order; of one that was rolled back, what had
	// been changed until then.
	Changes []schema.Change `json:"changes"`
	// Message says why it was refused, rolled back or failed.
	Message string `json:"message,omitempty"`
	// Hint is what to type or do next; may be empty.
	Hint string `json:"hint,omitempty"`
	// FailedUnits are the units that failed and so undid the change.
	FailedUnits []schema.UnitName `json:"failedUnits,omitempty"`
}

// Outcome is how a transaction ended.
type Outcome string

// The outcomes.
const (
	// Applied: the host was changed and is as requested.
	Applied Outcome = "applied"
	// Unchanged: the host was as requested already.
	Unchanged Outcome = "unchanged"
	// RefusedOutcome: nothing was changed.
	RefusedOutcome Outcome = "refused"
	// RolledBack: the change failed, or was not confirmed, and the host is as before.
	RolledBack Outcome = "rolled-back"
	// HalfChanged: neither the change nor its undoing succeeded.
	HalfChanged Outcome = "failed"
	// Pending: it was interrupted and has not ended.
	Pending Outcome = "pending"
)
