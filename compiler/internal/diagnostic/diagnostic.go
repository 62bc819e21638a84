// Package diagnostic is how the compiler tells what is wrong with a fleet: each
// finding with a stable code, the place it was written at and what to type next.
//
// A diagnostic never names a place of the compiling machine: positions are
// relative to the fleet, so that the same fault reads the same everywhere.
package diagnostic

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// Severity says whether a diagnostic prevents a plan.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Position is a place in a file of the fleet.
type Position struct {
	// File is relative to the fleet; empty where the place is not known.
	File string `json:"file,omitempty"`
	// Line and Column count from 1; 0 where they are not known.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// String returns "file:line:column" as far as it is known.
func (p Position) String() string {
	switch {
	case p.File == "" || p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// ParsePosition reads a position that the library gives as "file:line".
func ParsePosition(place string) Position {
	i := strings.LastIndexByte(place, ':')
	if i < 0 {
		return Position{File: place}
	}
	line, err := strconv.Atoi(place[i+1:])
	if err != nil {
		return Position{File: place}
	}
	return Position{File: place[:i], Line: line}
}

// Diagnostic is one finding.
type Diagnostic struct {
	// Code is stable, for tools and for looking up: "inventory-unknown-field".
	Code Code `json:"code"`
	// Severity is "error" or "warning".
	Severity Severity `json:"severity"`
	// Host is the host it is about; empty for the fleet. The first of several.
	Host schema.HostName `json:"host,omitempty"`
	// Others are further hosts for which the very same holds, sorted.
	Others []schema.HostName `json:"others,omitempty"`
	// Option is the option's path in a module or the field's in the inventory.
	Option string `json:"option,omitempty"`
	// Position is where the fault was written.
	Position Position `json:"position,omitzero"`
	// Summary says what is wrong in one line.
	Summary string `json:"summary"`
	// Detail tells more, in lines; empty where there is no more to tell.
	Detail string `json:"detail,omitempty"`
	// Hint says what to do or type next.
	Hint string `json:"hint,omitempty"`
}

// String returns the diagnostic as people read it, without a newline at the end.
func (d Diagnostic) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s [%s]", d.Severity, d.Summary, d.Code)
	if place := d.place(); place != "" {
		fmt.Fprintf(&out, "\n  at %s", place)
	}
	if d.Detail != "" {
		fmt.Fprintf(&out, "\n  %s", indent(d.Detail))
	}
	if d.Hint != "" {
		fmt.Fprintf(&out, "\nhint: %s", indent(d.Hint))
	}
	return out.String()
}

func (d Diagnostic) place() string {
	var parts []string
	if d.Position.File != "" {
		parts = append(parts, d.Position.String())
	}
	if d.Option != "" {
		parts = append(parts, d.Option)
	}
	if d.Host != "" {
		parts = append(parts, "host "+string(d.Host)+others(d.Others))
	}
	return strings.Join(parts, ", ")
}

func others(hosts []schema.HostName) string {
	const shown = 4
	if len(hosts) == 0 {
		return ""
	}
	var names []string
	for _, host := range hosts[:min(shown, len(hosts))] {
		names = append(names, string(host))
	}
	text := " and " + strings.Join(names, ", ")
	if len(hosts) > shown {
		text += fmt.Sprintf(" and %d more", len(hosts)-shown)
	}
	return text
}

func indent(text string) string {
	text = strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
	return strings.ReplaceAll(text, "\n  \n", "\n\n")
}

// List is a set of findings. It is an error where it holds one (see [List.Err]).
type List []Diagnostic

// Error returns all findings, as people read them.
func (l List) Error() string {
	var parts []string
	for _, d := range l {
		parts = append(parts, d.String())
	}
	return strings.Join(parts, "\n")
}

// Failed reports whether the list holds an error.
func (l List) Failed() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Err returns the list as an error where it holds one, else nil.
func (l List) Err() error {
	if l.Failed() {
		return l
	}
	return nil
}

// Of returns the findings that err is or wraps.
func Of(err error) (List, bool) {
	var list List
	ok := errors.As(err, &list)
	return list, ok
}

// Sorted returns the findings in their stable order, errors first, those that
// differ in nothing but the host as one.
func (l List) Sorted() List {
	sorted := slices.Clone(l)
	slices.SortStableFunc(sorted, compare)
	var out List
	at := map[identity]int{}
	for _, d := range sorted {
		key := d.identity()
		i, seen := at[key]
		switch {
		case seen && d.Host != "" && out[i].Host != "":
			if !slices.Contains(out[i].Others, d.Host) && out[i].Host != d.Host {
				out[i].Others = append(out[i].Others, d.Host)
			}
		case seen && d.Host == out[i].Host:
		default:
			at[key] = len(out)
			out = append(out, d)
		}
	}
	return out
}
