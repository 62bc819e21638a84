// Package validate holds the published JSON schemas and reads documents against
// them: the shape, with the place of every fault, then package schema's hashes.
package validate

import (
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"sort"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/nixfleet/nixfleet/schema"
)

// PlanSchema is the published JSON schema of a plan.
//
//go:embed plan.schema.json
var PlanSchema string

// RecordSchema is the published JSON schema of a run's record.
//
//go:embed record.schema.json
var RecordSchema string

// EventSchema is the published JSON schema of an event of a run.
//
//go:embed event.schema.json
var EventSchema string

// JournalSchema is the published JSON schema of a line of a run's journal.
//
//go:embed journal.schema.json
var JournalSchema string

// StateSchema is the published JSON schema of a host's state file.
//
//go:embed state.schema.json
var StateSchema string

var compilePlan = sync.OnceValues(func() (*jsonschema.Schema, error) {
	return jsonschema.CompileString("plan.schema.json", PlanSchema)
})

// Plan reads a plan and checks it against its format, its schema and its own
// hashes. The error says what was expected and what was found.
func Plan(data []byte) (*schema.Plan, error) {
	// What reads strictly follows its schema, too, as a test holds. So the schema is
	// asked only of what does not: it tells all faults, each with its place.
	plan := new(schema.Plan)
	strict := schema.DecodeStrict(data, plan)
	if strict == nil && plan.Index.Kind == schema.PlanKind && plan.Index.Version == schema.PlanVersion {
		return plan, plan.Verify()
	}
	tree, err := schema.Parse(data)
	if err != nil {
		return nil, err
	}
	if err := checkHead(tree); err != nil {
		return nil, err
	}
	compiled, err := compilePlan()
	if err != nil {
		return nil, fmt.Errorf("internal error: the plan's schema does not compile: %w", err)
	}
	if err := checkShape(compiled, tree); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("cannot read the plan: %w", strict)
}

func checkHead(tree any) error {
	switch kind, version := schema.KindOf(tree); {
	case kind != schema.PlanKind:
		return fmt.Errorf("this is not a plan: expected \"kind\": %q in its index, found %q", schema.PlanKind, kind)
	case version > schema.PlanVersion:
		return schema.WithHint(fmt.Errorf("the plan has format version %d, and this nixfleet reads version %d", version, schema.PlanVersion), "use the nixfleet that compiled it, or a newer one")
	case version != schema.PlanVersion:
		return schema.WithHint(fmt.Errorf("the plan has format version %d, and this nixfleet reads version %d", version, schema.PlanVersion), "compile the fleet again")
	}
	return nil
}

func checkShape(compiled *jsonschema.Schema, tree any) error {
	err := compiled.Validate(tree)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	return errors.New("the plan does not follow its schema:\n  " + strings.Join(leaves(invalid), "\n  "))
}

// leaves returns the faults proper, without the levels of schema that led to
// them, each once, at most ten.
func leaves(e *jsonschema.ValidationError) []string {
	found := map[string]bool{}
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			at := e.InstanceLocation
			if plain, err := url.PathUnescape(at); err == nil {
				at = plain
			}
			if at == "" {
				at = "/"
			}
			found["at "+at+": "+e.Message] = true
		}
		for _, cause := range e.Causes {
			walk(cause)
		}
	}
	walk(e)
	lines := make([]string, 0, len(found))
	for line := range found {
		lines = append(lines, line)
	}
	sort.Strings(lines)
	if more := len(lines) - 10; more > 0 {
		lines = append(lines[:10], fmt.Sprintf("and %d more", more))
	}
	return lines
}
