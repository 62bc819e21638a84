// Package fault gives errors the kind by which the engine decides: whether to
// try again, whether a host counts as failed, and whether it was touched.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Kind is the decision that an error drives.
type Kind int

// The kinds of errors.
const (
	// Failed: the work on the host failed. Also what an error without a kind means.
	Failed Kind = iota
	// Transient: the host could not be reached and was not touched; another attempt may succeed.
	Transient
	// Refused: something was not as it must be, and the host was not touched.
	Refused
	// Interrupted: the operator cut the run before the host was touched.
	Interrupted
	// LinkLost: the connection broke. What it means depends on what was under way.
	LinkLost
	// Unknown: the host was being changed, and what became of it could not be observed.
	Unknown
)

// Error is an error with its kind and, where there is one, what to type next.
type Error struct {
	Kind Kind
	Err  error
	// Hint is what to type or do next; may be empty.
	Hint string
}

// Error returns the message, without the hint.
func (e *Error) Error() string { return e.Err.Error() }

// Advice is the hint, for [schema.Hints].
func (e *Error) Advice() string { return e.Hint }

// Unwrap returns the error without kind and hint.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of a kind.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// WithHint adds what to type or do next.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// KindOf returns the kind of err: [Failed] where nothing says otherwise.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Failed
}

// Brief returns the first line of an error, for use within another's.
func Brief(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// Is reports whether err is of a kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
