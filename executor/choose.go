package executor

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/xrash/smetrics"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/schema"
)

// Selection chooses hosts of a plan or an inventory: those that any of its patterns or groups
// names. The zero value chooses all.
type Selection struct {
	// Hosts are names or patterns with *, ? and [a-z].
	Hosts []string
	// Groups are names of groups; "all" is every host.
	Groups []string
}

// Select returns the hosts of a plan that a selection chooses, sorted. Each of
// its words must choose at least one.
func Select(plan *schema.Plan, selection Selection) ([]schema.HostName, error) {
	chosen, err := choose(plan, selection)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(chosen)), nil
}

func choose(plan *schema.Plan, selection Selection) (map[schema.HostName]bool, error) {
	return chooseFrom(plan.Index.Hosts, "plan", selection)
}

// chooseFrom chooses among the hosts of what people know as a plan or a fleet.
func chooseFrom(hosts schema.Hosts, of string, selection Selection) (map[schema.HostName]bool, error) {
	chosen := map[schema.HostName]bool{}
	if len(selection.Hosts) == 0 && len(selection.Groups) == 0 {
		for name := range hosts {
			chosen[name] = true
		}
		return chosen, nil
	}
	for _, pattern := range selection.Hosts {
		if err := chooseHosts(hosts, of, pattern, chosen); err != nil {
			return nil, err
		}
	}
	for _, group := range selection.Groups {
		if err := chooseGroup(hosts, of, group, chosen); err != nil {
			return nil, err
		}
	}
	return chosen, nil
}

func chooseHosts(hosts schema.Hosts, of, pattern string, chosen map[schema.HostName]bool) error {
	found := false
	for name := range hosts {
		match, err := path.Match(pattern, string(name))
		if err != nil {
			return fault.New(fault.Refused, "cannot read the host pattern %q: %w", pattern, err)
		}
		if match {
			found, chosen[name] = true, true
		}
	}
	if found {
		return nil
	}
	var names []string
	for name := range hosts {
		names = append(names, string(name))
	}
	return fault.New(fault.Refused, "no host of the %s matches %q", of, pattern).WithHint("%s", nearest(of, "host", pattern, names))
}

func chooseGroup(hosts schema.Hosts, of, group string, chosen map[schema.HostName]bool) error {
	names := []string{"all"}
	found := false
	for name, host := range hosts {
		names = append(names, host.Groups...)
		if group == "all" || slices.Contains(host.Groups, group) {
			found, chosen[name] = true, true
		}
	}
	if found {
		return nil
	}
	return fault.New(fault.Refused, "no host of the %s is in the group %q", of, group).WithHint("%s", nearest(of, "group", group, names))
}

// nearest names what was probably meant: the names that few edits lead to, or a
// few of all.
func nearest(of, kind, word string, names []string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	distance := func(name string) int {
		return smetrics.WagnerFischer(strings.ToLower(word), strings.ToLower(name), 1, 1, 1)
	}
	limit := max(len(word)/3, min(len(word)-2, 2), 1) // two letters swapped are two edits
	near := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return distance(name) > limit })
	slices.SortStableFunc(near, func(a, b string) int { return distance(a) - distance(b) })
	const most = 5
	if len(near) > 0 {
		return "did you mean " + strings.Join(near[:min(len(near), most)], " or ") + "?"
	}
	list := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return "the " + of + "'s " + kind + "s are " + list
}
