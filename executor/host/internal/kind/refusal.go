package kind

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// Object names one managed thing.
type Object struct{ Kind, Name string }

// Refusal is a reason not to touch the host.
type Refusal struct {
	// Object is what cannot be made as the goal has it; empty where it is no single thing.
	Object Object
	// Message says what is in the way, with expected and found.
	Message string
	// Hint says what to type or do; may be empty.
	Hint string
	// Differences say the same of the object property by property; may be empty.
	Differences []schema.Difference
}

// RefusedError says that the host was not touched.
type RefusedError struct{ Refusals []Refusal }

func (e *RefusedError) Error() string {
	text, _ := Texts(e.Refusals)
	return text
}

// UnitsError says that units failed, and so the change is to be undone.
type UnitsError struct {
	Units []schema.UnitName
	Err   error
}

func (e *UnitsError) Error() string { return e.Err.Error() }

// sortRefusals orders refusals and drops repetitions.
func sortRefusals(list []Refusal) []Refusal {
	slices.SortStableFunc(list, compareRefusals)
	return slices.CompactFunc(list, func(a, b Refusal) bool { return compareRefusals(a, b) == 0 })
}

func compareRefusals(a, b Refusal) int {
	return cmp.Or(strings.Compare(a.Message, b.Message), strings.Compare(a.Hint, b.Hint))
}

// Texts returns the message and the hints of refusals, for people.
func Texts(list []Refusal) (message, hint string) {
	var messages, hints []string
	for _, refusal := range list {
		messages = append(messages, refusal.Message)
		if refusal.Hint != "" && !slices.Contains(hints, refusal.Hint) {
			hints = append(hints, refusal.Hint)
		}
	}
	hint = strings.Join(hints, "\n")
	if len(messages) == 1 {
		return messages[0], hint
	}
	return fmt.Sprintf("%d things are in the way:\n  %s", len(messages), strings.Join(messages, "\n  ")), hint
}
