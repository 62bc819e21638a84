// Package unit talks to systemd: over D-Bus on the manager's own socket, so that
// it needs neither a bus daemon nor a systemctl process. Only what logind knows is
// asked over the bus, on hosts that have both.
package unit

import (
	"context"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// Status is what systemd says of a unit in a list.
type Status struct {
	// Load is "loaded", "not-found", "masked", "bad-setting", ….
	Load string
	// Active is "active", "inactive", "failed", "activating", ….
	Active string
	// Sub is the state of the unit's type: "running", "dead", "auto-restart", ….
	Sub string
}

// Runs reports whether the unit is up, coming up or reloading. A service between
// two attempts to start does not run.
func (s Status) Runs() bool {
	switch s.Active {
	case "active", "reloading", "refreshing":
		return true
	case "activating":
		return !s.Restarting()
	}
	return false
}

// Restarting reports whether systemd is about to start the unit again, because
// it ended when it should not have.
func (s Status) Restarting() bool { return strings.HasPrefix(s.Sub, "auto-restart") }

// Details is what systemd says of one unit when asked for it.
type Details struct {
	// Type is a service's "simple", "oneshot", …; empty for other units.
	Type string
	// RemainAfterExit says that a service counts as active after its end.
	RemainAfterExit bool
	// Enablement is "enabled", "disabled", "static", ….
	Enablement string
	// Skipped says that the last start did nothing because a condition was not met.
	Skipped bool
	// Result is "success", "exit-code", "timeout", "signal", ….
	Result string
	// ExitCode and ExitStatus tell how the main process ended: waitid(2)'s si_code
	// (1 is exited, 2 and 3 are killed by a signal) and si_status.
	ExitCode, ExitStatus int32
	// Restarts is how often systemd restarted the service by itself since it was
	// last started on request.
	Restarts uint32
	// Triggers are the units that this one starts: a socket's service.
	Triggers []schema.UnitName
	// Invocation identifies the unit's last start in the journal.
	Invocation string
}

// LongRunning reports whether the unit, once started, should stay active.
func (d Details) LongRunning() bool { return d.Type != "oneshot" || d.RemainAfterExit }

// Verb is what a job does.
type Verb string

// The verbs, in the order of their force: a stronger one includes a weaker one.
const (
	Start   Verb = "start"
	Reload  Verb = "reload"
	Restart Verb = "restart"
	Stop    Verb = "stop"
	// TryRestart restarts a unit that runs and leaves others alone.
	TryRestart Verb = "try-restart"
)

// Job is something to do to a unit.
type Job struct {
	Unit schema.UnitName
	Verb Verb
}

// Manager is systemd. An implementation must say what is true: the real one and
// the tests' one pass the same tests.
type Manager interface {
	// List tells of units by name. A unit that does not exist is not-found and
	// inactive. Names of templates are not allowed.
	List(ctx context.Context, names []schema.UnitName) (map[schema.UnitName]Status, error)
	// Instances returns the loaded instances of a template that are not inactive.
	Instances(ctx context.Context, template schema.UnitName) ([]schema.UnitName, error)
	// Failed returns the loaded units that have failed, sorted.
	Failed(ctx context.Context) ([]schema.UnitName, error)
	// Unread returns those of the units, which must be loaded, whose files have
	// changed since systemd read them.
	Unread(ctx context.Context, names []schema.UnitName) ([]schema.UnitName, error)
	// Details tells of one unit.
	Details(ctx context.Context, name schema.UnitName) (Details, error)
	// DaemonReload makes systemd read all units again. It returns when that is done.
	DaemonReload(ctx context.Context) error
	// ResetFailed lets a unit forget that it failed and how often it was started.
	// One that systemd does not know has nothing to forget.
	ResetFailed(ctx context.Context, name schema.UnitName) error
	// Run enqueues all jobs and then waits for all their ends. It returns each
	// unit's result, systemd's: "done", "failed", "timeout", "dependency", ….
	// A job that could not be enqueued has the reason for its result. One that has
	// not ended when ctx is done has "waiting"; it goes on.
	Run(ctx context.Context, jobs []Job) (map[schema.UnitName]string, error)
	// Enqueue asks for jobs and returns when they are queued, or not, and not when
	// they have ended: for a host that boots, where they cannot end yet. A job that
	// could not be enqueued has the reason for its result; there are no others.
	Enqueue(ctx context.Context, jobs []Job) (map[schema.UnitName]string, error)
	// Journal returns the last lines that a unit's last start left in the journal.
	Journal(ctx context.Context, name schema.UnitName, invocation string, lines int) ([]string, error)
}

// Ended reports whether a result is that of a job, and not the reason why there
// was none.
func Ended(result string) bool {
	switch result {
	case "done", "skipped", "failed", "timeout", "dependency", "canceled", "assert", "unsupported", "collected", "once", "waiting":
		return true
	}
	return false
}
