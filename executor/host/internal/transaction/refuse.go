package transaction

import (
	"errors"

	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
)

// refusedError says that the host was not touched.
type refusedError struct{ refusals []inspect.Refusal }

func (e *refusedError) Error() string {
	text, _ := inspect.Texts(e.refusals)
	return text
}

// refuse makes a refusal of what failed before the first change.
func refuse(causes ...error) *refusedError {
	var refusals []inspect.Refusal
	for _, cause := range causes {
		var known *refusedError
		if errors.As(cause, &known) {
			refusals = append(refusals, known.refusals...)
		} else if cause != nil {
			refusals = append(refusals, inspect.Refusal{Message: cause.Error()})
		}
	}
	return &refusedError{refusals}
}
