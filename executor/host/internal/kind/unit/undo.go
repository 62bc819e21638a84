package unit

import (
	"context"
	"fmt"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	systemd "github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// quietUnits stops what the change has started, while systemd still knows the
// texts under which it runs.
func quietUnits(ctx context.Context, site *kind.Site, units []before) error {
	touched, err := touchedUnits(ctx, site, units)
	if err != nil {
		return err
	}
	var stops []job
	for _, u := range units {
		if touched[u.Unit] && (!u.Ran || u.Stops) {
			stops = append(stops, job{Unit: u.Unit})
		}
	}
	return stopUnits(ctx, site, stops)
}

func unitNames(units []before) []schema.UnitName {
	names := make([]schema.UnitName, len(units))
	for i, u := range units {
		names[i] = u.Unit
	}
	return names
}

// touchedUnits returns the units that run, or try to, since another start than before.
func touchedUnits(ctx context.Context, site *kind.Site, units []before) (map[schema.UnitName]bool, error) {
	status, err := site.Units.List(ctx, unitNames(units))
	if err != nil {
		return nil, err
	}
	touched := map[schema.UnitName]bool{}
	for _, u := range units {
		s := status[u.Unit]
		switch {
		case !s.Runs() && !s.Restarting():
		case !u.Ran:
			touched[u.Unit] = true
		default:
			details, err := site.Units.Details(ctx, u.Unit)
			if err != nil {
				return nil, err
			}
			touched[u.Unit] = details.Invocation != u.Invocation
		}
	}
	return touched, nil
}

// wakeUnits has units run again that ran before, under their old texts, and resets
// those that were not there. It fails with those that do not run.
func wakeUnits(ctx context.Context, site *kind.Site, units []before) error {
	jobs, err := wakingJobs(ctx, site, units)
	if err != nil || len(jobs) == 0 {
		return err
	}
	results, err := runJobs(ctx, site, jobs)
	if err != nil {
		return err
	}
	var idle []string
	status, err := site.Units.List(ctx, unitNames(units))
	if err != nil {
		return err
	}
	for _, job := range jobs {
		if s := status[job.Unit]; !s.Runs() && job.Verb != systemd.Reload {
			idle = append(idle, fmt.Sprintf("%s ran before and does not run: its %s ended with %q and it is %s (%s)", job.Unit, job.Verb, results[job.Unit], s.Active, s.Sub))
		}
	}
	if len(idle) > 0 {
		return &kind.NotRunningError{Units: idle}
	}
	return nil
}

func wakingJobs(ctx context.Context, site *kind.Site, units []before) ([]systemd.Job, error) {
	touched, err := touchedUnits(ctx, site, units)
	if err != nil {
		return nil, err
	}
	status, err := site.Units.List(ctx, unitNames(units))
	if err != nil {
		return nil, err
	}
	var jobs []systemd.Job
	for _, u := range units {
		s := status[u.Unit]
		switch {
		case !u.Ran && s.Active == "failed" && !u.Failed:
			err = site.Units.ResetFailed(ctx, u.Unit)
		case !u.Ran:
		case !s.Runs():
			err = site.Units.ResetFailed(ctx, u.Unit)
			jobs = append(jobs, systemd.Job{Unit: u.Unit, Verb: systemd.Start})
		case touched[u.Unit] && u.Verb != "":
			err = site.Units.ResetFailed(ctx, u.Unit)
			jobs = append(jobs, systemd.Job{Unit: u.Unit, Verb: systemd.Restart})
		case u.Verb == systemd.Reload:
			jobs = append(jobs, systemd.Job{Unit: u.Unit, Verb: systemd.Reload})
		}
		if err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

// bootUnits asks systemd, which has read the half-changed units at this boot, to
// do what the old ones ask for. It cannot wait: units come after us.
func bootUnits(ctx context.Context, site *kind.Site, units []before) error {
	var stops, others []systemd.Job
	for _, u := range units {
		if !u.Stops && u.Verb == "" {
			continue
		}
		if !u.Boots && !u.Ran {
			stops = append(stops, systemd.Job{Unit: u.Unit, Verb: systemd.Stop})
			continue
		}
		// What has started already, under the text of the change, does so again.
		others = append(others, systemd.Job{Unit: u.Unit, Verb: systemd.TryRestart})
		if u.Boots {
			others = append(others, systemd.Job{Unit: u.Unit, Verb: systemd.Start})
		}
	}
	for _, jobs := range [][]systemd.Job{stops, others} {
		if len(jobs) == 0 {
			continue
		}
		// A unit that is not there any more has nothing to stop.
		if _, err := site.Units.Enqueue(ctx, jobs); err != nil {
			return err
		}
	}
	return nil
}
