package unit

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	systemd "github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// work is everything that units do because of a change.
type work struct {
	stops, jobs []job
	// keep are enabled units that run, and must still run when the work is done.
	keep []schema.UnitName
	// forget are units that will not be there any more, or not start.
	forget   []schema.UnitName
	unmasked []unmasked
	reload   bool
	settle   string

	before []before
}

// job is something to do to a unit, and what is reported of it.
type job struct {
	Unit   schema.UnitName `json:"unit"`
	Verb   systemd.Verb    `json:"verb"`
	Change *schema.Change  `json:"change"`
}

// unmasked is a unit that may start again, and whether it ran when it was masked.
type unmasked struct {
	Unit schema.UnitName `json:"unit"`
	Ran  bool            `json:"ran,omitempty"`
}

// before is a unit that the change concerns, as it was.
type before struct {
	Unit schema.UnitName `json:"unit"`
	// Ran and Failed tell how it was, and Boots whether it starts at boot.
	Ran    bool `json:"ran,omitempty"`
	Failed bool `json:"failed,omitempty"`
	Boots  bool `json:"boots,omitempty"`
	// Invocation is the start that it ran since.
	Invocation string `json:"invocation,omitempty"`
	// Stops says that the change stops it, and Verb what else; either may be missing.
	Stops bool         `json:"stops,omitempty"`
	Verb  systemd.Verb `json:"verb,omitempty"`
}

// stopWork and startWork are the two halves of the work.
type (
	stopWork  struct{ *work }
	startWork struct{ *work }
)

// Capture notes how the units are that the change concerns.
func (w stopWork) Capture(ctx context.Context, site *kind.Site) (kind.Step, error) {
	if err := w.look(ctx, site); err != nil {
		return nil, err
	}
	return &stop{Units: w.before, Stops: w.stops, Reload: w.reload}, nil
}

// Capture returns the step that starts them; its other half has looked at them.
func (w startWork) Capture(context.Context, *kind.Site) (kind.Step, error) {
	return &start{
		Units: w.before, Jobs: w.jobs, Keep: w.keep, Forget: w.forget, Unmasked: w.unmasked,
		Stopped: len(w.stops) > 0, Reload: w.reload, Settle: w.settle,
	}, nil
}

// look notes how the units are.
func (w *work) look(ctx context.Context, site *kind.Site) error {
	units := map[schema.UnitName]*before{}
	var names []schema.UnitName
	at := func(name schema.UnitName) *before {
		if units[name] == nil {
			units[name] = &before{Unit: name}
			names = append(names, name)
		}
		return units[name]
	}
	for _, job := range w.stops {
		at(job.Unit).Stops = true
	}
	for _, job := range w.jobs {
		at(job.Unit).Verb = job.Verb
	}
	for _, name := range w.keep {
		at(name)
	}
	status, err := site.Units.List(ctx, names)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		u := units[name]
		u.Ran, u.Failed = status[name].Runs(), status[name].Active == "failed"
		if status[name].Load == "loaded" {
			details, err := site.Units.Details(ctx, name)
			if err != nil {
				return err
			}
			u.Invocation = details.Invocation
			u.Boots = strings.HasPrefix(details.Enablement, "enabled") || u.Ran && details.Enablement != "disabled" && details.Enablement != "masked"
		}
		w.before = append(w.before, *u)
	}
	return nil
}

// stop stops units under their old text. Undone, it lets systemd read the old text
// again and has those run that ran before.
type stop struct {
	Units  []before `json:"units"`
	Stops  []job    `json:"stops,omitempty"`
	Reload bool     `json:"reload,omitempty"`
}

func (s *stop) Directories() []string { return nil }

func (s *stop) Check(*kind.Site) (string, error) { return "", nil }

func (s *stop) Do(ctx context.Context, site *kind.Site) error {
	if err := stopUnits(ctx, site, s.Stops); err != nil {
		return err
	}
	for _, job := range s.Stops {
		site.Done(job.Change)
	}
	return nil
}

func (s *stop) Undo(ctx context.Context, site *kind.Site) error {
	var err error
	if s.Reload {
		err = site.Units.DaemonReload(ctx)
	}
	if site.Booting {
		return errors.Join(err, bootUnits(ctx, site, s.Units))
	}
	return errors.Join(err, wakeUnits(ctx, site, s.Units))
}

// start lets systemd read the units, starts, restarts and reloads, and watches what it
// started. Undone, it stops what it has started, while systemd still knows the text
// under which it runs.
type start struct {
	Units []before `json:"units"`
	Jobs  []job    `json:"jobs,omitempty"`
	// Keep are enabled units that run, and Forget are those that will not be there.
	Keep     []schema.UnitName `json:"keep,omitempty"`
	Forget   []schema.UnitName `json:"forget,omitempty"`
	Unmasked []unmasked        `json:"unmasked,omitempty"`
	// Stopped says that units were stopped before.
	Stopped bool `json:"stopped,omitempty"`
	Reload  bool `json:"reload,omitempty"`
	// Settle is how long units are watched: a Go duration.
	Settle string `json:"settle"`
}

func (s *start) Directories() []string { return nil }

func (s *start) Check(*kind.Site) (string, error) { return "", nil }

func (s *start) Do(ctx context.Context, site *kind.Site) error {
	if s.Reload {
		if err := site.Units.DaemonReload(ctx); err != nil {
			return err
		}
	}
	if err := s.forget(ctx, site); err != nil {
		return err
	}
	if err := s.noteUnmasked(ctx, site); err != nil {
		return err
	}
	jobs, err := s.readyJobs(ctx, site)
	if err != nil || len(jobs) == 0 {
		return err
	}
	results, err := runJobs(ctx, site, jobs)
	if err != nil {
		return err
	}
	failures, err := s.judge(ctx, site, jobs, results)
	if err != nil {
		return err
	}
	for _, job := range s.Jobs {
		if _, failed := failures[job.Unit]; !failed {
			site.Done(job.Change)
		}
	}
	return describeFailures(ctx, site, failures, results)
}

func (s *start) Undo(ctx context.Context, site *kind.Site) error {
	if site.Booting {
		return nil // nothing has started yet
	}
	return quietUnits(ctx, site, s.Units)
}
