package transaction

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// journalLines is how much of a failed unit's journal is told.
const journalLines = 10

// judge returns the units that did not do what was asked, each with what is
// known, after watching the others for the settle time.
func (a *applying) judge(ctx context.Context, jobs []unit.Job, results map[schema.UnitName]string) (map[schema.UnitName]string, error) {
	failures := map[schema.UnitName]string{}
	verbs := map[schema.UnitName]unit.Verb{}
	for _, name := range a.work.Keep {
		verbs[name] = unit.Reload // what was not asked to start is judged as what was reloaded
	}
	for _, job := range jobs {
		delete(verbs, job.Unit)
		switch result := results[job.Unit]; result {
		case "done", "skipped":
			verbs[job.Unit] = job.Verb
		case "waiting":
			failures[job.Unit] = fmt.Sprintf("its %s has not ended after %s", job.Verb, a.JobDeadline)
		default:
			failures[job.Unit] = fmt.Sprintf("its %s ended with %q", job.Verb, result)
		}
	}
	if len(verbs) == 0 {
		return failures, nil
	}
	if err := a.watch(ctx, slices.Sorted(maps.Keys(verbs))); err != nil {
		return nil, err
	}
	return failures, a.examine(ctx, verbs, failures)
}

// watch waits for the settle time, or until a unit is seen to have failed.
func (a *applying) watch(ctx context.Context, names []schema.UnitName) error {
	const interval = 100 * time.Millisecond
	settle, err := time.ParseDuration(a.order.Manifest.Settle)
	if err != nil {
		return fmt.Errorf("cannot read the settle time: %w", err)
	}
	if settle > 0 {
		a.tell(protocol.Event{Stage: schema.StageSettle})
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

// examine looks at each unit once more.
func (a *applying) examine(ctx context.Context, verbs map[schema.UnitName]unit.Verb, failures map[schema.UnitName]string) error {
	names := slices.Sorted(maps.Keys(verbs))
	status, err := a.Units.List(ctx, names)
	if err != nil {
		return err
	}
	for _, name := range names {
		s, started := status[name], verbs[name] != unit.Reload
		if !started && s.Runs() {
			continue
		}
		details, err := a.Units.Details(ctx, name)
		if err != nil {
			return err
		}
		switch {
		case s.Active == "failed":
			failures[name] = "it failed"
		case s.Restarting():
			failures[name] = "it ended and systemd is about to start it again"
		case started && details.Restarts > 0:
			failures[name] = fmt.Sprintf("it ended and systemd started it again, %d times in %s", details.Restarts, a.order.Manifest.Settle)
		case started && details.Skipped:
			a.tell(protocol.Event{Note: fmt.Sprintf("%s was not started: one of its conditions is not met", name)})
		case started && !s.Runs() && details.LongRunning():
			failures[name] = fmt.Sprintf("it does not run: it is %s (%s)", s.Active, s.Sub)
		}
	}
	return nil
}

// describeFailures makes the host's failure of the units' failures.
func (a *applying) describeFailures(ctx context.Context, failures, results map[schema.UnitName]string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(failures)) {
		result, had := results[name]
		errs = append(errs, a.describeFailure(ctx, name, failures[name], !had || unit.Ended(result)))
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
