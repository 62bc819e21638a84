package host

import (
	"context"
	"errors"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/base"
	"github.com/nixfleet/nixfleet/executor/host/internal/command"
	"github.com/nixfleet/nixfleet/executor/host/internal/lease"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/host/internal/process"
	"github.com/nixfleet/nixfleet/executor/host/internal/recovery"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// stopPatience is how long the process of a transaction may take to undo a change
// when it is told to end.
const stopPatience = 10 * time.Minute

// System returns the real host's.
func System() Deps {
	runner := command.System{}
	program := nixstore.Find()
	systemd := &unit.Systemd{Address: unit.Socket, Runner: runner}
	deps := Deps{
		Root:        "/",
		Executable:  "/proc/self/exe",
		Machine:     process.Machine(),
		Runner:      runner,
		Shell:       runner.Shell,
		Units:       systemd,
		NixStore:    program,
		Registry:    nixstore.Local{Program: program},
		Processes:   process.Of,
		Free:        func(directory string) (int64, error) { return rooted.Free("/", directory) },
		Now:         time.Now,
		Wait:        wait,
		JobDeadline: 5 * time.Minute,
		Clock:       lease.System(),
		Command:     systemd.RunCommand,
		Booting:     systemd.Booting,
		Reboot:      systemd.Reboot,
		Inhibitors:  unit.Inhibitors,
		Idle:        15 * time.Second,
	}
	deps.Start = func(ctx context.Context, id string) error { return startUnit(ctx, systemd, id) }
	deps.Rescue = func(ctx context.Context) error { return rescue(ctx, deps) }
	return deps
}

// startUnit starts the process of a transaction as a service, whose sudden end
// starts the recovery.
func startUnit(ctx context.Context, systemd *unit.Systemd, id string) error {
	files, err := rooted.Open("/", nil)
	if err != nil {
		return err
	}
	defer files.Close()
	if err := base.Of(base.Release("/")).EnsureRecovery(ctx, recovery.Host{Files: files, Units: systemd}); err != nil {
		return err
	}
	return systemd.StartTransient(ctx, unit.Transient{
		Name:         schema.UnitName("nixfleet-run-" + id + ".service"),
		Description:  "NixFleet's change " + id + " of this host",
		Command:      []string{protocol.HelperPath, "run", id},
		OnFailure:    recovery.Unit,
		StopPatience: stopPatience,
	})
}

// rescue starts the recovery unit and waits for its end: what it does is then in
// no session, whose link may break, and has a journal of its own. Where systemd
// does not have the unit, this process does the work.
func rescue(ctx context.Context, deps Deps) error {
	results, err := deps.Units.Run(ctx, []unit.Job{{Unit: recovery.Unit, Verb: unit.Start}})
	if err == nil && unit.Ended(results[recovery.Unit]) {
		return nil // what came of it, the transaction tells
	}
	if ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	return Recover(ctx, deps)
}
