package selection

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

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/surroundings"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/schema"
)

// lastRun stands for the youngest run that there is a record of.
const lastRun = "last"

// readRecord reads the record of a run, or of the last one, from where this command
// keeps records.
func readRecord(c *cli.Context, run string) (*schema.Record, error) {
	dir := c.String("state-dir")
	if dir == "" { // a command that keeps no records has no flag
		dir = os.Getenv("NIXFLEET_STATE_DIR")
	}
	deps, err := surroundings.Deps(dir)
	if err != nil {
		return nil, err
	}
	runs, err := recordedRuns(deps.StateDir)
	if err != nil {
		return nil, err
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("--failed-of %s: there is no record of any run in %s", run, deps.StateDir)
	}
	if run == lastRun {
		run = runs[len(runs)-1]
	}
	if !slices.Contains(runs, run) {
		return nil, fmt.Errorf("--failed-of %s: there is no record of that run in %s\nhint: the last one is %s", run, deps.StateDir, runs[len(runs)-1])
	}
	data, err := os.ReadFile(executor.RecordPath(deps.StateDir, run))
	if err != nil {
		return nil, fmt.Errorf("cannot read the record of run %s: %w", run, err)
	}
	var record schema.Record
	if err := schema.DecodeKnown(data, &record); err != nil {
		return nil, fmt.Errorf("cannot read the record of run %s: %w", run, err)
	}
	if record.Kind != schema.RecordKind || record.Version != schema.RecordVersion {
		return nil, fmt.Errorf("cannot read the record of run %s: expected %s of version %d, found %q of version %d",
			run, schema.RecordKind, schema.RecordVersion, record.Kind, record.Version)
	}
	return &record, nil
}

// recordedRuns are the runs that there are records of, the oldest first: their names
// begin with the second in which they were, and of one second the files' times decide.
func recordedRuns(stateDir string) ([]string, error) {
	files, err := os.ReadDir(filepath.Dir(executor.RecordPath(stateDir, "")))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the records of runs: %w", err)
	}
	written := map[string]time.Time{}
	var runs []string
	for _, file := range files {
		run, ok := strings.CutSuffix(file.Name(), ".json")
		info, err := file.Info()
		if ok && err == nil {
			runs, written[run] = append(runs, run), info.ModTime()
		}
	}
	second := func(run string) string { return run[:max(strings.LastIndexByte(run, '-'), 0)] }
	slices.SortFunc(runs, func(a, b string) int {
		return cmp.Or(strings.Compare(second(a), second(b)), written[a].Compare(written[b]), strings.Compare(a, b))
	})
	return runs, nil
}
