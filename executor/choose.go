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

// Selection chooses hosts of a plan or an inventory. Where patterns or groups are
// given, those that any of them names; of these, those with all the tags and among
// the given names; less those excluded; and of the rest the first few. The zero
// value chooses all. It leaves hosts out and changes nothing else of a plan: a host's
// wave stays its wave.
type Selection struct {
	// Hosts are names or patterns with *, ? and [a-z].
	Hosts []string
	// Groups are names of groups; "all" is every host.
	Groups []string
	// Tags are "key=value"; of several values of one key any will do.
	Tags []string
	// Exclude are names or patterns of hosts to leave out.
	Exclude []string
	// Among leaves out all but the hosts of a list; nil does not.
	Among *Among
	// Limit is how many are chosen at most, the first in the order of the plan's waves,
	// or by name where there are none; 0 is no limit.
	Limit int
}

// Among is a list of hosts that comes from somewhere else.
type Among struct {
	// Hosts may have names that the plan or the fleet does not have.
	Hosts []schema.HostName
	// What says what they are, for people: "the hosts that failed in run R".
	What string
}

// Names reports whether the selection says which hosts it means, and is not all that
// there are because nobody said anything.
func (s Selection) Names() bool {
	return len(s.Hosts)+len(s.Groups)+len(s.Tags) > 0 || s.Among != nil
}

// Narrows reports whether the selection may leave a host out.
func (s Selection) Narrows() bool { return s.Names() || s.filters() }

// Select returns the hosts of a plan that a selection chooses, sorted. Each of
// its words must be of use: one that matches no host is an error, and so is a
// selection of nothing.
func Select(plan *schema.Plan, selection Selection) ([]schema.HostName, error) {
	chosen, err := choose(plan, selection)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(chosen)), nil
}

func choose(plan *schema.Plan, selection Selection) (map[schema.HostName]bool, error) {
	chosen, err := chooseFrom(plan.Index.Hosts, "plan", selection.withoutLimit())
	if err != nil {
		return nil, err
	}
	var order []schema.HostName
	for _, wave := range plan.Index.Rollout.Waves {
		order = append(order, wave.Hosts...)
	}
	return selection.first(chosen, order), nil
}

func (s Selection) withoutLimit() Selection {
	s.Limit = 0
	return s
}

// first lowers what is chosen to the limit, in an order; hosts that are not in that
// come last, by name.
func (s Selection) first(chosen map[schema.HostName]bool, order []schema.HostName) map[schema.HostName]bool {
	if s.Limit <= 0 || len(chosen) <= s.Limit {
		return chosen
	}
	few := make(map[schema.HostName]bool, s.Limit)
	for _, name := range slices.Concat(order, slices.Sorted(maps.Keys(chosen))) {
		if chosen[name] && len(few) < s.Limit {
			few[name] = true
		}
	}
	return few
}

// chooseFrom chooses among the hosts of what people know as a plan or a fleet.
func chooseFrom(hosts schema.Hosts, of string, selection Selection) (map[schema.HostName]bool, error) {
	chosen, err := chooseNamed(hosts, of, selection)
	if err != nil || !selection.filters() {
		return chosen, err
	}
	if err := keepTagged(hosts, of, selection.Tags, chosen); err != nil {
		return nil, err
	}
	if among := selection.Among; among != nil {
		maps.DeleteFunc(chosen, func(name schema.HostName, _ bool) bool { return !slices.Contains(among.Hosts, name) })
	}
	excluded := map[schema.HostName]bool{}
	for _, pattern := range selection.Exclude {
		if err := chooseHosts(hosts, of, pattern, excluded); err != nil {
			return nil, err
		}
	}
	maps.DeleteFunc(chosen, func(name schema.HostName, _ bool) bool { return excluded[name] })
	if len(chosen) == 0 {
		return nil, fault.New(fault.Refused, "no host of the %s is left: %s", of, selection.filter()).
			WithHint("every filter leaves hosts out of those that --host and --group name")
	}
	return selection.first(chosen, nil), nil
}

func (s Selection) filters() bool {
	return len(s.Tags)+len(s.Exclude)+s.Limit > 0 || s.Among != nil
}

// filter says what is asked for beyond names and groups.
func (s Selection) filter() string {
	var words []string
	for _, tag := range s.Tags {
		words = append(words, "with the tag "+tag)
	}
	if s.Among != nil {
		words = append(words, "among "+s.Among.What)
	}
	for _, pattern := range s.Exclude {
		words = append(words, fmt.Sprintf("without %q", pattern))
	}
	return strings.Join(words, ", ")
}

// chooseNamed chooses by name and by group; all where neither is said.
func chooseNamed(hosts schema.Hosts, of string, selection Selection) (map[schema.HostName]bool, error) {
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

// keepTagged keeps hosts that have, of each key, one of the values.
func keepTagged(hosts schema.Hosts, of string, tags []string, chosen map[schema.HostName]bool) error {
	wanted := map[string][]string{}
	for _, tag := range tags {
		key, value, ok := strings.Cut(tag, "=")
		if !ok || key == "" {
			return fault.New(fault.Refused, "cannot read the tag %q: expected key=value, as zone=a", tag)
		}
		if err := checkTag(hosts, of, key, value); err != nil {
			return err
		}
		wanted[key] = append(wanted[key], value)
	}
	maps.DeleteFunc(chosen, func(name schema.HostName, _ bool) bool {
		for key, values := range wanted {
			if value, tagged := hosts[name].Tags[key]; !tagged || !slices.Contains(values, value) {
				return true
			}
		}
		return false
	})
	return nil
}

// checkTag refuses a tag that no host has.
func checkTag(hosts schema.Hosts, of, key, value string) error {
	var tags []string
	for _, host := range hosts {
		if found, tagged := host.Tags[key]; tagged && found == value {
			return nil
		}
		for k, v := range host.Tags {
			tags = append(tags, k+"="+v)
		}
	}
	refusal := fault.New(fault.Refused, "no host of the %s has the tag %s=%s", of, key, value)
	if len(tags) == 0 {
		return refusal.WithHint("no host of the %s has any tag", of)
	}
	return refusal.WithHint("%s", nearest(of, "tag", key+"="+value, tags))
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
