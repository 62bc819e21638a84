package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// planner makes one rollout.
type planner struct {
	Input
	// hosts are in the order of their names, byGroup those of each group.
	hosts   []Host
	byGroup map[string][]Host
	// fleet is the policy of the fleet, path where it stands in the inventory.
	fleet intent.Rollout
	path  []string
	found diagnostic.List
	// members are the groups' as sets.
	members map[string]map[string]bool
}

func newPlanner(in Input) *planner {
	p := &planner{Input: in, fleet: in.Fleet.Rollout, path: []string{"rollout"}, members: map[string]map[string]bool{}, byGroup: map[string][]Host{}}
	if in.Name != "" {
		p.fleet, p.path = in.Fleet.Rollouts[in.Name], []string{"rollouts", in.Name}
		if _, known := in.Fleet.Rollouts[in.Name]; !known {
			p.found = append(p.found, diagnostic.Diagnostic{
				Code: diagnostic.UnknownRollout, Severity: diagnostic.Error, Option: "rollouts",
				Summary: fmt.Sprintf("there is no rollout policy %q", in.Name),
				Hint:    nearest("policies", in.Name, slices.Collect(maps.Keys(in.Fleet.Rollouts))),
			})
		}
	}
	p.hosts = slices.SortedFunc(slices.Values(in.Hosts), func(a, b Host) int { return a.Name.Compare(b.Name) })
	for _, host := range p.hosts {
		for _, group := range host.Groups {
			p.byGroup[group] = append(p.byGroup[group], host)
		}
	}
	for group, names := range in.Members {
		p.members[group] = map[string]bool{}
		for _, name := range names {
			p.members[group][name] = true
		}
	}
	return p
}

// groups returns the names of the groups that have a policy, sorted.
func (p *planner) groups() []string { return slices.Sorted(maps.Keys(p.Fleet.GroupRollouts)) }

// of returns the policy of a group, or the fleet's where there is no group, and its path.
func (p *planner) of(group string) (intent.Rollout, []string) {
	if group == "" {
		return p.fleet, p.path
	}
	return p.Fleet.GroupRollouts[group], []string{"groups", group, "rollout"}
}

// refuse reports an error about a field of a group's policy, or the fleet's.
func (p *planner) refuse(code diagnostic.Code, group, field, hint, format string, args ...any) {
	policy, path := p.of(group)
	path = append(slices.Clone(path), field)
	position := diagnostic.ParsePosition(policy.At[field])
	if position.File == "" && p.Locate != nil {
		position = p.Locate(path...)
	}
	p.found = append(p.found, diagnostic.Diagnostic{
		Code: code, Severity: diagnostic.Error, Option: strings.Join(path, "."), Position: position,
		Summary: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// inPlan returns the plan's hosts of a group; all for "".
func (p *planner) inPlan(group string) []Host {
	if group == "" {
		return p.hosts
	}
	return p.byGroup[group]
}

// size is how many hosts of the whole fleet a group has; all for "".
func (p *planner) size(group string) int {
	if group == "" {
		group = "all"
	}
	return len(p.members[group])
}

// within reports whether all hosts of a group that has any are in another.
func (p *planner) within(group, other string) bool {
	if len(p.members[group]) == 0 {
		return false
	}
	for name := range p.members[group] {
		if !p.members[other][name] {
			return false
		}
	}
	return true
}

// narrowest returns the one of several groups that lies within all others. Where none
// does, or two are the same, it returns two that stand beside each other.
func (p *planner) narrowest(groups []string) (group string, beside []string) {
	for i, candidate := range groups {
		other := slices.IndexFunc(groups, func(g string) bool {
			return g != candidate && (!p.within(candidate, g) || p.within(g, candidate))
		})
		if other < 0 {
			return candidate, nil
		}
		if i == 0 {
			beside = []string{candidate, groups[other]}
		}
	}
	return "", beside
}

func names(hosts []Host) schema.HostList {
	list := make(schema.HostList, 0, len(hosts))
	for _, host := range hosts {
		list = append(list, host.Name)
	}
	return list
}

func nearest(what, name string, all []string) string {
	slices.Sort(all)
	if near := diagnostic.Nearest(name, all); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	const shown = 20
	list := strings.Join(all[:min(shown, len(all))], ", ")
	switch {
	case len(all) == 0:
		return "there are no " + what
	case len(all) > shown:
		list += fmt.Sprintf(" and %d more", len(all)-shown)
	}
	return "the " + what + " are: " + list
}
