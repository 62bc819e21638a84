package file

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/staging"
)

const (
	// validatePatience is how long one command may take.
	validatePatience = 60 * time.Second
	// What is told of a command's output, which may quote the file.
	outputLines, outputWidth = 10, 400
)

// Checks reports whether a command must accept the file.
func (w *work) Checks() bool {
	return w.Wish.Validate != "" && w.staged != nil && w.staged.Symlink == ""
}

// Validate asks the command that must accept the file. Everything is staged by then and
// nothing is changed. A dry run cannot ask: neither the contents nor the commands need
// be on the host by then.
//
// If we crash here, recovery removes the staging directories.
func (w *work) Validate(ctx context.Context, site *kind.Site) (*kind.Refusal, error) {
	complaint, err := w.complaint(ctx, site)
	if err != nil || complaint == "" {
		return nil, err
	}
	return &kind.Refusal{
		Object: w.Object, Message: w.Path + " is not accepted: " + complaint,
		Hint: "correct the file in the intent; nothing on the host was changed",
	}, nil
}

// complaint returns what is wrong with the file; empty where it is accepted.
func (w *work) complaint(ctx context.Context, site *kind.Site) (string, error) {
	place, err := site.Staged.Place(w.staged.Place)
	if err != nil {
		return "", err
	}
	before, err := place.Digest(w.staged.Name)
	if err != nil {
		return "", err
	}
	limited, cancel := context.WithTimeout(ctx, validatePatience)
	defer cancel()
	staged := place.Path(w.staged.Name)
	output, err := site.Shell(limited, strings.ReplaceAll(w.Wish.Validate, "%s", shellWord(staged)))
	if err != nil {
		text := strings.ReplaceAll(string(output), staged, w.Path)
		return fmt.Sprintf("%q %s%s", w.Wish.Validate, ending(err), lastLines(text)), nil
	}
	if after, err := place.Digest(w.staged.Name); err != nil || after != before {
		return fmt.Sprintf("%q has changed it", w.Wish.Validate), nil
	}
	return "", nil
}

// ending says how a command ended.
func ending(err error) string {
	var exit *exec.ExitError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("has not ended after %s", validatePatience)
	case errors.As(err, &exit) && exit.Exited():
		return fmt.Sprintf("exited with status %d", exit.ExitCode())
	}
	return fmt.Sprintf("failed: %v", err)
}

// lastLines returns the end of what a command wrote, below a message.
func lastLines(output string) string {
	output = strings.ToValidUTF8(strings.TrimRight(output, "\n"), "?")
	if output == "" {
		return " and wrote nothing"
	}
	lines := strings.Split(output, "\n")
	lines = lines[max(0, len(lines)-outputLines):]
	for i, line := range lines {
		if utf8.RuneCountInString(line) > outputWidth {
			lines[i] = string([]rune(line)[:outputWidth]) + "…"
		}
	}
	return "\n  the last lines of its output:\n    " + strings.Join(lines, "\n    ")
}

// shellWord quotes a path for sh where it must be: commands have been written
// with quotes around %s as well as without.
func shellWord(name string) string {
	if staging.IsPlain(name) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
