// Package transition tells what becomes of a host that is as one manifest says when
// an execution makes it what another says: by the rules by which the host decides,
// and from the two manifests alone. A unit that is enabled is taken to run; what
// depends on how the host is found has a condition.
package transition

import (
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// Step is one thing that becomes of a host.
type Step struct {
	schema.Change
	// Fields are the names of what is different of the object: "content", "mode".
	Fields []string
	// Condition says when it happens; empty where it surely does.
	Condition string
	// Note says more of it, for people.
	Note string
	// Refused says that the host refuses because of it.
	Refused bool
	// Inert says that nothing happens now: something is declared otherwise.
	Inert bool
	// Old and New are the contents before and after, of files and units.
	Old, New Content
}

// Content is where the content of a file comes from. The zero value is none.
type Content struct {
	Payload schema.Digest
	Source  string
}

// The kinds of objects, as hosts name them in their changes.
const (
	KindGroup     = "group"
	KindUser      = "user"
	KindDirectory = "directory"
	KindFile      = "file"
	KindUnit      = "unit"
	KindProfile   = "profile"
)

// Between returns the steps from one manifest to another, in the order of an
// execution. Texts returns the text of a payload; empty where it is none.
func Between(before, after *schema.Manifest, texts func(schema.Digest) string) []Step {
	t := &transition{old: before, new: after, texts: texts, changed: map[string]bool{}, removed: map[string]bool{}, linked: map[schema.UnitName]bool{}}
	groups := t.groups()
	users, droppedUsers := t.users()
	dropped, directories := t.directories()
	removals, files := t.files()
	unitRemovals, unitFiles := t.unitFiles()
	stops, jobs := t.units()
	return slices.Concat(stops, keeping(groups), users, removals, unitRemovals, dropped, directories, files, unitFiles, t.profile(), jobs,
		droppedUsers, dropping(groups), t.rules())
}

// transition collects what changes on the disk, by which units are decided on.
type transition struct {
	old, new *schema.Manifest
	texts    func(schema.Digest) string
	// changed are the paths of files that are put, changed or removed.
	changed map[string]bool
	// removed are those of them that go.
	removed map[string]bool
	// linked are the units that a new link makes run.
	linked map[schema.UnitName]bool
}

func unitPath(name string) string { return schema.UnitDirectory + "/" + name }

// pair is an object of one name in two manifests; nil where it has none.
type pair[T any] struct {
	name     string
	old, new *T
}

// pairs returns all objects of two lists, in the order of their names.
func pairs[T any](before, after []T, name func(*T) string) []pair[T] {
	byName := map[string]*pair[T]{}
	var names []string
	at := func(item *T) *pair[T] {
		key := name(item)
		if byName[key] == nil {
			byName[key] = &pair[T]{name: key}
			names = append(names, key)
		}
		return byName[key]
	}
	for i := range before {
		at(&before[i]).old = &before[i]
	}
	for i := range after {
		at(&after[i]).new = &after[i]
	}
	slices.Sort(names)
	all := make([]pair[T], 0, len(names))
	for _, name := range names {
		all = append(all, *byName[name])
	}
	return all
}

// field is one property of an object, in words.
type field struct{ name, old, new string }

// differing returns the names of the fields that differ, and says how.
func differing(fields ...field) (names, details []string) {
	for _, f := range fields {
		if f.old != f.new {
			names = append(names, f.name)
			details = append(details, f.name+" "+orNothing(f.old)+" -> "+orNothing(f.new))
		}
	}
	return names, details
}

func orNothing(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// inert tells of fields that say nothing of a host that has the object.
func inert(kind, object string, fields ...field) []Step {
	names, details := differing(fields...)
	if len(names) == 0 {
		return nil
	}
	return []Step{{Change: schema.Change{Action: schema.Update, Kind: kind, Object: object, Detail: strings.Join(details, ", ")}, Fields: names, Inert: true}}
}

func truth(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// profile is the next generation of the host's profile.
func (t *transition) profile() []Step {
	change := schema.Change{Action: schema.Update, Kind: KindProfile, Object: "the host's closure"}
	var before, after schema.Closure
	if t.old.Closure != nil {
		before = *t.old.Closure
	}
	if t.new.Closure != nil {
		after = *t.new.Closure
	}
	switch {
	case after.Path == "" && before.Path == "":
		return nil
	case after.Path == "":
		return []Step{{Change: change, Inert: true, Note: "it is no longer part of the plan"}}
	case before.Path == "":
		change.Action = schema.Create
	case before.Path == after.Path:
		if before.Hash != "" && after.Hash != "" && before.Hash != after.Hash {
			return []Step{{Change: change, Note: "its path is the same, and what is in it is not: something was built that is not reproducible", Inert: true}}
		}
		if before.Derivation != "" && after.Derivation != "" && before.Derivation != after.Derivation {
			return []Step{{Change: change, Note: "its path is the same, and what builds it is not", Inert: true}}
		}
		return nil
	}
	return []Step{{Change: change}}
}

// rules are changes of the restart map alone, of files that stay.
func (t *transition) rules() []Step {
	var steps []Step
	for _, p := range pairs(t.old.Restarts, t.new.Restarts, func(r *schema.RestartRule) string { return string(r.Unit) }) {
		var fields []field
		for _, verb := range []string{"restart", "reload"} {
			fields = append(fields, field{verb + " on", strings.Join(t.staying(p.old, verb), " "), strings.Join(t.staying(p.new, verb), " ")})
		}
		steps = append(steps, inert(KindUnit, p.name, fields...)...)
	}
	return steps
}

// staying returns the paths of a rule that both manifests have.
func (t *transition) staying(rule *schema.RestartRule, verb string) []string {
	if rule == nil {
		return nil
	}
	paths := rule.Restart
	if verb == "reload" {
		paths = rule.Reload
	}
	has := func(m *schema.Manifest, path string) bool {
		return slices.ContainsFunc(m.Files, func(f schema.File) bool { return f.Path == path })
	}
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return !has(t.old, path) || !has(t.new, path) })
}
