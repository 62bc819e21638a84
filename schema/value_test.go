package schema_test

import (
	"cmp"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

func TestOrderOfHosts(t *testing.T) {
	var ordered []schema.HostName
	for name := range strings.FieldsSeq("1 2 10 a a-01 a-1 a-1.eu a-2 a-010 a-10b a-x a.b a1 a1b2 a1b10 a02 b") {
		ordered = append(ordered, schema.HostName(name))
	}
	for i, a := range ordered {
		for j, b := range ordered {
			if found := a.Compare(b); found != cmp.Compare(i, j) {
				t.Errorf("%s and %s: %d", a, b, found)
			}
		}
	}
}
