package rollout

import (
	"slices"
	"strconv"

	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// waves returns the waves of stages that wait for nothing but earlier levels: their
// canaries first, then one stage after the other.
func (p *planner) waves(level []*stage, several bool) []schema.Wave {
	var canaries, others []schema.Wave
	for _, s := range level {
		first, rest := p.stageWaves(s, several)
		canaries, others = append(canaries, first...), append(others, rest...)
	}
	return append(canaries, others...)
}

func (p *planner) stageWaves(s *stage, several bool) (canary, others []schema.Wave) {
	policy := p.effective(s.group)
	wave := func(label string, hosts []Host) schema.Wave {
		w := schema.Wave{Name: label, Hosts: names(hosts)}
		switch {
		case s.group != "":
			w.Name = s.group + " " + label
		case several:
			w.Name = "other hosts " + label
		}
		if soak := text(policy.Soak); soak != "" && soak != "0s" {
			w.Soak = soak
		}
		if on := schema.OnFailure(text(policy.OnFailure)); on != schema.Halt {
			w.OnFailure = on
		}
		if offline := schema.Offline(text(policy.Offline)); offline != schema.OfflineFail {
			w.Offline = offline
		}
		w.FailureBudget = p.waveBudget(s, policy, len(hosts))
		return w
	}
	first := canaries(s.hosts, policy.Canary)
	isFirst := map[schema.HostName]bool{}
	for _, host := range first {
		isFirst[host.Name] = true
	}
	left := slices.DeleteFunc(slices.Clone(s.hosts), func(h Host) bool { return isFirst[h.Name] })
	if len(first) > 0 {
		w := wave("canary", first)
		if w.FailureBudget != nil {
			*w.FailureBudget = 0 // a canary that may fail tells nothing
		}
		canary = append(canary, w)
	}
	done := len(first)
	for _, amount := range policy.Waves {
		upTo := share(amount, len(s.hosts))
		if upTo <= done {
			continue
		}
		others = append(others, wave(label(amount), left[:upTo-done]))
		left, done = left[upTo-done:], upTo
	}
	if len(left) > 0 {
		last := "rest"
		if done == 0 {
			last = "all"
		}
		others = append(others, wave(last, left))
	}
	return canary, others
}

// label is the name of the wave after which so many hosts are done.
func label(amount intent.Amount) string {
	n, percent, _ := parse(amount)
	if percent {
		return strconv.Itoa(n) + "%"
	}
	return "first " + strconv.Itoa(n)
}

// effective is the policy for waves of a group: what it says itself, else the fleet's.
// From a group around it, it takes nothing but the failure budget, which is in all.
func (p *planner) effective(group string) intent.Rollout {
	own, _ := p.of(group)
	policy := p.fleet
	if own.Canary.Declared() {
		policy.Canary = own.Canary
	}
	if len(own.Waves) > 0 {
		policy.Waves = own.Waves
	}
	if own.Soak != nil {
		policy.Soak = own.Soak
	}
	if own.WaveFailureBudget != "" {
		policy.WaveFailureBudget = own.WaveFailureBudget
	}
	if own.OnFailure != nil {
		policy.OnFailure = own.OnFailure
	}
	if own.Offline != nil {
		policy.Offline = own.Offline
	}
	return policy
}

// waveBudget is how many hosts of a wave may fail; nil where nobody says.
func (p *planner) waveBudget(s *stage, policy intent.Rollout, size int) *int {
	most, declared := size, false
	if policy.WaveFailureBudget != "" {
		most, declared = budget(policy.WaveFailureBudget, size), true
	}
	for _, group := range p.groups() {
		amount := p.Fleet.GroupRollouts[group].FailureBudget
		if amount != "" && s.group != "" && (group == s.group || p.within(s.group, group)) {
			most, declared = min(most, budget(amount, len(p.inPlan(group)))), true
		}
	}
	if p.fleet.FailureBudget != "" {
		most, declared = min(most, budget(p.fleet.FailureBudget, len(p.hosts))), true
	}
	if !declared {
		return nil
	}
	return &most
}

// canaries are the hosts of a stage that come first.
func canaries(hosts []Host, canary intent.Canary) []Host {
	switch {
	case canary.Hosts != nil:
		return slices.DeleteFunc(slices.Clone(hosts), func(h Host) bool { return !slices.Contains(canary.Hosts, string(h.Name)) })
	case canary.PerGroup:
		return onePer(hosts, func(h Host) []string { return h.Groups })
	case canary.PerTag != "":
		return onePer(hosts, func(h Host) []string {
			value, tagged := h.Tags[canary.PerTag]
			return slices.Repeat([]string{value}, boolOf(tagged))
		})
	case canary.Amount != "":
		return hosts[:share(canary.Amount, len(hosts))]
	}
	return nil
}

// onePer returns the first hosts that have a mark which none before has.
func onePer(hosts []Host, marks func(Host) []string) []Host {
	var chosen []Host
	seen := map[string]bool{}
	for _, host := range hosts {
		isNew := false
		for _, mark := range marks(host) {
			isNew = isNew || !seen[mark]
		}
		if !isNew {
			continue
		}
		for _, mark := range marks(host) {
			seen[mark] = true
		}
		chosen = append(chosen, host)
	}
	return chosen
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
