package transaction

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

const (
	// validatePatience is how long one command may take.
	validatePatience = 60 * time.Second
	// What is told of a command's output, which may quote the file.
	outputLines, outputWidth = 10, 400
)

// validate asks the commands that must accept files which are about to change.
// Everything is staged by now and nothing is changed. A dry run cannot ask them:
// neither the contents nor the commands need be on the host by then.
//
// If we crash here, recovery removes the staging directories.
func (a *applying) validate(ctx context.Context) error {
	var refusals []inspect.Refusal
	told := false
	for _, step := range a.work.Files {
		if step.Do.Validate == "" || step.Do.Symlink != "" {
			continue
		}
		if !told {
			a.tell(protocol.Event{Stage: schema.StageValidate})
			told = true
		}
		complaint, err := a.validateFile(ctx, step.Do)
		if err != nil {
			return err
		}
		if complaint != "" {
			refusals = append(refusals, inspect.Refusal{Message: complaint, Hint: "mend the file in the intent; nothing on the host was changed"})
		}
	}
	if len(refusals) > 0 {
		return &refusedError{refusals}
	}
	return nil
}

// validateFile returns what is wrong with a file; empty where it is accepted.
func (a *applying) validateFile(ctx context.Context, work inspect.FileWork) (complaint string, err error) {
	it := a.stage.item(work.Path, false)
	place := a.places[it.place]
	before, err := place.Digest(it.name)
	if err != nil {
		return "", err
	}
	limited, cancel := context.WithTimeout(ctx, validatePatience)
	defer cancel()
	staged := place.Path(it.name)
	output, err := a.Shell(limited, strings.ReplaceAll(work.Validate, "%s", shellWord(staged)))
	if err != nil {
		text := strings.ReplaceAll(string(output), staged, work.Path)
		return fmt.Sprintf("%s is not accepted: %q %s%s", work.Path, work.Validate, ending(err), lastLines(text)), nil
	}
	if after, err := place.Digest(it.name); err != nil || after != before {
		return fmt.Sprintf("%s is not accepted: %q has changed it", work.Path, work.Validate), nil
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
	if strings.Trim(name, plainLetters) == "" {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

const plainLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-"

// stagedName returns the name of a file in its staging directory. It has the
// target's suffix: commands tell kinds of files by it.
func stagedName(number int, target string) string {
	suffix := path.Ext(target)
	if len(suffix) > 32 || strings.Trim(suffix, plainLetters) != "" {
		suffix = ""
	}
	return fmt.Sprintf("%04d%s", number, suffix)
}
