// Package validatetest holds what commands print against the published JSON schemas, in tests.
package validatetest

import (
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// MustBeAsPublished fails the test where a value is not as its JSON schema says.
func MustBeAsPublished(t testing.TB, schema string, value any) {
	t.Helper()
	published, err := jsonschema.CompileString("published.schema.json", schema)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var printed any
	if err := json.Unmarshal(data, &printed); err != nil {
		t.Fatal(err)
	}
	if err := published.Validate(printed); err != nil {
		t.Errorf("it is not as published: %#v", err)
	}
}
