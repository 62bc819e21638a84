// Package transaction makes a host what a manifest says, or leaves it exactly as
// it was: it does the work that package inspect found, in the one order that leaves
// units with what they need at every moment.
//
// Whatever can be refused or prepared comes before the first change, and so does
// the record: everything that is needed to undo the change, durable. The
// replacement of the state file commits. A transaction that fails before that, or
// is interrupted, is undone from its record, by [Run] itself or by [Recover] in
// another process or after the next boot; one that is interrupted afterwards is
// finished. Recovery needs nothing that the change may have broken: not the
// network, not Nix, not the new closure.
//
// A step is one change, with what does it, what undoes it and what checks that it
// is undone side by side; each may run again at any time.
package transaction

import (
	"context"
	"time"

	"github.com/nixfleet/nixfleet/executor/health"
	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Host is the host to change.
type Host struct {
	inspect.Host
	Accounts account.Tools
	State    *state.Store
	// Now is the host's clock, a monotonic one, and Wait waits.
	Now  func() time.Time
	Wait func(context.Context, time.Duration)
	// Free returns the free bytes of the file system that holds a directory.
	Free func(directory string) (int64, error)
	// Shell runs a line for sh and returns the end of its output.
	Shell func(ctx context.Context, line string) (output []byte, err error)
	// Health asks whether the host is well.
	Health health.Asker
	// CheckClosure fails where a path of a closure is not valid in the host's store.
	CheckClosure func(context.Context, []schema.PathEntry) error
	// JobDeadline is how long systemd may take for stopping or starting units.
	JobDeadline time.Duration
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
	// Manifest is what the host shall be, Digest its hash, and Closure its store paths.
	Manifest schema.Manifest    `json:"manifest"`
	Digest   schema.Digest      `json:"digest"`
	Closure  []schema.PathEntry `json:"closure"`
	// ConfirmWindow is a Go duration; empty or "0s" where nobody needs to confirm.
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

// goal is what inspection compares the host with.
func (o *Order) goal(known *schema.State, previous *schema.Manifest) inspect.Goal {
	return inspect.Goal{Manifest: &o.Manifest, Closure: o.closure(), State: known, Previous: previous}
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
	order  Order
	record record
	tell   func(protocol.Event)
	// places are the staging directories that are open.
	places map[string]*rooted.Place
	// changes are those that were made.
	changes []schema.Change
	// remarks are what the verdict must mention although it is no failure.
	remarks []string
}

func newTransaction(host Host, order Order, tell func(protocol.Event)) *transaction {
	return &transaction{Host: host, order: order, tell: tell, places: map[string]*rooted.Place{}, changes: []schema.Change{}}
}

// place opens a staging directory that was made before.
func (t *transaction) place(name string) (*rooted.Place, error) {
	if p := t.places[name]; p != nil {
		return p, nil
	}
	p, err := t.Files.EnterPlace(name)
	if err == nil {
		t.places[name] = p
	}
	return p, err
}

func (t *transaction) close() {
	for name, place := range t.places {
		place.Close()
		delete(t.places, name)
	}
}

// done reports a change that was made.
func (t *transaction) done(change *schema.Change) {
	if change != nil {
		t.changes = append(t.changes, *change)
		t.tell(protocol.Event{Change: change})
	}
}

func (t *transaction) remark(text string) {
	t.remarks = append(t.remarks, text)
	t.tell(protocol.Event{Note: text})
}

// date is the time as files have it.
func (t *transaction) date() time.Time { return t.Now().UTC().Truncate(time.Second) }
