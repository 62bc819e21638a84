package executor

import (
	"context"
	"path"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/engine"
	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Command is what [Run] runs. One of Task and Argv is set.
type Command struct {
	// Task is the name of a task that was applied with a plan: the host's own, frozen
	// command, user, environment and timeout.
	Task string
	// Argv is a program and its arguments, which reach it as they are. Root runs it.
	Argv []string
	// Timeout is how long it may take on a host; 0 stands for [CommandTimeout], and of
	// a task for its own, which this can only lower.
	Timeout time.Duration
	// NoLock runs a command also where somebody changes the host, or runs another.
	NoLock bool
	// MaxOutput is how many bytes of output a host passes on; the rest is counted.
	MaxOutput int64
}

// CommandTimeout is how long a command may take where nothing else is said.
const CommandTimeout = 10 * time.Minute

// MostOutput is the largest [Command.MaxOutput].
const MostOutput = protocol.MaxOutput

// Run runs a task or a command on hosts, which need not be of a plan: in a unit of its
// own, which ends with the connection. Its output comes in events, in pieces. The
// record, which is also kept, has how it ended on each; outcomes are [schema.HostRan],
// [schema.HostFailed], and those of hosts on which it was not run. Where the
// connection is lost meanwhile the host is [schema.HostUnknown]: it is not run again.
//
// The rest is as with [Rollback].
func Run(ctx context.Context, hosts schema.Hosts, command Command, options BackOptions, deps Deps) (*schema.Record, error) {
	ask, operation, object, err := command.ask()
	if err != nil {
		return nil, err
	}
	return withoutPlan(ctx, hosts, operation, object, LookParallel, options, deps, func(ctx context.Context, run *engine.Run, chosen []engine.LookHost) map[schema.HostName]schema.HostRecord {
		return run.Command(ctx, chosen, ask)
	})
}

// ask is the command as hosts are asked for it, and as records name it: without its
// arguments, which may hold what should not be kept.
func (c Command) ask() (ask protocol.RunRequest, operation schema.Operation, object string, err error) {
	if (c.Task == "") == (len(c.Argv) == 0) {
		return ask, "", "", fault.New(fault.Refused, "cannot run that: expected either a task or a command")
	}
	if c.Timeout < 0 || c.MaxOutput < 0 || c.MaxOutput > MostOutput {
		return ask, "", "", fault.New(fault.Refused, "cannot run that: expected a timeout, found %s, and up to %d bytes of output, found %d", c.Timeout, MostOutput, c.MaxOutput)
	}
	ask = protocol.RunRequest{Task: c.Task, Argv: c.Argv, NoLock: c.NoLock, MaxOutput: c.MaxOutput}
	if c.Task != "" {
		if c.NoLock {
			return ask, "", "", fault.New(fault.Refused, "cannot run the task %q without the lock: it never runs while somebody is at work on a host", c.Task)
		}
		if c.Timeout > 0 {
			ask.Timeout = c.Timeout.String()
		}
		return ask, schema.OperationTask, c.Task, nil
	}
	if c.Timeout == 0 {
		c.Timeout = CommandTimeout
	}
	ask.Timeout = c.Timeout.String()
	return ask, schema.OperationCommand, path.Base(c.Argv[0]), nil
}
