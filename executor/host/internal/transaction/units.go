package transaction

import (
	"context"
	"fmt"
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

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

func (t *transaction) runJobs(ctx context.Context, jobs []unit.Job) (map[schema.UnitName]string, error) {
	limited, cancel := context.WithTimeout(ctx, t.JobDeadline)
	defer cancel()
	return t.Units.Run(limited, jobs)
}

// startUnits lets systemd read the units, starts, restarts and reloads, and
// watches what it started.
func (a *applying) startUnits(ctx context.Context) error {
	if a.work.DaemonReload {
		if err := a.Units.DaemonReload(ctx); err != nil {
			return err
		}
	}
	if err := a.forget(ctx); err != nil {
		return err
	}
	if err := a.tellUnmasked(ctx); err != nil {
		return err
	}
	jobs, err := a.readyJobs(ctx)
	if err != nil || len(jobs) == 0 {
		return err
	}
	results, err := a.runJobs(ctx, jobs)
	if err != nil {
		return err
	}
	failures, err := a.judge(ctx, jobs, results)
	if err != nil {
		return err
	}
	for _, step := range a.work.Jobs {
		if _, failed := failures[step.Do.Unit]; !failed {
			a.done(step.Change)
		}
	}
	return a.describeFailures(ctx, failures, results)
}

// forget lets what is gone, or masked, not be left as failed: it can neither be
// started nor looked into any more.
func (a *applying) forget(ctx context.Context) error {
	status, err := a.Units.List(ctx, a.work.Forget)
	if err != nil {
		return err
	}
	for _, name := range a.work.Forget {
		if status[name].Active != "failed" {
			continue
		}
		if err := a.Units.ResetFailed(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// tellUnmasked tells of what may start now and was not started: that is for the
// next boot, or for somebody who knows why it was masked.
func (a *applying) tellUnmasked(ctx context.Context) error {
	for _, step := range a.work.Removals {
		name := step.Do.Unmasks
		if name == "" || name.IsTemplate() {
			continue
		}
		details, err := a.Units.Details(ctx, name)
		if err != nil {
			return err
		}
		switch enabled := details.Enablement == "enabled"; {
		case enabled:
			a.tell(protocol.Event{Note: fmt.Sprintf("%s is unmasked and not started; it is enabled, so it starts at the next boot", name)})
		case step.Do.Original.Active:
			a.tell(protocol.Event{Note: fmt.Sprintf("%s is unmasked and not started; it ran when it was masked", name)})
		}
	}
	return nil
}

// readyJobs returns the jobs, with those of units that went down with what was
// stopped. Each unit first forgets its failures and restarts: otherwise one that
// failed often would not be let start, and old restarts would count as new ones.
func (a *applying) readyJobs(ctx context.Context) ([]unit.Job, error) {
	var jobs []unit.Job
	names := slices.Clone(a.work.Keep)
	for _, step := range a.work.Jobs {
		jobs = append(jobs, step.Do)
		names = append(names, step.Do.Unit)
	}
	status, err := a.Units.List(ctx, names)
	if err != nil {
		return nil, err
	}
	for _, name := range a.work.Keep {
		if s := status[name]; len(a.work.Stops) > 0 && s.Active == "inactive" {
			a.tell(protocol.Event{Note: fmt.Sprintf("%s went down with another unit and is started again", name)})
			jobs = append(jobs, unit.Job{Unit: name, Verb: unit.Start})
		}
	}
	for _, job := range jobs {
		if job.Verb == unit.Reload {
			continue
		}
		if err := a.Units.ResetFailed(ctx, job.Unit); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}
