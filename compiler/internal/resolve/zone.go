package resolve

import (
	"fmt"
	"time"
	_ "time/tzdata" // the answer may not depend on the machine

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// CheckTimeZone refuses a zone that no host would find.
func CheckTimeZone(zone string, position diagnostic.Position) diagnostic.List {
	if _, err := time.LoadLocation(zone); err == nil && zone != "" && zone != "Local" {
		return nil
	}
	return diagnostic.List{{
		Code: diagnostic.FleetTimeZone, Severity: diagnostic.Error, Option: "timeZone", Position: position,
		Summary: fmt.Sprintf("%q is not a time zone", zone), Hint: `write an IANA name, as "Europe/Berlin"`,
	}}
}
