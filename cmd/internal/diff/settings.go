package diff

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
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
