// Package kind is the contract between a transaction and the kinds of things that
// NixFleet manages on a host, one package each: users, files, units, ….
//
// A kind compares the host with a goal and returns items of work, or refuses. An item
// becomes a step: one change, with what does it, what undoes it and what checks that
// it is undone side by side. The transaction keeps what is the same for all kinds: the
// record, the order, the commit, the undo and the recovery.
//
// A kind changes nothing while it compares, and it never decides on the English of
// another package's message.
package kind

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nixfleet/nixfleet/schema"
)

// Kind is one kind of managed thing. A base lists its kinds in order: those that
// others need, as the users that own files, come first. What goes, goes in the
// opposite order.
type Kind struct {
	// Name is how changes, drift and the state file name it.
	Name string
	// Paths adds what a manifest has on the file system because of this kind; may be nil.
	Paths func(m *schema.Manifest, add func(path string, content Content))
	// Compare begins to compare a host with a goal.
	Compare func(*Comparison) Hooks
	// Steps makes an empty step of each name that the record may have.
	Steps map[string]func() Step
}

// Content is what a manifest has at a path. All fields are empty for a directory.
type Content struct {
	Payload schema.Digest
	Source  string
	Symlink string
	// Directory says that it is one.
	Directory bool
}

// Hooks are the parts of a kind's comparison; each may be nil. All kinds do the first
// part before any does the second.
type Hooks struct {
	// Release finds what the goal does not have any more; the last kind begins.
	Release func() error
	// Compare finds what the goal has and the host does not have, or has otherwise.
	Compare func() error
	// Finish decides what depends on the findings of other kinds; the last kind begins.
	Finish func() error
}

// Step is one change of the host.
type Step interface {
	// Do makes the change.
	Do(context.Context, *Site) error
	// Undo makes everything what it was before, however far Do came, and however often
	// it was undone before.
	Undo(context.Context, *Site) error
	// Check says what is not as it was before; empty where everything is.
	Check(*Site) (difference string, err error)
	// Directories are those whose entries it changes.
	Directories() []string
}

// ForwardOnly is embedded by steps that cannot be undone. They are done after the
// commit, in order, and again by a recovery; so Do is content where nothing is left to do.
type ForwardOnly struct{}

// Undo does nothing.
func (ForwardOnly) Undo(context.Context, *Site) error { return nil }

// Check finds nothing.
func (ForwardOnly) Check(*Site) (string, error) { return "", nil }

func (ForwardOnly) forwardOnly() {}

// Entry is a step as the record has it.
type Entry struct {
	Kind  string       `json:"kind"`
	Stage schema.Stage `json:"stage"`
	// Name is the step's within its kind, and Data is the step; both are empty where
	// there is nothing to do but to report it.
	Name string          `json:"step,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`
	// Change is what is reported of it; nil for what another step reports.
	Change *schema.Change `json:"change,omitempty"`
	// Forward says that it is done after the commit.
	Forward bool `json:"forward,omitempty"`

	step Step
}

// Step returns the step. Of an entry that was read, [Decode] has made it.
func (e *Entry) Step() Step { return e.step }

// newEntry records a step, which may be nil.
func newEntry(kinds []Kind, item *Item, step Step) (Entry, error) {
	e := Entry{Kind: item.kind, Stage: item.Stage, Change: item.Change(), Forward: item.Forward, step: step}
	if step == nil {
		e.step = nothing{}
		return e, nil
	}
	var err error
	if e.Name, err = nameOf(kinds, item.kind, step); err == nil {
		e.Data, err = json.Marshal(step)
	}
	if _, forward := step.(interface{ forwardOnly() }); err == nil && forward != e.Forward {
		err = fmt.Errorf("step %q of kind %q is not of the item's direction", e.Name, e.Kind)
	}
	if err != nil {
		return e, fmt.Errorf("internal error: cannot record a step: %w", err)
	}
	return e, nil
}

func nameOf(kinds []Kind, kind string, step Step) (string, error) {
	for _, k := range kinds {
		for name, empty := range k.Steps {
			if k.Name == kind && fmt.Sprintf("%T", empty()) == fmt.Sprintf("%T", step) {
				return name, nil
			}
		}
	}
	return "", fmt.Errorf("the kind %q has no step %T", kind, step)
}

// Decode makes the steps of entries that were read.
func Decode(kinds []Kind, entries []Entry) error {
	for i := range entries {
		e := &entries[i]
		if e.Name == "" {
			e.step = nothing{}
			continue
		}
		for _, k := range kinds {
			if empty := k.Steps[e.Name]; k.Name == e.Kind && empty != nil {
				e.step = empty()
			}
		}
		if e.step == nil {
			return fmt.Errorf("cannot read the record: this helper knows no step %q of kind %q", e.Name, e.Kind)
		}
		if err := json.Unmarshal(e.Data, e.step); err != nil {
			return fmt.Errorf("cannot read the record's step %q of kind %q: %w", e.Name, e.Kind, err)
		}
	}
	return nil
}

// nothing is the step of what is only reported: a thing becomes ours as it is.
type nothing struct{}

func (nothing) Do(context.Context, *Site) error   { return nil }
func (nothing) Undo(context.Context, *Site) error { return nil }
func (nothing) Check(*Site) (string, error)       { return "", nil }
func (nothing) Directories() []string             { return nil }
