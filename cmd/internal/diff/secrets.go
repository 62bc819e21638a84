package diff

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// compareSecrets compares secrets by name: of what is in them, only that it is another.
func compareSecrets(before, after *schema.Manifest) []change {
	old := map[string]schema.Secret{}
	for _, s := range before.Secrets {
		old[s.Name] = s
	}
	var changes []change
	changed := map[string]string{}
	for _, s := range after.Secrets {
		was, had := old[s.Name]
		if reflect.DeepEqual(was, s) {
			continue
		}
		another := had && was.Ciphertext != s.Ciphertext
		was.Ciphertext, s.Ciphertext = "", ""
		var from any
		if had {
			from = was
		}
		found := compareProperties(kindSecret, s.Name, from, s)
		if len(found) == 0 {
			found = []change{{PlannedChange: schema.PlannedChange{Change: schema.Change{Action: schema.Update, Kind: kindSecret, Object: s.Name}}}}
		}
		found[0].Inert = false
		if another {
			found[0].Detail = strings.TrimSuffix("another ciphertext, "+found[0].Detail, ", ")
			found[0].Fields = append([]schema.Difference{{Property: schema.PropertyContent}}, found[0].Fields...)
			found[0].fields = names(found[0].Fields)
			found[0].withheld = withheldSecret
		}
		changes = append(changes, found...)
		changed[s.Name] = "changes"
		if !had {
			changed[s.Name] = "is new"
		}
	}
	for _, s := range before.Secrets {
		if !slices.ContainsFunc(after.Secrets, func(n schema.Secret) bool { return n.Name == s.Name }) {
			changes = append(changes, change{PlannedChange: schema.PlannedChange{Change: schema.Change{Action: schema.Remove, Kind: kindSecret, Object: s.Name, Detail: "it was at " + s.Path}}})
		}
	}
	return append(changes, secretJobs(after, changed)...)
}

// secretJobs are the units that restart or reload because of secrets.
func secretJobs(after *schema.Manifest, changed map[string]string) []change {
	var jobs []change
	seen := map[schema.UnitName]bool{}
	add := func(s schema.Secret, units []schema.UnitName, action schema.Action) {
		for _, unit := range units {
			if seen[unit] || changed[s.Name] == "" {
				continue
			}
			seen[unit] = true
			job := change{PlannedChange: schema.PlannedChange{Change: schema.Change{
				Action: action, Kind: schema.KindUnit, Object: string(unit), Detail: "the secret " + s.Name + " " + changed[s.Name],
			}}}
			if !slices.ContainsFunc(after.Units, func(u schema.Unit) bool { return u.Enabled && slices.Contains(u.Starts, unit) }) {
				job.Condition = "if it runs"
			}
			job.fields = job.Detail
			jobs = append(jobs, job)
		}
	}
	for _, s := range after.Secrets {
		add(s, s.Restart, schema.Restarts)
	}
	for _, s := range after.Secrets {
		add(s, s.Reload, schema.Reloads)
	}
	slices.SortFunc(jobs, func(a, b change) int { return cmp.Compare(a.Object, b.Object) })
	return jobs
}
