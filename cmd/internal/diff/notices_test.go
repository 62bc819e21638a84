package diff

import (
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

// TestNoticesDecideByFields has details that read like reasons for a notice and are not.
func TestNoticesDecideByFields(t *testing.T) {
	changes := func(property, is string) []schema.Difference {
		return []schema.Difference{{Property: property, Was: "x", Is: is}}
	}
	for _, test := range []struct {
		name   string
		change schema.PlannedChange
		notice bool
	}{
		{"package named like a base", schema.PlannedChange{Change: schema.Change{Kind: kindHost, Detail: "packages x-base 1 -> x-base 2"}, Fields: changes("packages", "x-base 2")}, false},
		{"another base", schema.PlannedChange{Change: schema.Change{Kind: kindHost}, Fields: changes("base", "debian")}, true},
		{"another system", schema.PlannedChange{Change: schema.Change{Kind: kindHost}, Fields: changes("system", "aarch64-linux")}, true},
		{"another setting is 0s", schema.PlannedChange{Change: schema.Change{Kind: kindActivation, Detail: "confirm window 1m -> 2m, settle 5s -> 0s"}, Fields: append(changes("confirm window", "2m"), changes("settle", "0s")...)}, false},
		{"no confirm window", schema.PlannedChange{Change: schema.Change{Kind: kindActivation}, Fields: changes(propertyConfirm, "0s")}, true},
		{"owner named like a mode", schema.PlannedChange{Change: schema.Change{Kind: schema.KindFile, Detail: "owner mode 0644 -> 0666"}, Fields: changes("owner", "0666")}, false},
		{"everybody may write", schema.PlannedChange{Change: schema.Change{Kind: schema.KindFile}, Fields: changes(propertyMode, "0666")}, true},
		{"mode of a link", schema.PlannedChange{Change: schema.Change{Kind: schema.KindFile}, Inert: true, Fields: changes(propertyMode, "0666")}, false},
		{"masked", schema.PlannedChange{Change: schema.Change{Action: schema.Mask, Kind: schema.KindUnit}}, true},
		{"detail says mask", schema.PlannedChange{Change: schema.Change{Action: schema.Update, Kind: schema.KindUnit, Detail: "mask"}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := &notices{texts: map[string]int{}}
			noticeChange(n, schema.HostDifference{What: schema.HostDiffers}, test.change)
			if len(n.list) > 0 != test.notice {
				t.Errorf("found notices %+v", n.list)
			}
		})
	}
}
