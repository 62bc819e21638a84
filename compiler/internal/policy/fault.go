package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/go-jsonnet"
	"github.com/google/go-jsonnet/ast"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// raw keeps the error that a VM would make a text of.
type raw struct{ err error }

// Format implements [jsonnet.ErrorFormatter].
func (r *raw) Format(err error) string {
	r.err = err
	return err.Error()
}

// SetMaxStackTraceSize implements [jsonnet.ErrorFormatter].
func (r *raw) SetMaxStackTraceSize(int) {}

// SetColorFormatter implements [jsonnet.ErrorFormatter].
func (r *raw) SetColorFormatter(jsonnet.ColorFormatter) {}

// maxStack is how deep calls may be in each other.
const maxStack = 500

// unreadableRE is how Jsonnet tells of a file that it cannot parse: as a text, with the
// place in front.
var unreadableRE = regexp.MustCompile(`^(?:RUNTIME ERROR: )?([^\s:]+):\(?(\d+):(\d+)\)?(?:-\S+)? (.*)`)

// faultOf tells of an error of Jsonnet, with the innermost place in the fleet.
func faultOf(err error, file, rule string) diagnostic.Diagnostic {
	d := diagnostic.Diagnostic{
		Code: diagnostic.PolicyFailed, Severity: diagnostic.Error, Option: rule, Position: diagnostic.Position{File: file},
		Summary: "cannot evaluate the policy: " + err.Error(),
	}
	var thrown jsonnet.RuntimeError
	if errors.As(err, &thrown) {
		d.Summary = "cannot evaluate the policy: " + thrown.Msg
		var places []string
		for _, frame := range thrown.StackTrace { // the innermost comes last
			if place, ok := inFleet(frame.Loc); ok {
				places = append(places, place.String())
				d.Position = place
			}
		}
		d.Detail = calledFrom(places)
	}
	if match := unreadableRE.FindStringSubmatch(err.Error()); match != nil {
		d.Summary, d.Detail, d.Position = "cannot read the policy: "+match[4], "", diagnostic.Position{File: match[1]}
		d.Position.Line, _ = strconv.Atoi(match[2])
		d.Position.Column, _ = strconv.Atoi(match[3])
	}
	explain(&d)
	return d
}

// inFleet returns a place as people know it; false for places of the library.
func inFleet(loc ast.LocationRange) (diagnostic.Position, bool) {
	name := loc.FileName
	if !loc.IsSet() || name == "" || strings.HasPrefix(name, "<") || strings.HasPrefix(name, "nixfleet") {
		return diagnostic.Position{}, false
	}
	return diagnostic.Position{File: name, Line: loc.Begin.Line, Column: loc.Begin.Column}, true
}

// calledFrom lists the places that led to the innermost one, which is the last.
func calledFrom(places []string) string {
	var lines []string
	const most = 3
	for i := len(places) - 2; i >= 0 && len(lines) < most; i-- {
		if places[i] != places[i+1] {
			lines = append(lines, "called from "+places[i])
		}
	}
	return strings.Join(lines, "\n")
}

func explain(d *diagnostic.Diagnostic) {
	switch {
	case strings.Contains(d.Summary, errOutside.Error()):
		d.Code = diagnostic.PolicyImport
		d.Hint = "move what is imported into the fleet: a plan is judged by the fleet's source only"
	case strings.Contains(d.Summary, errNoFile.Error()):
		d.Code = diagnostic.PolicyImport
		d.Hint = "a name is relative to the importing file; in a git checkout: git add what is new"
	case strings.Contains(d.Summary, errNoLibrary.Error()):
		d.Code = diagnostic.PolicyImport
	case strings.Contains(d.Summary, "max stack frames exceeded"):
		d.Code = diagnostic.PolicyBounds
		d.Summary = fmt.Sprintf("cannot evaluate the policy: more than %d calls are in each other", maxStack)
		d.Hint = "look for a function that calls itself without end"
	}
}

// wrongResult tells of a rule that does not return what rules do.
func wrongResult(file, rule, format string, args ...any) diagnostic.Diagnostic {
	return diagnostic.Diagnostic{
		Code: diagnostic.PolicyResult, Severity: diagnostic.Error, Option: rule, Position: diagnostic.Position{File: file},
		Summary: fmt.Sprintf(format, args...),
	}
}
