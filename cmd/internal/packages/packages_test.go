package packages

import (
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

func TestDowngrade(t *testing.T) {
	for _, c := range []struct {
		old, new []string
		want     bool
	}{
		{[]string{"1.2"}, []string{"1.1"}, true},
		{[]string{"1.1"}, []string{"1.2"}, false},
		{[]string{"1.1", "1.2"}, []string{"1.1"}, false},
		{[]string{""}, []string{""}, false},
	} {
		if found := Downgrade(schema.PackageChange{Old: c.old, New: c.new}); found != c.want {
			t.Errorf("%v -> %v: found %t", c.old, c.new, found)
		}
	}
}
