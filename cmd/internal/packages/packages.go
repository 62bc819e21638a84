// Package packages tells of two closures what is different by package: the names of
// store paths, split into names and versions.
package packages

import (
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/version"
)

// Compare tells of store paths that go and come, with their sizes, by package.
func Compare(gone, come map[schema.StorePath]int64) []schema.PackageChange {
	type sides struct {
		old, new         map[string]bool
		oldSize, newSize int64
	}
	table := map[string]*sides{}
	of := func(path schema.StorePath) (*sides, string) {
		name, version := version.Split(path.Name())
		if table[name] == nil {
			table[name] = &sides{old: map[string]bool{}, new: map[string]bool{}}
		}
		return table[name], version
	}
	for path, size := range come {
		s, version := of(path)
		s.new[version] = true
		s.newSize += size
	}
	for path, size := range gone {
		s, version := of(path)
		s.old[version] = true
		s.oldSize += size
	}
	var changes []schema.PackageChange
	for _, name := range slices.Sorted(maps.Keys(table)) {
		s := table[name]
		changes = append(changes, schema.PackageChange{
			Name: name, Old: sorted(s.old), New: sorted(s.new), OldSize: s.oldSize, NewSize: s.newSize,
		})
	}
	return changes
}

func sorted(set map[string]bool) []string {
	return append([]string{}, slices.Sorted(maps.Keys(set))...)
}

// Text says what becomes of a package.
func Text(c schema.PackageChange) string {
	text := c.Name + " "
	switch {
	case len(c.Old) == 0:
		text += "new " + versions(c.New)
	case len(c.New) == 0:
		text += versions(c.Old) + "gone"
	case slices.Equal(c.Old, c.New):
		text += versions(c.New) + "another build"
	default:
		text += strings.TrimSpace(versions(c.Old)) + " -> " + versions(c.New)
	}
	return strings.TrimRight(text, " ") + ", " + human.Growth(c.NewSize-c.OldSize)
}

func versions(list []string) string {
	if text := strings.Join(slices.DeleteFunc(slices.Clone(list), func(v string) bool { return v == "" }), ", "); text != "" {
		return text + " "
	}
	return ""
}
