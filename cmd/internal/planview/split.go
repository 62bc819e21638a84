package planview

import (
	"slices"

	"github.com/nixfleet/nixfleet/schema"
)

// running are the actions on units that run or shall.
var running = []schema.Action{schema.Start, schema.Stop, schema.Restarts, schema.Reloads}

// split parts the changes of what lies on the disk from those of what runs. A
// unit that stops under its old text and starts under its new one restarts.
func split(f *schema.HostForecast) (things, units []schema.Change) {
	started := map[string]bool{}
	for _, change := range f.Changes {
		if change.Action == schema.Start {
			started[change.Object] = true
		}
	}
	stopped := map[string]string{}
	for _, change := range f.Changes {
		if !slices.Contains(running, change.Action) {
			things = append(things, change)
			continue
		}
		if change.Action == schema.Stop && started[change.Object] {
			stopped[change.Object] = change.Detail
			continue
		}
		if because, also := stopped[change.Object]; also && change.Action == schema.Start {
			change.Action = schema.Restarts
			if change.Detail == "" {
				change.Detail = because
			}
		}
		units = append(units, change)
	}
	return things, units
}

// detailOf returns what is known of the file that a change is about; nil where it
// is about something else.
func detailOf(f *schema.HostForecast, change schema.Change) *schema.FileForecast {
	for i := range f.Files {
		detail := &f.Files[i]
		switch {
		case change.Action != detail.Action:
		case change.Kind == "unit" && string(detail.Unit) == change.Object, change.Kind != "unit" && detail.Unit == "" && detail.Path == change.Object:
			return detail
		}
	}
	return nil
}
