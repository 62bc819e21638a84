// Package ui is how the commands talk to people.
//
// The rules: standard output carries what was asked for, standard error all
// talk. An error is "error: " and one sentence, lower case, then its details; what
// to type next follows on lines of its own that begin with "hint: ". Colour and
// progress that overwrites itself appear only on a terminal, and never with
// NO_COLOR set. Nothing is printed twice.
package ui

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/nixfleet/nixfleet/schema"
)

// The exit codes of all commands; docs/reference/errors.md lists them.
const (
	// ExitDone: what was asked for is so.
	ExitDone = 0
	// ExitError: it could not be done: a bad fleet, a bad plan, a file that cannot be written.
	ExitError = 1
	// ExitUsage: the command line is wrong.
	ExitUsage = 2
	// ExitRefused: an execution was refused before any host was touched.
	ExitRefused = 3
	// ExitHostsFailed: at least one host failed or is in doubt.
	ExitHostsFailed = 4
	// ExitHalted: hosts were left out, because policy or the operator halted the run.
	ExitHalted = 5
	// ExitHeld: hosts are held for a later execution; every other is as the plan says.
	ExitHeld = 6
	// ExitInterrupted: a second interrupt cut the run.
	ExitInterrupted = 130
)

// CodedError is an error that asks for an exit code of its own.
type CodedError struct {
	Code int
	Err  error
}

func (e *CodedError) Error() string { return e.Err.Error() }
func (e *CodedError) Unwrap() error { return e.Err }

// WithCode gives err an exit code. A nil error stays nil.
func WithCode(code int, err error) error {
	if err == nil {
		return nil
	}
	return &CodedError{code, err}
}

// Usagef returns an error of a wrong command line.
func Usagef(format string, args ...any) error {
	return WithCode(ExitUsage, fmt.Errorf(format, args...))
}

// ErrReported ends a command whose errors have been printed.
var ErrReported = errors.New("already reported")

// ExitCode returns the exit code that err asks for.
func ExitCode(err error) int {
	var coded *CodedError
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &coded):
		return coded.Code
	}
	return ExitError
}

// PrintError writes an error with its hints, unless it was reported already.
func PrintError(w io.Writer, err error) {
	if err == nil || errors.Is(err, ErrReported) {
		return
	}
	style := StyleFor(w)
	fmt.Fprintf(w, "%s %s\n", style.Red("error:"), PrintableLines(err.Error()))
	for _, hint := range schema.Hints(err) {
		fmt.Fprintf(w, "%s %s\n", style.Bold("hint:"), PrintableLines(hint))
	}
}

// Style colours words, where its writer is a terminal.
type Style struct{ on bool }

// StyleFor returns the style for a writer.
func StyleFor(w io.Writer) Style {
	return Style{IsTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w any) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func (s Style) paint(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Red is for what failed.
func (s Style) Red(text string) string { return s.paint("1;31", text) }

// Green is for what is well.
func (s Style) Green(text string) string { return s.paint("32", text) }

// Yellow is for what needs a look.
func (s Style) Yellow(text string) string { return s.paint("33", text) }

// Bold is for what the eye should find.
func (s Style) Bold(text string) string { return s.paint("1", text) }

// Faint is for what may be skipped.
func (s Style) Faint(text string) string { return s.paint("2", text) }
