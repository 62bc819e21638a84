package transaction

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// unitBefore is a unit that the change concerns, as it was.
type unitBefore struct {
	Unit schema.UnitName `json:"unit"`
	// Ran and Failed tell how it was, and Boots whether it starts at boot.
	Ran    bool `json:"ran,omitempty"`
	Failed bool `json:"failed,omitempty"`
	Boots  bool `json:"boots,omitempty"`
	// Invocation is the start that it ran since.
	Invocation string `json:"invocation,omitempty"`
	// Stops says that the change stops it, and Verb what else; either may be missing.
	Stops bool      `json:"stops,omitempty"`
	Verb  unit.Verb `json:"verb,omitempty"`
}

// captureUnits notes how the units are that the change concerns.
func (a *applying) captureUnits(ctx context.Context) error {
	units := map[schema.UnitName]*unitBefore{}
	var names []schema.UnitName
	at := func(name schema.UnitName) *unitBefore {
		if units[name] == nil {
			units[name] = &unitBefore{Unit: name}
			names = append(names, name)
		}
		return units[name]
	}
	for _, step := range a.work.Stops {
		at(step.Do).Stops = true
	}
	for _, step := range a.work.Jobs {
		at(step.Do.Unit).Verb = step.Do.Verb
	}
	for _, name := range a.work.Keep {
		at(name)
	}
	status, err := a.Units.List(ctx, names)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		u := units[name]
		u.Ran, u.Failed = status[name].Runs(), status[name].Active == "failed"
		if status[name].Load == "loaded" {
			details, err := a.Units.Details(ctx, name)
			if err != nil {
				return err
			}
			u.Invocation = details.Invocation
			u.Boots = strings.HasPrefix(details.Enablement, "enabled") || u.Ran && details.Enablement != "disabled" && details.Enablement != "masked"
		}
		a.record.Units = append(a.record.Units, *u)
	}
	return nil
}

// quietUnits stops what the change has started, while systemd still knows the
// texts under which it runs.
func (t *transaction) quietUnits(ctx context.Context) error {
	touched, err := t.touched(ctx)
	if err != nil {
		return err
	}
	var jobs []unit.Job
	for _, u := range t.record.Units {
		if touched[u.Unit] && (!u.Ran || u.Stops) {
			jobs = append(jobs, unit.Job{Unit: u.Unit, Verb: unit.Stop})
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	results, err := t.runJobs(ctx, jobs)
	if err != nil {
		return err
	}
	status, err := t.Units.List(ctx, t.unitNames())
	if err != nil {
		return err
	}
	for _, job := range jobs {
		if s := status[job.Unit]; s.Runs() || s.Active == "deactivating" {
			return fmt.Errorf("cannot stop %s: its job ended with %q and it is still %s (%s)", job.Unit, results[job.Unit], s.Active, s.Sub)
		}
	}
	return nil
}

func (t *transaction) unitNames() []schema.UnitName {
	names := make([]schema.UnitName, len(t.record.Units))
	for i, u := range t.record.Units {
		names[i] = u.Unit
	}
	return names
}

// touched returns the units that run, or try to, since another start than before.
func (t *transaction) touched(ctx context.Context) (map[schema.UnitName]bool, error) {
	status, err := t.Units.List(ctx, t.unitNames())
	if err != nil {
		return nil, err
	}
	touched := map[schema.UnitName]bool{}
	for _, u := range t.record.Units {
		s := status[u.Unit]
		switch {
		case !s.Runs() && !s.Restarting():
		case !u.Ran:
			touched[u.Unit] = true
		default:
			details, err := t.Units.Details(ctx, u.Unit)
			if err != nil {
				return nil, err
			}
			touched[u.Unit] = details.Invocation != u.Invocation
		}
	}
	return touched, nil
}

// wakeUnits makes units run again that ran before, under their old texts, and
// lets those be forgotten that were not there. It returns which do not run.
func (t *transaction) wakeUnits(ctx context.Context) (idle []string, err error) {
	jobs, err := t.wakingJobs(ctx)
	if err != nil || len(jobs) == 0 {
		return nil, err
	}
	results, err := t.runJobs(ctx, jobs)
	if err != nil {
		return nil, err
	}
	status, err := t.Units.List(ctx, t.unitNames())
	if err != nil {
		return nil, err
	}
	for _, job := range jobs {
		if s := status[job.Unit]; !s.Runs() && job.Verb != unit.Reload {
			idle = append(idle, fmt.Sprintf("%s ran before and does not run: its %s ended with %q and it is %s (%s)", job.Unit, job.Verb, results[job.Unit], s.Active, s.Sub))
		}
	}
	return idle, nil
}

func (t *transaction) wakingJobs(ctx context.Context) ([]unit.Job, error) {
	touched, err := t.touched(ctx)
	if err != nil {
		return nil, err
	}
	status, err := t.Units.List(ctx, t.unitNames())
	if err != nil {
		return nil, err
	}
	var jobs []unit.Job
	for _, u := range t.record.Units {
		s := status[u.Unit]
		switch {
		case !u.Ran && s.Active == "failed" && !u.Failed:
			err = t.Units.ResetFailed(ctx, u.Unit)
		case !u.Ran:
		case !s.Runs():
			err = t.Units.ResetFailed(ctx, u.Unit)
			jobs = append(jobs, unit.Job{Unit: u.Unit, Verb: unit.Start})
		case touched[u.Unit] && u.Verb != "":
			err = t.Units.ResetFailed(ctx, u.Unit)
			jobs = append(jobs, unit.Job{Unit: u.Unit, Verb: unit.Restart})
		case u.Verb == unit.Reload:
			jobs = append(jobs, unit.Job{Unit: u.Unit, Verb: unit.Reload})
		}
		if err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

// bootUnits asks systemd, which has read the half-changed units at this boot, to
// do what the old ones ask for. It cannot wait: units come after us.
func (t *transaction) bootUnits(ctx context.Context) error {
	var stops, others []unit.Job
	for _, u := range t.record.Units {
		if !u.Stops && u.Verb == "" {
			continue
		}
		if !u.Boots && !u.Ran {
			stops = append(stops, unit.Job{Unit: u.Unit, Verb: unit.Stop})
			continue
		}
		// What has started already, under the text of the change, does so again.
		others = append(others, unit.Job{Unit: u.Unit, Verb: unit.TryRestart})
		if u.Boots {
			others = append(others, unit.Job{Unit: u.Unit, Verb: unit.Start})
		}
	}
	for _, jobs := range [][]unit.Job{stops, others} {
		if len(jobs) == 0 {
			continue
		}
		// A unit that is not there any more has nothing to stop.
		if _, err := t.Units.Enqueue(ctx, jobs); err != nil {
			return err
		}
	}
	return nil
}
