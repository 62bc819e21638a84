// Package transaction makes a host what a manifest says, or leaves it exactly as
// it was: it does the work that the kinds of the host's base have found, stage by stage.
//
// Whatever can be refused or prepared comes before the first change, and so does
// the record: everything that is needed to undo the change, durable. The
// replacement of the state file commits. A transaction that fails before that, or
// is interrupted, is undone from its record, by [Run] itself or by [Recover] in
// another process or after the next boot; one that is interrupted afterwards is
// finished. Recovery needs nothing that the change may have broken: not the
// network, not Nix, not the new closure.
//
// What can never be undone is done after the commit. This package knows no kind: it has
// the record, the order, the commit, the undo and the recovery.
package transaction

import (
	"context"
	"time"

	"github.com/nixfleet/nixfleet/executor/health"
	"github.com/nixfleet/nixfleet/executor/host/internal/base"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/staging"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Host is the host to change.
type Host struct {
	// Work is what the kinds work with.
	Work kind.Host
	Base *base.Base
	// Free returns the free bytes of the file system that holds a directory.
	Free func(directory string) (int64, error)
	// Health asks whether the host is well.
	Health health.Asker
	// CheckClosure fails where a path of a closure is not valid in the host's store.
	CheckClosure func(context.Context, []schema.PathEntry) error
	// BootID identifies the running system since its last start.
	BootID string
}

// Kind is what a transaction is for.
type Kind string

// The kinds of transactions.
const (
	// Apply makes the host what a plan says.
	Apply Kind = "apply"
	// Rollback makes the host what one of its generations was.
	Rollback Kind = "rollback"
	// Release gives everything back: the manifest is an empty one.
	Release Kind = "release"
)

// Order is what to make of the host, and for whom. The session writes it down
// before the transaction begins, which needs nothing else.
type Order struct {
	// ID names the transaction; see [NewID].
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	// Host is the name under which the fleet knows the host.
	Host     schema.HostName `json:"host"`
	Run      string          `json:"run"`
	Epoch    int64           `json:"epoch"`
	Operator string          `json:"operator"`
	// Plan is the digest of the plan, and Revision its source's; either may be empty.
	Plan     schema.Digest `json:"plan,omitempty"`
	Revision string        `json:"revision,omitempty"`
	// To is the generation that a rollback brings back; 0 for others.
	To int `json:"to,omitempty"`
	// Manifest is what the host is to become, Digest its hash, and Closure its store paths.
	Manifest schema.Manifest    `json:"manifest"`
	Digest   schema.Digest      `json:"digest"`
	Closure  []schema.PathEntry `json:"closure"`
	// ConfirmWindow is a Go duration; empty or "0s" where no confirmation is needed.
	ConfirmWindow string `json:"confirmWindow,omitempty"`
	// Keep is how many generations are kept; 0 stands for the default.
	Keep int `json:"keep,omitempty"`
}

// Outcome is how a transaction ended.
type Outcome string

// The outcomes.
const (
	// Applied: the host is as the manifest says.
	Applied Outcome = "applied"
	// Unchanged: it was already.
	Unchanged Outcome = "unchanged"
	// Refused: nothing was touched.
	Refused Outcome = "refused"
	// RolledBack: the change failed, and the host is as it was before.
	RolledBack Outcome = "rolled-back"
	// Failed: the change failed and the host is not as it was before; the message
	// says what is not.
	Failed Outcome = "failed"
)

// Verdict tells how a transaction ended.
type Verdict struct {
	Transaction string  `json:"transaction"`
	Outcome     Outcome `json:"outcome"`
	// Message says why, for people; of a transaction that was applied, what could
	// not be cleaned up. Hint is what to type or do; either may be empty.
	Message string `json:"message,omitempty"`
	Hint    string `json:"hint,omitempty"`
	// FailedUnits are the units that failed and so undid the change.
	FailedUnits []schema.UnitName `json:"failedUnits,omitempty"`
	// Unfinished says that the host is between two states: the next contact or boot
	// tries again to undo the transaction, and no other can begin.
	Unfinished bool `json:"unfinished,omitempty"`
	// Generation is the generation in effect.
	Generation int `json:"generation"`
	// Changes are what was changed, in order; what was undone again included.
	Changes []schema.Change `json:"changes"`
	// At is when it ended, by the host's clock.
	At time.Time `json:"at"`
}

// goal is what the host is compared with.
func (o *Order) goal(known *schema.State, previous *schema.Manifest) kind.Goal {
	return kind.Goal{Manifest: &o.Manifest, Closure: o.closure(), State: known, Previous: previous}
}

func (o *Order) closure() map[schema.StorePath]bool {
	closure := make(map[schema.StorePath]bool, len(o.Closure))
	for _, entry := range o.Closure {
		closure[entry.Path] = true
	}
	return closure
}

// transaction is one at work, in whichever process.
type transaction struct {
	Host
	kind.Site
	order  Order
	record record
	// changes are those that were made.
	changes []schema.Change
	// failedUnits are the units for which it is undone.
	failedUnits []schema.UnitName
	// remarks are what the verdict must mention although it is no failure.
	remarks []string
}

func newTransaction(host Host, order Order, tell func(protocol.Event)) *transaction {
	t := &transaction{Host: host, order: order, changes: []schema.Change{}}
	t.Site = kind.Site{
		Host: host.Work, Staged: staging.New(host.Work.Files, host.Work.State, host.Base.Staging), Transaction: order.ID,
		Tell: tell, Done: t.done,
		Remark: func(text string) {
			t.remarks = append(t.remarks, text)
			t.Note(text)
		},
	}
	return t
}

// done reports a change that was made.
func (t *transaction) done(change *schema.Change) {
	if change != nil {
		t.changes = append(t.changes, *change)
		t.Tell(protocol.Event{Change: change})
	}
}
