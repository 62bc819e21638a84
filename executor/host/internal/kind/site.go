package kind

import (
	"context"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/command"
	"github.com/nixfleet/nixfleet/executor/host/internal/effect"
	"github.com/nixfleet/nixfleet/executor/host/internal/staging"
	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Host is the host to change.
type Host struct {
	World
	State *state.Store
	// Runner runs the host's tools, and Fault crashes the helper in tests.
	Runner command.Runner
	Fault  effect.Fault
	// Now is the host's clock, a monotonic one, and Wait waits.
	Now  func() time.Time
	Wait func(context.Context, time.Duration)
	// Shell runs a line for sh and returns the end of its output.
	Shell func(ctx context.Context, line string) (output []byte, err error)
	// JobDeadline is how long systemd may take for stopping or starting units.
	JobDeadline time.Duration
}

// Site is a host at work, with the transaction that works on it.
type Site struct {
	Host
	// Staged is what waits to be put in place.
	Staged *staging.Area
	// Transaction names the transaction, and Generation is the one that it makes.
	Transaction string
	Generation  int
	// Booting says that the host is coming up: units can be asked to start and stop,
	// but not waited for, since they come after us.
	Booting bool
	// Edits is the directory of the copies of what people have edited by hand, below
	// the state directory; empty while there are none.
	Edits string
	// Tell tells people what happens, and Done that a change was made. Remark says what
	// the verdict must mention although it is no failure.
	Tell   func(protocol.Event)
	Done   func(*schema.Change)
	Remark func(text string)
}

// Note tells people something.
func (s *Site) Note(text string) { s.Tell(protocol.Event{Note: text}) }

// Date is the time as files have it.
func (s *Site) Date() time.Time { return s.Now().UTC().Truncate(time.Second) }

// NotRunningError says that units do not run although everything of theirs is as it
// was before: what there was to undo is undone.
type NotRunningError struct{ Units []string }

func (e *NotRunningError) Error() string { return e.Units[0] }
