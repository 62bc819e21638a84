package resolve

import (
	"maps"
	"slices"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// restarts turns the files' own lists around: which unit restarts or reloads
// when what changes. Where a change asks for both, a restart does both.
func (r *resolver) restarts() []schema.RestartRule {
	rules := map[schema.UnitName]*schema.RestartRule{}
	rule := func(file, field, unit string) *schema.RestartRule {
		var name schema.UnitName
		if err := name.UnmarshalText([]byte(unit)); err != nil {
			r.report(diagnostic.Diagnostic{
				Code: diagnostic.UnitName, Summary: err.Error(), Option: option("files", file, field), Position: diagnostic.ParsePosition(r.intent.Files[file].At),
			})
			return &schema.RestartRule{}
		}
		r.checkReference(place{"files", file, r.intent.Files[file].At}, field, name)
		if rules[name] == nil {
			rules[name] = &schema.RestartRule{Unit: name}
		}
		return rules[name]
	}
	for _, path := range slices.Sorted(maps.Keys(r.intent.Files)) {
		f := r.intent.Files[path]
		for _, unit := range f.RestartUnits {
			if to := rule(path, "restartUnits", unit); !slices.Contains(to.Restart, path) {
				to.Restart = append(to.Restart, path)
			}
		}
		for _, unit := range f.ReloadUnits {
			if to := rule(path, "reloadUnits", unit); !slices.Contains(to.Restart, path) && !slices.Contains(to.Reload, path) {
				to.Reload = append(to.Reload, path)
			}
		}
	}
	sorted := []schema.RestartRule{}
	for _, unit := range slices.Sorted(maps.Keys(rules)) {
		sorted = append(sorted, *rules[unit])
	}
	return sorted
}
