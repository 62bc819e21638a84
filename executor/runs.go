package executor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/engine"
	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/journal"
	"github.com/nixfleet/nixfleet/schema"
)

// RunSummary is a run as a list shows it.
type RunSummary struct {
	Run string `json:"run"`
	// Task is what it did where it did not carry out a plan.
	Task     string        `json:"task,omitempty"`
	Digest   schema.Digest `json:"digest,omitempty"`
	Fleet    string        `json:"fleet"`
	Operator string        `json:"operator"`
	Started  time.Time     `json:"started"`
	// Finished is absent of a run that has not come to its end.
	Finished *time.Time `json:"finished,omitempty"`
	// State is "at work", "died", or the verdict.
	State string `json:"state"`
	// Verdict is absent of a run that has not come to its end.
	Verdict schema.Verdict `json:"verdict,omitempty"`
	Halted  string         `json:"halted,omitempty"`
	// Hosts is how many hosts it takes, and Outcomes how many of them ended how.
	Hosts    int                    `json:"hosts"`
	Outcomes map[schema.Outcome]int `json:"outcomes,omitempty"`
	// Left is how many hosts are left for a process that resumes it.
	Left int `json:"left,omitempty"`
	// Problem says why no more is known of it.
	Problem string `json:"problem,omitempty"`
}

// RunStory is a run with all that was kept of it.
type RunStory struct {
	RunSummary
	// Record is its record, as far as it was written.
	Record *schema.Record `json:"record"`
	// Journal is what it noted; absent of a run that cannot be resumed.
	Journal []schema.Entry `json:"journal,omitempty"`
}

// The states of a run that has no verdict.
const (
	RunAtWork = "at work"
	RunDied   = "died"
)

// Runs returns the runs of which this state directory has a record, the newest first:
// the last ones, or all where that is 0.
func Runs(stateDir string, last int) ([]RunSummary, error) {
	names, err := recorded(stateDir)
	if err != nil {
		return nil, err
	}
	if last > 0 {
		names = names[:min(last, len(names))]
	}
	var runs []RunSummary
	for _, run := range names {
		story, err := ReadRun(stateDir, run)
		if err != nil {
			runs = append(runs, RunSummary{Run: run, Problem: err.Error()})
			continue
		}
		runs = append(runs, story.RunSummary)
	}
	return runs, nil
}

// recorded returns the names of the runs that have a record, the newest first: names
// begin with the second in which a run began, and of one second the files' times decide.
func recorded(stateDir string) (names []string, err error) {
	files, err := os.ReadDir(filepath.Join(stateDir, "runs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list runs: %w", err)
	}
	written := map[string]time.Time{}
	for _, file := range files {
		run, isRecord := strings.CutSuffix(file.Name(), ".json")
		if info, err := file.Info(); isRecord && err == nil {
			names, written[run] = append(names, run), info.ModTime()
		}
	}
	second := func(run string) string { return run[:max(strings.LastIndexByte(run, '-'), 0)] }
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(strings.Compare(second(b), second(a)), written[b].Compare(written[a]), strings.Compare(b, a))
	})
	return names, nil
}

// LastRun stands for the newest run.
const LastRun = "last"

// FindRun returns the run that a name means: [LastRun], its name, or the beginning of it.
func FindRun(stateDir, name string) (string, error) {
	names, err := recorded(stateDir)
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		return "", fault.New(fault.Refused, "no run is recorded in %s", filepath.Join(stateDir, "runs"))
	}
	var found []string
	for _, run := range names {
		if run == name || name == LastRun {
			return run, nil
		}
		if name != "" && strings.HasPrefix(run, name) {
			found = append(found, run)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fault.New(fault.Refused, "there is no run %q in %s", name, filepath.Join(stateDir, "runs")).
			WithHint("the last one is %s; nixfleet runs lists them", names[0])
	}
	return "", fault.New(fault.Refused, "%q begins the names of %d runs: %s, …", name, len(found), strings.Join(found[:2], ", ")).
		WithHint("write more of the name; nixfleet runs lists them")
}

// ReadRun returns all that was kept of a run.
func ReadRun(stateDir, run string) (*RunStory, error) {
	data, err := os.ReadFile(RecordPath(stateDir, run))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Refused, "there is no run %q in %s", run, filepath.Join(stateDir, "runs")).
			WithHint("nixfleet runs lists runs")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the record of the run: %w", err)
	}
	record := new(schema.Record)
	if err := schema.DecodeKnown(data, record); err != nil {
		return nil, fmt.Errorf("cannot read the record of run %s: %w", run, err)
	}
	if record.Kind != schema.RecordKind || record.Version != schema.RecordVersion {
		return nil, fmt.Errorf("cannot read the record of run %s: expected %s in version %d, found %q in version %d", run, schema.RecordKind, schema.RecordVersion, record.Kind, record.Version)
	}
	story := &RunStory{Record: record}
	entries, atWork, err := journal.Read(filepath.Join(stateDir, "runs"), run)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		story.Problem = err.Error()
	default:
		story.Journal = entries
	}
	story.RunSummary = summaryOf(story, atWork)
	return story, nil
}

func summaryOf(story *RunStory, atWork bool) RunSummary {
	r := story.Record
	s := RunSummary{
		Run: r.Run, Task: r.Task, Digest: r.Digest, Fleet: r.Fleet, Operator: r.Operator, Started: r.Started, Finished: r.Finished,
		Verdict: r.Verdict, Halted: r.Halted, State: string(r.Verdict), Hosts: len(r.Hosts), Problem: story.Problem,
	}
	switch {
	case atWork:
		s.State = RunAtWork
	case r.Verdict == "":
		s.State = RunDied
	}
	outcomes := map[schema.HostName]schema.Outcome{}
	if r.Verdict != "" {
		for host, record := range r.Hosts {
			outcomes[host] = record.Outcome
		}
	}
	if len(story.Journal) > 0 {
		told := engine.Tell(story.Journal)
		s.Left = len(told.Left())
		if r.Verdict == "" {
			s.Halted = told.Halted
			for host, turn := range told.Ended {
				outcomes[host] = turn.Record.Outcome
			}
		}
	}
	for _, outcome := range outcomes {
		if s.Outcomes == nil {
			s.Outcomes = map[schema.Outcome]int{}
		}
		s.Outcomes[outcome]++
	}
	return s
}
