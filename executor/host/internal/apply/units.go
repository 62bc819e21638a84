package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// journalLines is how much of a failed unit's journal is told.
const journalLines = 10

// stopUnits stops units under their old text.
func (a *applying) stopUnits(ctx context.Context) error {
	if len(a.work.Stops) == 0 {
		return nil
	}
	var jobs []unit.Job
	var names []schema.UnitName
	for _, step := range a.work.Stops {
		jobs = append(jobs, unit.Job{Unit: step.Do, Verb: unit.Stop})
		names = append(names, step.Do)
	}
	for _, job := range a.work.Jobs {
		if slices.Contains(names, job.Do.Unit) {
			a.stopped = append(a.stopped, job.Do.Unit)
		}
	}
	results, err := a.runJobs(ctx, jobs)
	if err != nil {
		return err
	}
	status, err := a.Units.List(ctx, names)
	if err != nil {
		return err
	}
	for _, step := range a.work.Stops {
		if status[step.Do].Runs() || status[step.Do].Active == "deactivating" {
			return fmt.Errorf("cannot stop %s: its job ended with %q and it is still %s (%s)",
				step.Do, results[step.Do], status[step.Do].Active, status[step.Do].Sub)
		}
		a.done(step.Change)
	}
	return nil
}

func (a *applying) runJobs(ctx context.Context, jobs []unit.Job) (map[schema.UnitName]string, error) {
	limited, cancel := context.WithTimeout(ctx, a.JobDeadline)
	defer cancel()
	return a.Units.Run(limited, jobs)
}

// startUnits lets systemd read the units, starts, restarts and reloads, and
// watches what it started.
func (a *applying) startUnits(ctx context.Context) error {
	if a.work.DaemonReload {
		if err := a.Units.DaemonReload(ctx); err != nil {
			return err
		}
	}
	if len(a.work.Jobs) == 0 {
		return nil
	}
	jobs, err := a.readyJobs(ctx)
	if err != nil {
		return err
	}
	results, err := a.runJobs(ctx, jobs)
	if err != nil {
		return err
	}
	a.stopped = nil
	failures, err := a.judge(ctx, results)
	if err != nil {
		return err
	}
	for _, step := range a.work.Jobs {
		if _, failed := failures[step.Do.Unit]; !failed {
			a.done(step.Change)
		}
	}
	a.remember(failures)
	return a.describeFailures(ctx, failures, results)
}

// readyJobs returns the jobs, after making failed units forget their failures:
// otherwise those that failed often would not be let start.
func (a *applying) readyJobs(ctx context.Context) ([]unit.Job, error) {
	var jobs []unit.Job
	var names []schema.UnitName
	for _, step := range a.work.Jobs {
		jobs = append(jobs, step.Do)
		names = append(names, step.Do.Unit)
	}
	status, err := a.Units.List(ctx, names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if status[name].Active == "failed" || status[name].Restarting() {
			if err := a.Units.ResetFailed(ctx, name); err != nil {
				return nil, err
			}
		}
	}
	return jobs, nil
}

// judge returns the units that did not do what was asked, each with what is
// known, after watching the others for the settle time.
func (a *applying) judge(ctx context.Context, results map[schema.UnitName]string) (map[schema.UnitName]string, error) {
	failures := map[schema.UnitName]string{}
	var watched []schema.UnitName
	for _, step := range a.work.Jobs {
		switch result := results[step.Do.Unit]; result {
		case "done", "skipped":
			watched = append(watched, step.Do.Unit)
		case "waiting":
			failures[step.Do.Unit] = fmt.Sprintf("its %s has not ended after %s", step.Do.Verb, a.JobDeadline)
		default:
			failures[step.Do.Unit] = fmt.Sprintf("its %s ended with %q", step.Do.Verb, result)
		}
	}
	if len(watched) == 0 {
		return failures, nil
	}
	if err := a.watch(ctx, watched); err != nil {
		return nil, err
	}
	return failures, a.examine(ctx, watched, failures)
}

