package forecast

import (
	"maps"
	"regexp"
	"slices"

	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// versioned splits the name of a store path: the version begins with the first
// hyphen that a digit follows; a further output of a package has its name behind.
var versioned = regexp.MustCompile(`^(.+?)-([0-9].*?)(-(?:bin|dev|doc|info|lib|man|out|debug|data|static))?$`)

// nameAndVersion returns a package's name, with the output that is not the usual
// one, and its version; "" where it has none.
func nameAndVersion(path schema.StorePath) (name, version string) {
	match := versioned.FindStringSubmatch(path.Name())
	if match == nil {
		return path.Name(), ""
	}
	return match[1] + match[3], match[2]
}

// packages compares two closures by package.
func packages(plan *schema.Plan, proposal *protocol.Proposal) []schema.PackageChange {
	type sides struct {
		old, new         map[string]bool
		oldSize, newSize int64
	}
	table := map[string]*sides{}
	of := func(path schema.StorePath) (*sides, string) {
		name, version := nameAndVersion(path)
		if table[name] == nil {
			table[name] = &sides{old: map[string]bool{}, new: map[string]bool{}}
		}
		return table[name], version
	}
	for _, path := range proposal.NewPaths {
		s, version := of(path)
		s.new[version] = true
		s.newSize += plan.StorePaths[path].NarSize
	}
	for _, path := range proposal.OldPaths {
		s, version := of(path.Path)
		s.old[version] = true
		s.oldSize += path.Size
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
