package rollout

import (
	"slices"

	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// limits returns the limits that can ever hold a host back.
func (p *planner) limits(maxParallel int) []schema.Limit {
	var limits []schema.Limit
	add := func(group string, policy intent.Rollout) {
		hosts := p.inPlan(group)
		if group != "" && policy.MaxParallel != "" {
			if most := limit(policy.MaxParallel, len(hosts)); most < min(len(hosts), maxParallel) {
				limits = append(limits, schema.Limit{Group: group, MaxParallel: most})
			}
		}
		for _, tag := range slices.Compact(slices.Sorted(slices.Values(policy.Spread))) {
			if maxParallel > 1 && shared(hosts, tag) {
				limits = append(limits, schema.Limit{Group: group, Tag: tag, MaxParallel: 1})
			}
		}
	}
	add("", p.fleet)
	for _, group := range p.groups() {
		add(group, p.Fleet.GroupRollouts[group])
	}
	return limits
}

// shared reports whether two hosts have the same value of a tag.
func shared(hosts []Host, tag string) bool {
	seen := map[string]bool{}
	for _, host := range hosts {
		value, tagged := host.Tags[tag]
		if tagged && seen[value] {
			return true
		}
		seen[value] = seen[value] || tagged
	}
	return false
}

// budgets returns how many hosts may fail in all, and of each group that says so.
func (p *planner) budgets() []schema.Budget {
	var budgets []schema.Budget
	if p.fleet.FailureBudget != "" {
		budgets = append(budgets, schema.Budget{Hosts: budget(p.fleet.FailureBudget, len(p.hosts))})
	}
	for _, group := range p.groups() {
		hosts, policy := p.inPlan(group), p.Fleet.GroupRollouts[group]
		if policy.FailureBudget != "" && len(hosts) > 0 {
			budgets = append(budgets, schema.Budget{Group: group, Hosts: budget(policy.FailureBudget, len(hosts))})
		}
	}
	return budgets
}
