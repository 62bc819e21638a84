package policy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/bounded"
	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// Source is where policies are.
type Source struct {
	// Root is the fleet's directory, below which imports are read.
	Root string
	// Directory is where the policies are in it.
	Directory string
}

// Open returns the source of a directory that somebody names: a fleet, or a directory
// of policies, which is in a fleet or stands alone.
func Open(dir string) (Source, error) {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return Source{}, missing(fmt.Sprintf("there is no directory %q", dir))
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return Source{}, err
	}
	if real, err = filepath.Abs(real); err != nil {
		return Source{}, err
	}
	exists := func(parts ...string) bool {
		_, err := os.Stat(filepath.Join(parts...))
		return err == nil
	}
	switch above := filepath.Dir(real); {
	case exists(real, "flake.nix") || exists(real, Directory):
		return Source{Root: real, Directory: Directory}, nil
	case exists(above, "flake.nix"):
		return Source{Root: above, Directory: filepath.Base(real)}, nil
	}
	return Source{Root: real, Directory: "."}, nil
}

func missing(summary string) error {
	return diagnostic.List{{
		Code: diagnostic.PolicyMissing, Severity: diagnostic.Error, Summary: summary,
		Hint: "name a fleet, whose policies are in " + Directory + "/*.jsonnet, or a directory of policies",
	}}
}

// files lists the policies, and their tests.
func (s Source) files() (policies, tests []string, err error) {
	root, err := os.OpenRoot(s.Root)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open the fleet: %w", err)
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), s.Directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, missing(fmt.Sprintf("cannot list the policies in %q: %v", s.Directory, cause(err)))
	}
	for _, entry := range entries {
		name := path.Join(s.Directory, entry.Name())
		switch {
		case entry.IsDir() || strings.HasPrefix(entry.Name(), ".") || path.Ext(name) != ".jsonnet":
		case strings.HasSuffix(name, testSuffix):
			tests = append(tests, name)
		default:
			policies = append(policies, name)
		}
	}
	return policies, tests, nil
}

func cause(err error) error {
	var fault *fs.PathError
	if errors.As(err, &fault) {
		return fault.Err
	}
	return err
}

// Check asks the policies of a source about a plan. Where needed, it is an error that
// there are none.
func Check(ctx context.Context, runner bounded.Runner, source Source, subject Subject, needed bool) (*Answer, error) {
	policies, _, err := source.files()
	if err != nil {
		return nil, err
	}
	if len(policies) == 0 {
		if needed {
			return nil, missing("there are no policies in " + filepath.Join(source.Root, source.Directory))
		}
		return &Answer{}, nil
	}
	asked := request{Root: source.Root, Policies: policies, Tables: newTables()}
	if asked.Plan, err = asked.Tables.add(subject.Plan); err != nil {
		return nil, err
	}
	if subject.Previous != nil {
		if asked.Previous, err = asked.Tables.add(subject.Previous); err != nil {
			return nil, err
		}
	}
	if subject.Date != "" {
		asked.Date = &subject.Date
	}
	return ask(ctx, runner, &asked)
}

// Test carries out the tests of a source's policies.
func Test(ctx context.Context, runner bounded.Runner, source Source) (*Answer, error) {
	_, tests, err := source.files()
	if err != nil {
		return nil, err
	}
	if len(tests) == 0 {
		return nil, diagnostic.List{{
			Code: diagnostic.PolicyMissing, Severity: diagnostic.Error, Position: diagnostic.Position{File: source.Directory},
			Summary: "there are no tests of policies", Hint: "put the cases of fleet.jsonnet into fleet" + testSuffix + " beside it",
		}}
	}
	return ask(ctx, runner, &request{Root: source.Root, Tests: tests, Tables: newTables()})
}

// ask has a request carried out and reads the answer.
func ask(ctx context.Context, runner bounded.Runner, asked *request) (*Answer, error) {
	data, err := json.Marshal(asked)
	if err != nil {
		return nil, err
	}
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := runner(ctx, data, write)
		ended <- err
		_ = write.Close() // ends the answer; it has no error
	}()
	answer, last, err := readAnswer(read)
	_ = read.CloseWithError(errors.New("enough")) // has a runner end that writes on
	failure := <-ended
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil || failure != nil:
		answer.Faults = append(answer.Faults, ending(last, cmp.Or(failure, err)))
	}
	slices.SortStableFunc(answer.Cases, func(a, b Case) int { return strings.Compare(a.File, b.File) })
	return answer, nil
}

// readAnswer reads until the answer is done; last is what was being done otherwise.
func readAnswer(from io.Reader) (answer *Answer, last event, err error) {
	answer = &Answer{}
	for decoder := json.NewDecoder(from); ; {
		var e event
		switch err := decoder.Decode(&e); {
		case err != nil:
			return answer, last, bounded.ErrEnded
		case e.Done:
			return answer, last, nil
		}
		if e.Doing != "" {
			last = e
		}
		answer.Violations = append(answer.Violations, e.Violations...)
		if e.Case != nil {
			answer.Cases = append(answer.Cases, *e.Case)
		}
		if e.Fault != nil {
			answer.Faults = append(answer.Faults, *e.Fault)
		}
		if e.Trace != "" {
			answer.Traces = append(answer.Traces, e.Trace)
		}
	}
}

// ending tells of an evaluation that was ended, or ended by itself.
func ending(last event, err error) diagnostic.Diagnostic {
	d := diagnostic.Diagnostic{
		Code: diagnostic.PolicyBounds, Severity: diagnostic.Error, Position: diagnostic.Position{File: last.File},
		Summary: "cannot evaluate the policy: " + err.Error(),
	}
	var exceeded *bounded.Exceeded
	if errors.As(err, &exceeded) {
		d.Hint = exceeded.Hint()
	}
	if last.Doing != "" {
		d.Detail = "it was at " + last.Doing
	}
	return d
}
