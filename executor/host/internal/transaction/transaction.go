package transaction

import (
	"context"
	"errors"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
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
	closure := make(map[schema.StorePath]bool, len(o.Closure))
	for _, entry := range o.Closure {
		closure[entry.Path] = true
	}
	return inspect.Goal{Manifest: &o.Manifest, Closure: closure, State: known, Previous: previous}
}

// Run carries out an order. Confirm is called once the host has changed and is
// healthy; an error of it undoes the change. The verdict is recorded when Run
// returns, unless it returns an error.
func Run(ctx context.Context, host Host, order Order, tell func(protocol.Event), confirm func(context.Context) error) (Verdict, error) {
	verdict := Verdict{Transaction: order.ID, Changes: []schema.Change{}}
	known, err := host.State.Load()
	if err != nil {
		return verdict, err
	}
	result, err := run(ctx, host, runOrder{
		Goal: order.goal(known, host.State.Manifest(known.Applied)), Name: order.Host, Run: order.Run, Operator: order.Operator,
		Plan: order.Plan, Digest: order.Digest, Entries: order.Closure,
		CheckClosure: func(ctx context.Context) error { return host.CheckClosure(ctx, order.Closure) },
	}, tell)
	if result != nil {
		verdict.Generation, verdict.Changes = result.Generation, result.Changes
	}
	verdict.At = host.Now().UTC().Truncate(time.Second)
	var refused *RefusedError
	switch {
	case errors.As(err, &refused):
		verdict.Outcome = Refused
		verdict.Message, verdict.Hint = refused.Texts()
	case err != nil:
		verdict.Outcome, verdict.Message = Failed, err.Error()
		verdict.Hint = "the host is between two states; mend what failed and execute again, which completes it"
	case len(verdict.Changes) == 0:
		verdict.Outcome = Unchanged
	default:
		verdict.Outcome = Applied
	}
	return verdict, nil
}

// Recover finishes or undoes what was interrupted; nil where nothing was. At
// boot units are only asked to start and stop, and not waited for.
func Recover(context.Context, Host, bool, func(protocol.Event)) (*Verdict, error) {
	return nil, nil
}

type runOrder struct {
	inspect.Goal
	Name     schema.HostName
	Run      string
	Operator string
	Plan     schema.Digest
	Digest   schema.Digest // of the manifest
	Entries  []schema.PathEntry
	// CheckClosure fails where a path of the closure is not valid in the host's store.
	CheckClosure func(context.Context) error
}

type outcome struct {
	Generation int
	Changes    []schema.Change
}

// RefusedError says that the host was not touched.
type RefusedError struct{ Refusals []inspect.Refusal }

func (e *RefusedError) Error() string {
	text, _ := e.Texts()
	return text
}

// Texts returns the message and the hints.
func (e *RefusedError) Texts() (message, hint string) { return inspect.Texts(e.Refusals) }

func refused(causes ...error) error {
	var refusals []inspect.Refusal
	for _, cause := range causes {
		var known *RefusedError
		if errors.As(cause, &known) {
			refusals = append(refusals, known.Refusals...)
		} else if cause != nil {
			refusals = append(refusals, inspect.Refusal{Message: cause.Error()})
		}
	}
	return &RefusedError{refusals}
}

// run applies. After a RefusedError nothing was touched; after any other error
// the state file says what is pending, and the result what was done.
func run(ctx context.Context, host Host, order runOrder, tell func(protocol.Event)) (*outcome, error) {
	work, err := inspect.Compare(ctx, host.Host, order.Goal)
	if err != nil {
		return nil, refused(err)
	}
	if len(work.Refusals) > 0 {
		return nil, &RefusedError{work.Refusals}
	}
	a := &applying{Host: host, runOrder: order, work: work, tell: tell, before: order.State, result: &outcome{Changes: []schema.Change{}}}
	a.result.Generation, _ = host.Profile.Current()
	if work.Empty() {
		return a.result, a.settleUnchanged(ctx)
	}
	if err := a.prepare(ctx); err != nil {
		return nil, refused(err, a.abandon())
	}
	err = a.change(ctx)
	a.close()
	if err != nil {
		return a.result, a.fail(ctx, err)
	}
	return a.result, nil
}
