package rollout

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
)

// stage is hosts that share a policy for waves.
type stage struct {
	// group is empty for the hosts that are in no group with such a policy.
	group string
	hosts []Host
	// level is greater than that of every stage that comes before.
	level int
}

// shape returns the first field of a group's policy that says something of waves, and
// not only of how many hosts are at work or down at once; empty where none does.
func shape(r intent.Rollout) string {
	for _, field := range []struct {
		name     string
		declared bool
	}{
		{"after", len(r.After) > 0},
		{"canary", r.Canary.Declared()},
		{"waves", len(r.Waves) > 0},
		{"soak", r.Soak != nil},
		{"failureBudget", r.FailureBudget != ""},
		{"waveFailureBudget", r.WaveFailureBudget != ""},
		{"onFailure", r.OnFailure != nil},
		{"offline", r.Offline != nil},
	} {
		if field.declared {
			return field.name
		}
	}
	return ""
}

// stages divides the plan's hosts, and sets the stages' levels.
func (p *planner) stages() []*stage {
	order := p.order()
	groups := p.stageGroups()
	byGroup := map[string]*stage{}
	reported := map[string]bool{}
	for _, host := range p.hosts {
		var of []string
		for _, group := range groups {
			if slices.Contains(host.Groups, group) {
				of = append(of, group)
			}
		}
		group := ""
		if len(of) > 0 {
			var beside []string
			if group, beside = p.narrowest(of); group == "" {
				if pair := strings.Join(beside, " "); !reported[pair] {
					reported[pair] = true
					p.disagree(host, beside)
				}
				continue
			}
		}
		if byGroup[group] == nil {
			byGroup[group] = &stage{group: group, level: order[group]}
		}
		byGroup[group].hosts = append(byGroup[group].hosts, host)
	}
	return slices.SortedFunc(maps.Values(byGroup), func(a, b *stage) int {
		// The hosts of no group come last among their equals.
		return cmp.Or(cmp.Compare(a.level, b.level), cmp.Compare(boolOf(a.group == ""), boolOf(b.group == "")), cmp.Compare(a.group, b.group))
	})
}

func boolOf(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (p *planner) disagree(host Host, beside []string) {
	a, b := beside[0], beside[1]
	at := a
	if shape(p.Fleet.GroupRollouts[a]) == "" { // another group comes after it
		at = b
	}
	p.refuse(diagnostic.RolloutOverlap, at, shape(p.Fleet.GroupRollouts[at]),
		"leave the policy for waves to one of them, or to a group whose hosts are all in the other; maxParallel, spread, maxConcurrentReboots and rebootWindow may stand at both",
		"host %q is in the groups %q and %q, and both say in which waves their hosts are taken", host.Name, a, b)
}

// stageGroups returns the groups whose hosts are stages of their own.
func (p *planner) stageGroups() []string {
	set := map[string]bool{}
	for _, group := range p.groups() {
		policy := p.Fleet.GroupRollouts[group]
		if shape(policy) != "" {
			set[group] = true
		}
		for _, other := range policy.After {
			set[other] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// order returns the level of each group.
func (p *planner) order() map[string]int {
	groups := p.stageGroups()
	before := map[string][]string{}
	for _, later := range p.groups() {
		for _, earlier := range p.Fleet.GroupRollouts[later].After {
			p.precede(before, groups, earlier, later)
		}
	}
	o := ordering{before: before, level: map[string]int{}}
	for _, group := range groups {
		if circle := o.visit(group, nil); circle != nil {
			at := slices.IndexFunc(circle, func(g string) bool { return len(p.Fleet.GroupRollouts[g].After) > 0 })
			p.refuse(diagnostic.RolloutOrder, circle[max(at, 0)], "after", "take one of them out of the circle",
				"groups wait for each other: %s", strings.Join(circle, " after "))
			return o.level
		}
	}
	return o.level
}

// precede notes that all groups within one come before all within another. Where one
// of the two lies in the other, what is meant is the rest of the other.
func (p *planner) precede(before map[string][]string, groups []string, earlier, later string) {
	is := func(group, within string) bool { return group == within || p.within(group, within) }
	for _, b := range groups {
		if !is(b, later) || is(earlier, later) && is(b, earlier) {
			continue
		}
		for _, a := range groups {
			if a != b && is(a, earlier) && !(is(later, earlier) && is(a, later)) {
				before[b] = append(before[b], a)
			}
		}
	}
}

type ordering struct {
	before map[string][]string
	level  map[string]int
}

// visit sets the level of a group, or returns a circle that it is in.
func (o ordering) visit(group string, path []string) []string {
	if at := slices.Index(path, group); at >= 0 {
		return append(slices.Clone(path[at:]), group)
	}
	if _, done := o.level[group]; done {
		return nil
	}
	level := 0
	for _, earlier := range o.before[group] {
		if circle := o.visit(earlier, append(path, group)); circle != nil {
			return circle
		}
		level = max(level, o.level[earlier]+1)
	}
	o.level[group] = level
	return nil
}

// levels groups sorted stages that are on one level.
func levels(stages []*stage) [][]*stage {
	var all [][]*stage
	for i, s := range stages {
		if i == 0 || stages[i-1].level != s.level {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], s)
	}
	return all
}
