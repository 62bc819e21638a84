package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// mostViolations is how many violations of a rule are of use to anybody.
const mostViolations = 10_000

// fields are those of a violation; the others are ours.
var fields = []string{"host", "hint", "message", "severity"}

const shape = `a list of violations: { message: "…", host: "…", severity: "error" or "warning", hint: "…" }, the message alone required`

// readViolations reads what a rule returned.
func readViolations(data json.RawMessage, file, rule string) ([]Violation, *diagnostic.Diagnostic) {
	wrong := func(format string, args ...any) ([]Violation, *diagnostic.Diagnostic) {
		d := wrongResult(file, rule, format, args...)
		d.Hint = "a rule returns " + shape
		return nil, &d
	}
	var items []json.RawMessage
	if json.Unmarshal(data, &items) != nil || items == nil {
		return wrong("the rule returns %s; expected a list of violations", typeOf(data))
	}
	if len(items) > mostViolations {
		d := wrongResult(file, rule, "the rule has %d violations; expected at most %d", len(items), mostViolations)
		d.Code = diagnostic.PolicyBounds
		return nil, &d
	}
	violations := make([]Violation, 0, len(items))
	for i, item := range items {
		var object map[string]json.RawMessage
		if json.Unmarshal(item, &object) != nil || object == nil {
			return wrong("violation %d is %s; expected an object with a message", i+1, typeOf(item))
		}
		v := Violation{Policy: file, Rule: rule, Severity: diagnostic.Error}
		if problem := v.read(object); problem != "" {
			return wrong("violation %d: %s", i+1, problem)
		}
		violations = append(violations, v)
	}
	return violations, nil
}

// read takes over the fields of a violation, or says what is wrong with them.
func (v *Violation) read(object map[string]json.RawMessage) string {
	texts := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		value := object[name]
		if !slices.Contains(fields, name) {
			return fmt.Sprintf("there is no field %q; there are: %s", name, strings.Join(fields, ", "))
		}
		var text *string
		if json.Unmarshal(value, &text) != nil {
			return fmt.Sprintf("the field %q is %s; expected a string", name, typeOf(value))
		}
		if text != nil {
			texts[name] = *text
		}
	}
	v.Host, v.Message, v.Hint = schema.HostName(texts["host"]), texts["message"], texts["hint"]
	switch severity := texts["severity"]; severity {
	case "":
	case string(diagnostic.Error), string(diagnostic.Warning):
		v.Severity = diagnostic.Severity(severity)
	default:
		return fmt.Sprintf("the severity is %q; expected \"error\" or \"warning\"", severity)
	}
	if strings.TrimSpace(v.Message) == "" {
		return "it has no message"
	}
	return ""
}

// typeOf says what a value of JSON is.
func typeOf(data json.RawMessage) string {
	switch text := bytes.TrimSpace(data); {
	case len(text) == 0:
		return "nothing"
	case text[0] == '{':
		return "an object"
	case text[0] == '[':
		return "a list"
	case text[0] == '"':
		return "a string"
	case text[0] == 'n':
		return "null"
	case text[0] == 't' || text[0] == 'f':
		return "a truth value"
	}
	return "a number"
}
