package planview

import (
	"fmt"
	"time"

	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/schema"
)

// NewBack returns the forecast of a rollback or a release, without hosts yet.
func NewBack(fleet, task string) *schema.Forecast {
	f := New(&schema.Plan{Index: schema.Index{Fleet: fleet}}, nil)
	f.Task = task
	return f
}

// Back returns the forecast of one host's way back, which it has told by itself.
func Back(seen executor.Seen, options Options) schema.HostForecast {
	known := &schema.Plan{StorePaths: map[schema.StorePath]schema.PathInfo{}}
	if seen.Back != nil {
		for _, entry := range seen.Back.Closure {
			known.StorePaths[entry.Path] = entry.PathInfo
		}
	}
	host := Host(known, seen, options)
	if seen.Back == nil {
		return host
	}
	if g := seen.Back.Generation; g != nil {
		text := fmt.Sprintf("generation %d comes back, which %s applied at %s", g.Generation, g.Operator, g.At.UTC().Format(time.RFC3339))
		if g.Plan != "" {
			text += ", of plan " + g.Plan.Short()
		}
		host.Notes = append([]string{text}, host.Notes...)
	} else {
		host.Changes = append(host.Changes, schema.Change{Action: schema.Remove, Kind: "directory", Object: "/var/lib/nixfleet", Detail: "NixFleet itself"})
	}
	if host.Verdict == schema.WouldNothing && (seen.Back.Generation == nil || !seen.Back.Nothing) {
		host.Verdict = schema.WouldChange
	}
	return host
}
