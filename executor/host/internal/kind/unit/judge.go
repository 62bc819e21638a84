package unit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	systemd "github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// journalLines is how much of a failed unit's journal is told.
const journalLines = 10

// judge returns the units that did not do what was asked, each with what is
// known, after watching the others for the settle time.
func (s *start) judge(ctx context.Context, site *kind.Site, jobs []systemd.Job, results map[schema.UnitName]string) (map[schema.UnitName]string, error) {
	failures := map[schema.UnitName]string{}
	verbs := map[schema.UnitName]systemd.Verb{}
	for _, name := range s.Keep {
		verbs[name] = systemd.Reload // what was not asked to start is judged as what was reloaded
	}
	for _, job := range jobs {
		delete(verbs, job.Unit)
		switch result := results[job.Unit]; result {
		case "done", "skipped":
			verbs[job.Unit] = job.Verb
		case "waiting":
			failures[job.Unit] = fmt.Sprintf("its %s has not ended after %s", job.Verb, site.JobDeadline)
		default:
			failures[job.Unit] = fmt.Sprintf("its %s ended with %q", job.Verb, result)
		}
	}
	if len(verbs) == 0 {
		return failures, nil
	}
	if err := s.watch(ctx, site, slices.Sorted(maps.Keys(verbs))); err != nil {
		return nil, err
	}
	return failures, s.examine(ctx, site, verbs, failures)
}

// watch waits for the settle time, or until a unit is seen to have failed.
func (s *start) watch(ctx context.Context, site *kind.Site, names []schema.UnitName) error {
	const interval = 100 * time.Millisecond
	settle, err := time.ParseDuration(s.Settle)
	if err != nil {
		return fmt.Errorf("cannot read the settle time: %w", err)
	}
	if settle > 0 {
		site.Tell(protocol.Event{Stage: schema.StageSettle})
	}
	for end := site.Now().Add(settle); ; {
		status, err := site.Units.List(ctx, names)
		if err != nil {
			return err
		}
		for _, now := range status {
			if now.Active == "failed" || now.Restarting() {
				return nil
			}
		}
		left := end.Sub(site.Now())
		if left <= 0 {
			return nil
		}
		site.Wait(ctx, min(left, interval))
	}
}

// examine looks at each unit once more.
func (s *start) examine(ctx context.Context, site *kind.Site, verbs map[schema.UnitName]systemd.Verb, failures map[schema.UnitName]string) error {
	names := slices.Sorted(maps.Keys(verbs))
	status, err := site.Units.List(ctx, names)
	if err != nil {
		return err
	}
	for _, name := range names {
		now, started := status[name], verbs[name] != systemd.Reload
		if !started && now.Runs() {
			continue
		}
		details, err := site.Units.Details(ctx, name)
		if err != nil {
			return err
		}
		switch {
		case now.Active == "failed":
			failures[name] = "it failed"
		case now.Restarting():
			failures[name] = "it ended and systemd is about to start it again"
		case started && details.Restarts > 0:
			failures[name] = fmt.Sprintf("it ended and systemd started it again, %d times in %s", details.Restarts, s.Settle)
		case started && details.Skipped:
			site.Note(fmt.Sprintf("%s was not started: one of its conditions is not met", name))
		case started && !now.Runs() && details.LongRunning():
			failures[name] = fmt.Sprintf("it does not run: it is %s (%s)", now.Active, now.Sub)
		}
	}
	return nil
}

// describeFailures makes the host's failure of the units' failures.
func describeFailures(ctx context.Context, site *kind.Site, failures, results map[schema.UnitName]string) error {
	if len(failures) == 0 {
		return nil
	}
	failed := &kind.UnitsError{Units: slices.Sorted(maps.Keys(failures))}
	var errs []error
	for _, name := range failed.Units {
		result, had := results[name]
		errs = append(errs, describeFailure(ctx, site, name, failures[name], !had || systemd.Ended(result)))
	}
	failed.Err = errors.Join(errs...)
	return failed
}

func describeFailure(ctx context.Context, site *kind.Site, name schema.UnitName, cause string, started bool) error {
	text := fmt.Sprintf("unit %s failed: %s", name, cause)
	details, err := site.Units.Details(ctx, name)
	if err != nil {
		return errors.Join(errors.New(text), err)
	}
	if !started {
		details = systemd.Details{} // what it tells is of an earlier start
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
	lines, err := site.Units.Journal(ctx, name, details.Invocation, journalLines)
	if err != nil {
		return errors.Join(errors.New(text), err)
	}
	if len(lines) > 0 {
		text += "\n  the last lines of its journal:\n    " + strings.Join(lines, "\n    ")
	}
	return errors.New(text)
}