// watch waits for the settle time, or until a unit is seen to have failed.
func (a *applying) watch(ctx context.Context, names []schema.UnitName) error {
	const interval = 100 * time.Millisecond
	settle, err := time.ParseDuration(a.Manifest.Settle)
	if err != nil {
		return fmt.Errorf("cannot read the settle time: %w", err)
	}
	if settle > 0 {
		a.tell(protocol.Event{Stage: "settle"})
	}
	for end := a.Now().Add(settle); ; {
		status, err := a.Units.List(ctx, names)
		if err != nil {
			return err
		}
		for _, s := range status {
			if s.Active == "failed" || s.Restarting() {
				return nil
			}
		}
		left := end.Sub(a.Now())
		if left <= 0 {
			return nil
		}
		a.Wait(ctx, min(left, interval))
	}
}

// examine looks at each started unit once more.
func (a *applying) examine(ctx context.Context, names []schema.UnitName, failures map[schema.UnitName]string) error {
	status, err := a.Units.List(ctx, names)
	if err != nil {
		return err
	}
	for _, step := range a.work.Jobs {
		name, s := step.Do.Unit, status[step.Do.Unit]
		if !slices.Contains(names, name) {
			continue
		}
		details, err := a.Units.Details(ctx, name)
		if err != nil {
			return err
		}
		started := step.Do.Verb != unit.Reload
		switch {
		case s.Active == "failed":
			failures[name] = "it failed"
		case s.Restarting():
			failures[name] = "it ended and systemd is about to start it again"
		case started && details.Restarts > 0:
			failures[name] = fmt.Sprintf("it ended and systemd started it again, %d times in %s", details.Restarts, a.Manifest.Settle)
		case started && details.Skipped:
			a.tell(protocol.Event{Note: fmt.Sprintf("%s was not started: one of its conditions is not met", name)})
		case started && !s.Runs() && details.LongRunning():
			failures[name] = fmt.Sprintf("it does not run: it is %s (%s)", s.Active, s.Sub)
		}
	}
	return nil
}

// remember leaves only what failed to be done by the next apply.
func (a *applying) remember(failures map[schema.UnitName]string) {
	done := func(name schema.UnitName) bool { _, failed := failures[name]; return !failed }
	a.pending.Pending.Restart = slices.DeleteFunc(a.pending.Pending.Restart, done)
	a.pending.Pending.Reload = slices.DeleteFunc(a.pending.Pending.Reload, done)
}

// describeFailures makes the host's failure of the units' failures.
func (a *applying) describeFailures(ctx context.Context, failures, results map[schema.UnitName]string) error {
	var errs []error
	for _, step := range a.work.Jobs {
		if cause, failed := failures[step.Do.Unit]; failed {
			errs = append(errs, a.describeFailure(ctx, step.Do.Unit, cause, unit.Ended(results[step.Do.Unit])))
		}
	}
	return errors.Join(errs...)
}

func (a *applying) describeFailure(ctx context.Context, name schema.UnitName, cause string, started bool) error {
	text := fmt.Sprintf("unit %s failed: %s", name, cause)
	details, err := a.Units.Details(ctx, name)
	if err != nil {
		return errors.Join(errors.New(text), err)
	}
	if !started {
		details = unit.Details{} // what it tells is of an earlier start
	}
	if details.Result != "" && details.Result != "success" {
		text += "; result " + details.Result
	}
	switch details.ExitCode {
	case 1:
		text += fmt.Sprintf("; its main process exited with status %d", details.ExitStatus)
	case 2, 3:
		text += fmt.Sprintf("; its main process was killed by signal %d", details.ExitStatus)
	}
	lines, err := a.Units.Journal(ctx, name, details.Invocation, journalLines)
	if err != nil {
		return errors.Join(errors.New(text), err)
	}
	if len(lines) > 0 {
		text += "\n  the last lines of its journal:\n    " + strings.Join(lines, "\n    ")
	}
	return errors.New(text)
}

// startStopped starts what was stopped and would have been started later.
func (a *applying) startStopped(ctx context.Context) error {
	var jobs []unit.Job
	for _, name := range a.stopped {
		jobs = append(jobs, unit.Job{Unit: name, Verb: unit.Start})
	}
	results, err := a.runJobs(ctx, jobs)
	if err != nil {
		return fmt.Errorf("cannot start again what was stopped: %w", err)
	}
	for _, name := range a.stopped {
		if results[name] != "done" {
			return fmt.Errorf("cannot start %s again: its job ended with %q", name, results[name])
		}
	}
	return nil
}
