package schema

import (
	"fmt"
	"strings"
)

// hinted is an error with what to do about it. The hint stays out of the message up to
// whatever prints both.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error  { return h.error }
func (h *hinted) Advice() string { return h.hint }

// WithHint adds to an error what to type or do next. A nil error stays nil.
func WithHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// InFull is an error followed by its hints, each in a line that begins with "hint: ".
func InFull(err error) string {
	text := strings.TrimRight(err.Error(), "\n")
	for _, hint := range Hints(err) {
		text += "\nhint: " + hint
	}
	return text
}

// Hints returns the hints of an error and of the errors that it wraps, the innermost first,
// one a line.
func Hints(err error) (hints []string) {
	switch wrapping := err.(type) {
	case interface{ Unwrap() error }:
		hints = Hints(wrapping.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range wrapping.Unwrap() {
			hints = append(hints, Hints(one)...)
		}
	}
	if advice, ok := err.(interface{ Advice() string }); ok && advice.Advice() != "" {
		hints = append(hints, strings.Split(advice.Advice(), "\n")...)
	}
	return hints
}
