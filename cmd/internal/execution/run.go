package execution

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/summary"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/cmd/internal/wiring"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/schema"
)

// RunFlags are those of all commands that [Run] what they do.
func RunFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "json", Usage: "print events as JSON lines"},
		&cli.BoolFlag{Name: "verbose", Usage: "print everything that happens, even with many hosts"},
		&cli.BoolFlag{Name: "debug-wire", Usage: "print every message to and from the helpers, including file contents"},
		&cli.StringFlag{Name: "state-dir", Usage: "keep run records in `DIR` (default: $XDG_STATE_HOME/nixfleet)", EnvVars: []string{"NIXFLEET_STATE_DIR"}},
	}
}

// Work changes hosts and returns the record of that; without one it was refused.
// Stop is closed by the first interrupt, and the second ends ctx.
type Work func(ctx context.Context, stop <-chan struct{}, deps executor.Deps) (*schema.Record, error)

// Run carries out work on a number of hosts and tells of it. The error is the
// command's; the record is nil where nothing was begun.
func Run(c *cli.Context, head string, hosts int, work Work) (*schema.Record, error) {
	return run(c, head, progress.Shape{Hosts: hosts, Parallel: c.Int("parallel")}, work)
}

func run(c *cli.Context, head string, shape progress.Shape, work Work) (*schema.Record, error) {
	return RunWith(c, newTeller(c, shape, head), work)
}

// Teller shows a run to people. The summary of End comes after Close.
type Teller interface {
	Tell(event schema.Event)
	Say(line string)
	Live() *ui.Live
	Close()
	End(record *schema.Record, file string, way summary.Way)
}

// RunWith is [Run] with a teller of the command's own.
func RunWith(c *cli.Context, teller Teller, work Work) (*schema.Record, error) {
	defer teller.Close()
	deps, err := wiring.Deps(c.String("state-dir"))
	if err != nil {
		return nil, ui.WithCode(ui.ExitRefused, err)
	}
	if os.Getenv("GOGC") == "" {
		// What a thousand connections keep is mostly idle: a seventh less of memory for
		// no time that can be measured.
		debug.SetGCPercent(50)
	}
	ctx, stop, release := Interruptible(c.Context, teller.Say)
	defer release()
	deps.Observe, deps.Passphrase = teller.Tell, teller.Live().Asking(deps.Passphrase)
	if c.Bool("debug-wire") {
		deps.Wire = wiring.Wire(os.Stderr)
	}
	record, err := work(ctx, stop, deps)
	teller.Close()
	if record == nil {
		return nil, ui.WithCode(ui.ExitRefused, err)
	}
	teller.End(record, executor.RecordPath(deps.StateDir, record.Run), WayOf(c))
	switch {
	case err != nil:
		return record, err
	case ctx.Err() != nil:
		return record, ui.WithCode(ui.ExitInterrupted, ui.ErrReported)
	}
	if code := exitCode(record.Verdict); code != ui.ExitDone {
		return record, ui.WithCode(code, ui.ErrReported)
	}
	return record, nil
}
