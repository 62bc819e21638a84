package execution

import (
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

// How a run ended is to be told from its exit code alone.
func TestVerdictsHaveExitCodesOfTheirOwn(t *testing.T) {
	for verdict, want := range map[schema.Verdict]int{schema.Done: 0, schema.Refused: 3, schema.Failed: 4, schema.Halted: 5, schema.Held: 6} {
		if code := exitCode(verdict); code != want {
			t.Errorf("%s: expected %d, found %d", verdict, want, code)
		}
	}
}
