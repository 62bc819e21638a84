package plandiff

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/transition"
)

// The kinds of what surrounds a change of a host.
const (
	kindHost        = "host"
	kindUpdates     = "os updates"
	kindReboot      = "reboot policy"
	kindActivation  = "activation"
	kindHealthCheck = "health check"
	kindHook        = "hook"
	kindTask        = "task"
	kindSecret      = "secret"
	kindConnection  = "connection"
	kindSelection   = "selection"
)

// object is something of a plan with a name, and its properties.
type object struct {
	name  string
	value any
}

// surroundings are what is different between two manifests beside what becomes of a
// host now: what holds from then on.
func (c *comparison) surroundings(before, after *schema.Manifest, packages bool) []change {
	var changes []change
	changes = append(changes, compareObjects(kindHost, single("what it is", hostKind(before, packages)), single("what it is", hostKind(after, packages)))...)
	changes = append(changes, compareObjects(kindActivation, single("how a change takes hold", activation(before)), single("how a change takes hold", activation(after)))...)
	changes = append(changes, compareObjects(kindUpdates, updates(before.OSUpdates), updates(after.OSUpdates))...)
	changes = append(changes, compareObjects(kindReboot, pointed("when it may reboot", before.Reboot), pointed("when it may reboot", after.Reboot))...)
	changes = append(changes, compareObjects(kindHealthCheck, named(before.HealthChecks, func(h schema.HealthCheck) string { return h.Name }), named(after.HealthChecks, func(h schema.HealthCheck) string { return h.Name }))...)
	changes = append(changes, compareObjects(kindHook, named(before.Hooks, func(h schema.Hook) string { return h.Name }), named(after.Hooks, func(h schema.Hook) string { return h.Name }))...)
	changes = append(changes, compareObjects(kindTask, named(before.Tasks, func(t schema.Task) string { return t.Name }), named(after.Tasks, func(t schema.Task) string { return t.Name }))...)
	return append(changes, compareSecrets(before, after)...)
}

// hostKind is what a host is, with its packages where nothing else tells of them;
// nothing of the manifest of nothing.
func hostKind(m *schema.Manifest, packages bool) any {
	if m.Base == "" {
		return nil
	}
	type kind struct {
		Base     schema.Base   `json:"base"`
		System   schema.System `json:"system"`
		Packages []string      `json:"packages,omitempty"`
	}
	k := kind{Base: m.Base, System: m.System}
	for _, p := range m.Packages {
		if !packages {
			break
		}
		k.Packages = append(k.Packages, p.Name())
	}
	return k
}

func activation(m *schema.Manifest) any {
	if m.Base == "" {
		return nil
	}
	return struct {
		schema.Activation
		Settle string `json:"settle"`
	}{m.Activation, m.Settle}
}

func single(name string, value any) []object {
	if value == nil {
		return nil
	}
	return []object{{name, value}}
}

func pointed[T any](name string, value *T) []object {
	if value == nil {
		return nil
	}
	return []object{{name, *value}}
}

func updates(u *schema.OSUpdates) []object {
	if u == nil {
		return nil
	}
	return append(pointed("apt", u.Ubuntu), pointed("NixOS", u.NixOS)...)
}

func named[T any](items []T, name func(T) string) []object {
	objects := make([]object, 0, len(items))
	for _, item := range items {
		objects = append(objects, object{name(item), item})
	}
	return objects
}

