package unit

import (
	"context"
	"fmt"
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	systemd "github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// stopUnits stops units and fails where one is still up.
func stopUnits(ctx context.Context, site *kind.Site, stops []job) error {
	if len(stops) == 0 {
		return nil
	}
	var jobs []systemd.Job
	var names []schema.UnitName
	for _, stop := range stops {
		jobs = append(jobs, systemd.Job{Unit: stop.Unit, Verb: systemd.Stop})
		names = append(names, stop.Unit)
	}
	results, err := runJobs(ctx, site, jobs)
	if err != nil {
		return err
	}
	status, err := site.Units.List(ctx, names)
	if err != nil {
		return err
	}
	for _, name := range names {
		if s := status[name]; s.Runs() || s.Active == "deactivating" {
			return fmt.Errorf("cannot stop %s: its job ended with %q and it is still %s (%s)", name, results[name], s.Active, s.Sub)
		}
	}
	return nil
}

func runJobs(ctx context.Context, site *kind.Site, jobs []systemd.Job) (map[schema.UnitName]string, error) {
	limited, cancel := context.WithTimeout(ctx, site.JobDeadline)
	defer cancel()
	return site.Units.Run(limited, jobs)
}

// forget resets what is gone, or masked, and failed: it can neither be started nor
// looked into any more.
func (s *start) forget(ctx context.Context, site *kind.Site) error {
	status, err := site.Units.List(ctx, s.Forget)
	if err != nil {
		return err
	}
	for _, name := range s.Forget {
		if status[name].Active != "failed" {
			continue
		}
		if err := site.Units.ResetFailed(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// noteUnmasked names the units that may start now and were not started: that is for
// the next boot, or for a person who knows why they were masked.
func (s *start) noteUnmasked(ctx context.Context, site *kind.Site) error {
	for _, u := range s.Unmasked {
		details, err := site.Units.Details(ctx, u.Unit)
		if err != nil {
			return err
		}
		switch {
		case details.Enablement == "enabled":
			site.Note(fmt.Sprintf("%s is unmasked and not started; it is enabled, so it starts at the next boot", u.Unit))
		case u.Ran:
			site.Note(fmt.Sprintf("%s is unmasked and not started; it ran when it was masked", u.Unit))
		}
	}
	return nil
}

// readyJobs returns the jobs, with those of units that went down with what was
// stopped. Each unit first forgets its failures and restarts: otherwise systemd
// would not start one that failed often, and old restarts would count as new ones.
func (s *start) readyJobs(ctx context.Context, site *kind.Site) ([]systemd.Job, error) {
	var jobs []systemd.Job
	names := slices.Clone(s.Keep)
	for _, job := range s.Jobs {
		jobs = append(jobs, systemd.Job{Unit: job.Unit, Verb: job.Verb})
		names = append(names, job.Unit)
	}
	status, err := site.Units.List(ctx, names)
	if err != nil {
		return nil, err
	}
	for _, name := range s.Keep {
		if s.Stopped && status[name].Active == "inactive" {
			site.Note(fmt.Sprintf("%s went down with another unit and is started again", name))
			jobs = append(jobs, systemd.Job{Unit: name, Verb: systemd.Start})
		}
	}
	for _, job := range jobs {
		if job.Verb == systemd.Reload {
			continue
		}
		if err := site.Units.ResetFailed(ctx, job.Unit); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}
