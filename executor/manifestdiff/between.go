// Package manifestdiff says what happens to a host that is as one manifest says when
// another one is applied to it. It knows the two manifests and nothing else: it takes
// what is enabled to run, and what depends on the state of the host has a condition.
// [restart] decides about units, as it does on a host.
package manifestdiff

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/restart"
	"github.com/nixfleet/nixfleet/schema"
)

// Step is one thing that happens to a host, or is declared differently for it.
type Step struct {
	schema.PlannedChange
	// Old and New are the contents before and after, of files and units.
	Old, New Content
	// Stopped says that a unit that starts stops in an earlier step.
	Stopped bool
	stage   stage
}

// Content is where the content of a file comes from; the zero value is nowhere.
type Content struct {
	Payload schema.Digest
	Source  string
}

// stage orders steps as a host takes them.
type stage int

const (
	stop stage = iota
	hold
	account
	removal
	emptied // children first
	directory
	file
	profile
	job
	droppedUser
	droppedGroup
	rule
)

// Between returns the steps from one manifest to another, in the order in which a
// host takes them. Texts returns the text of a payload, empty if it has none.
func Between(before, after *schema.Manifest, texts func(schema.Digest) string) []Step {
	d := &difference{old: before, new: after, texts: texts, change: restart.Change{
		Goal: after, Previous: before, Changed: map[string]bool{}, Removed: map[string]bool{}, Linked: map[schema.UnitName]bool{},
	}}
	d.holds()
	d.groups()
	d.users()
	d.directories()
	d.files()
	d.unitFiles()
	d.masks()
	d.profile()
	d.units()
	d.rules()
	slices.SortStableFunc(d.steps, func(a, b Step) int {
		if a.stage == emptied && b.stage == emptied {
			return strings.Compare(b.Object, a.Object)
		}
		return cmp.Compare(a.stage, b.stage)
	})
	return d.steps
}

// difference collects the steps, and the changes on disk that restart decides by.
type difference struct {
	old, new *schema.Manifest
	texts    func(schema.Digest) string
	change   restart.Change
	steps    []Step
}

func (d *difference) add(at stage, step schema.PlannedChange) {
	d.addContent(at, step, Content{}, Content{})
}

func (d *difference) addContent(at stage, step schema.PlannedChange, before, after Content) {
	d.steps = append(d.steps, Step{PlannedChange: step, Old: before, New: after, stage: at})
}

// does is a change with the note for people, if it has one.
func does(action schema.Action, kind, object, detail string, notes ...string) schema.PlannedChange {
	return schema.PlannedChange{
		Change: schema.Change{Action: action, Kind: kind, Object: object, Detail: detail},
		Note:   strings.Join(slices.DeleteFunc(notes, func(note string) bool { return note == "" }), "; "),
	}
}

// updates is a change of properties.
func updates(kind, object string, fields ...schema.Difference) schema.PlannedChange {
	fields = slices.DeleteFunc(fields, func(f schema.Difference) bool { return f.Was == f.Is })
	details := make([]string, len(fields))
	for i, f := range fields {
		details[i] = f.Property + " " + cmp.Or(f.Was, "none") + " -> " + cmp.Or(f.Is, "none")
	}
	change := does(schema.Update, kind, object, strings.Join(details, ", "))
	change.Fields = fields
	return change
}

// update adds a change of properties, if one differs.
func (d *difference) update(at stage, kind, object string, fields ...schema.Difference) {
	if change := updates(kind, object, fields...); len(change.Fields) > 0 {
		d.add(at, change)
	}
}

// declare adds a change of properties that change nothing on a host that has the object.
func (d *difference) declare(at stage, kind, object string, fields ...schema.Difference) {
	if change := updates(kind, object, fields...); len(change.Fields) > 0 {
		change.Inert = true
		d.add(at, change)
	}
}

func field[T ~string](name string, before, after T) schema.Difference {
	return schema.Difference{Property: name, Was: string(before), Is: string(after)}
}

func flag(name string, before, after bool) schema.Difference {
	text := map[bool]string{false: "false", true: "true"}
	return field(name, text[before], text[after])
}

// pair is an object of one name in two manifests; nil in the one that lacks it.
type pair[T any] struct {
	name     string
	old, new *T
}

// pairs returns the objects of two lists, by name.
func pairs[T any, N ~string](before, after []T, name func(*T) N) []pair[T] {
	byName := map[string]pair[T]{}
	for i := range before {
		key := string(name(&before[i]))
		byName[key] = pair[T]{key, &before[i], nil}
	}
	for i := range after {
		key := string(name(&after[i]))
		byName[key] = pair[T]{key, byName[key].old, &after[i]}
	}
	all := make([]pair[T], 0, len(byName))
	for _, key := range slices.Sorted(maps.Keys(byName)) {
		all = append(all, byName[key])
	}
	return all
}

func join[T ~string](items []T) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return strings.Join(texts, ", ")
}

func takesOver(adopt bool) string {
	if adopt {
		return "takes over what is there"
	}
	return ""
}

func givesBack(adopted bool) string {
	if adopted {
		return "what was there before it was adopted comes back"
	}
	return ""
}

// holds are packages that stay at their version from now on, or no longer.
func (d *difference) holds() {
	for _, p := range pairs(d.old.Holds, d.new.Holds, func(name *schema.PackageName) schema.PackageName { return *name }) {
		switch {
		case p.old == nil:
			change := does(schema.Create, "hold", p.name, "")
			change.Condition = "unless the package is held already"
			d.add(hold, change)
		case p.new == nil:
			change := does(schema.Remove, "hold", p.name, "")
			change.Condition = "unless it was held before"
			d.add(hold, change)
		}
	}
}

// profile is the next generation of the host's closure.
func (d *difference) profile() {
	change := does(schema.Update, schema.KindProfile, "the host's closure", "")
	var before, after schema.Closure
	if d.old.Closure != nil {
		before = *d.old.Closure
	}
	if d.new.Closure != nil {
		after = *d.new.Closure
	}
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	switch {
	case before.Path == "" && after.Path == "":
		return
	case after.Path == "":
		change.Note = "it is no longer part of the plan"
	case before.Path == "":
		change.Action = schema.Create
	case before.Path != after.Path:
	case differ(string(before.Hash), string(after.Hash)):
		change.Note = "its path is the same, and what is in it is not: something was built that is not reproducible"
	case differ(string(before.Derivation), string(after.Derivation)):
		change.Note = "its path is the same, and what builds it is not"
	default:
		return
	}
	change.Inert = change.Note != ""
	d.add(profile, change)
}

// rules are changes of the restart map itself, for files that stay.
func (d *difference) rules() {
	staying := func(paths []string) string {
		has := func(m *schema.Manifest, path string) bool {
			return slices.ContainsFunc(m.Files, func(f schema.File) bool { return f.Path == path })
		}
		return strings.Join(slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return !has(d.old, path) || !has(d.new, path) }), " ")
	}
	for _, p := range pairs(d.old.Restarts, d.new.Restarts, func(r *schema.RestartRule) schema.UnitName { return r.Unit }) {
		before, after := valueOf(p.old), valueOf(p.new)
		d.declare(rule, schema.KindUnit, p.name, field("restart on", staying(before.Restart), staying(after.Restart)), field("reload on", staying(before.Reload), staying(after.Reload)))
	}
}

func valueOf[T any](pointer *T) (value T) {
	if pointer != nil {
		value = *pointer
	}
	return value
}