// compareObjects compares objects of one kind by name.
func compareObjects(kind string, before, after []object) []change {
	var changes []change
	old := map[string]any{}
	for _, o := range before {
		old[o.name] = o.value
	}
	for _, o := range after {
		was, had := old[o.name]
		delete(old, o.name)
		if !had || !reflect.DeepEqual(was, o.value) {
			changes = append(changes, compareProperties(kind, o.name, was, o.value)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		changes = append(changes, compareProperties(kind, name, old[name], nil)...)
	}
	slices.SortFunc(changes, func(a, b change) int { return strings.Compare(a.Object, b.Object) })
	return changes
}

// brief is how long a value may be that is told in a line.
const brief = 48

// compareProperties compares one object's properties; nil is an object that is not there.
func compareProperties(kind, name string, before, after any) []change {
	old, now := properties(before), properties(after)
	made := change{PlannedChange: schema.PlannedChange{Change: schema.Change{Action: schema.Update, Kind: kind, Object: name}, Inert: true}}
	switch {
	case before == nil:
		made.Action = schema.Create
	case after == nil:
		made.Action = schema.Remove
	}
	keys := slices.Compact(slices.Sorted(slices.Values(slices.Concat(slices.Collect(maps.Keys(old)), slices.Collect(maps.Keys(now))))))
	var fields, details []string
	short := true
	for _, key := range keys {
		if old[key] == now[key] || key == "name" {
			continue
		}
		fields = append(fields, words(key))
		change := old[key] + " -> " + now[key]
		switch {
		case made.Action == schema.Create:
			change = now[key]
		case made.Action == schema.Remove:
			continue
		case old[key] == "":
			change = "none -> " + now[key]
		case now[key] == "":
			change = old[key] + " -> none"
		}
		if strings.Contains(change, "\n") || len(change) > brief {
			short = false
			details = append(details, words(key))
			continue
		}
		details = append(details, words(key)+" "+change)
	}
	if len(fields) == 0 {
		return nil
	}
	if made.Detail = strings.Join(details, ", "); made.Action == schema.Update {
		made.fields = strings.Join(fields, ",")
	}
	if !short {
		made.diff = udiff.Unified(name, name, listing(old), listing(now))
	}
	return []change{made}
}

// properties are the fields of a value as texts, by their names in the plan.
func properties(value any) map[string]string {
	table := map[string]string{}
	if value == nil {
		return table
	}
	data, err := json.Marshal(value)
	var fields map[string]json.RawMessage
	if err != nil || json.Unmarshal(data, &fields) != nil {
		return map[string]string{"value": fmt.Sprint(value)} // no type of the plan's
	}
	for name, raw := range fields {
		table[name] = inWords(raw)
	}
	return table
}

// inWords writes a JSON value as people would.
func inWords(raw json.RawMessage) string {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return string(raw)
	}
	switch value := value.(type) {
	case string:
		return value
	case []any:
		texts := make([]string, len(value))
		for i, item := range value {
			texts[i] = fmt.Sprint(item)
		}
		return strings.Join(texts, ", ")
	case map[string]any:
		var texts []string
		for _, key := range slices.Sorted(maps.Keys(value)) {
			texts = append(texts, fmt.Sprintf("%s=%v", key, value[key]))
		}
		return strings.Join(texts, " ")
	}
	return fmt.Sprint(value)
}

// words writes the name of a field as words: "confirmWindow" is "confirm window".
func words(name string) string {
	var out strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' && i > 0 && name[i-1] >= 'a' && name[i-1] <= 'z' {
			out.WriteByte(' ')
			r += 'a' - 'A'
		}
		out.WriteRune(r)
	}
	return out.String()
}

// listing writes properties a line each, to be compared line by line.
func listing(properties map[string]string) string {
	var out strings.Builder
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		for i, line := range strings.Split(strings.TrimRight(properties[key], "\n"), "\n") {
			if i == 0 {
				line = words(key) + ": " + line
			} else {
				line = "  " + line
			}
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

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
			found[0].fields = strings.TrimSuffix("content,"+found[0].fields, ",")
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
				Action: action, Kind: transition.KindUnit, Object: string(unit), Detail: "the secret " + s.Name + " " + changed[s.Name],
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

// compareReach compares a host's entries in two indexes: how it is reached, and by
// what it is chosen.
func compareReach(before, after schema.Host) []change {
	type chosen struct {
		Groups []string          `json:"groups,omitempty"`
		Roles  []string          `json:"roles,omitempty"`
		Tags   map[string]string `json:"tags,omitempty"`
	}
	var changes []change
	if !reflect.DeepEqual(before.Connection, after.Connection) {
		changes = append(changes, compareProperties(kindConnection, "how it is reached", before.Connection, after.Connection)...)
	}
	old, now := chosen{before.Groups, before.Roles, before.Tags}, chosen{after.Groups, after.Roles, after.Tags}
	if !reflect.DeepEqual(old, now) {
		changes = append(changes, compareProperties(kindSelection, "roles, groups and tags", old, now)...)
	}
	return changes
}
