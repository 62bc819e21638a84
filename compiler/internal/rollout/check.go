package rollout

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// check refuses policies that no execution could carry out, or that contradict themselves.
func (p *planner) check() {
	p.checkPolicy("")
	for _, group := range p.groups() {
		if group == "all" {
			p.found = append(p.found, diagnostic.Diagnostic{
				Code: diagnostic.RolloutValue, Severity: diagnostic.Error, Option: "groups.all.rollout", Position: p.locate("groups", "all", "rollout"),
				Summary: "the group all is the whole fleet", Hint: "write its policy beside groups and hosts, as: rollout",
			})
			continue
		}
		p.checkPolicy(group)
		p.checkAfter(group)
	}
}

func (p *planner) locate(field ...string) diagnostic.Position {
	if p.Locate == nil {
		return diagnostic.Position{}
	}
	return p.Locate(field...)
}

func (p *planner) checkPolicy(group string) {
	policy, _ := p.of(group)
	for field, amount := range map[string]intent.Amount{
		"maxParallel": policy.MaxParallel, "canary": policy.Canary.Amount, "maxConcurrentReboots": policy.MaxConcurrentReboots,
	} {
		p.checkAmount(group, field, amount, 1)
	}
	for _, amount := range policy.Waves {
		p.checkAmount(group, "waves", amount, 1)
	}
	p.checkAscending(group, policy.Waves)
	p.checkBudgets(group, policy)
	if soak := text(policy.Soak); policy.Soak != nil && !isDuration(soak) {
		p.refuse(diagnostic.RolloutValue, group, "soak", "", "%q is not a duration: expected it as in %q or %q", soak, "5m", "1h30m")
	}
	p.checkWord(group, "onFailure", policy.OnFailure, string(schema.Halt), string(schema.RollbackHost), string(schema.RollbackWave), string(schema.RollbackAll))
	p.checkWord(group, "offline", policy.Offline, string(schema.OfflineFail), string(schema.OfflineHold))
	for _, window := range policy.RebootWindow {
		if _, err := schema.ParseWindow(window); err != nil {
			p.refuse(diagnostic.Window, group, "rebootWindow", "", "%v", err)
		}
	}
	p.checkCanary(group, policy.Canary)
	for _, tag := range policy.Spread {
		p.checkTag(group, "spread", tag)
	}
	p.checkGate(group, policy.Gate)
}

func (p *planner) checkAmount(group, field string, amount intent.Amount, least int) {
	switch n, percent, ok := parse(amount); {
	case amount == "":
	case percent && n > 100:
		p.refuse(diagnostic.RolloutValue, group, field, "", "%s is %q: expected 100%% at most", field, string(amount))
	case !ok:
		p.refuse(diagnostic.RolloutValue, group, field, "", "%s is %q: expected a number of hosts, or a percentage as %q", field, string(amount), "10%")
	case n < least:
		p.refuse(diagnostic.RolloutValue, group, field, "", "%s is %s: expected at least %d", field, amount, least)
	}
}

// checkAscending refuses a wave that could never have hosts.
func (p *planner) checkAscending(group string, waves []intent.Amount) {
	for i := 1; i < len(waves); i++ {
		n, percent, ok := parse(waves[i])
		before, alike, okBefore := parse(waves[i-1])
		if ok && okBefore && percent == alike && n <= before {
			p.refuse(diagnostic.RolloutValue, group, "waves", "write them in the order in which they come: each is how many hosts are done after it",
				"the wave %q comes after %q: expected more hosts than before", string(waves[i]), string(waves[i-1]))
		}
	}
}

func (p *planner) checkBudgets(group string, policy intent.Rollout) {
	p.checkAmount(group, "failureBudget", policy.FailureBudget, 0)
	p.checkAmount(group, "waveFailureBudget", policy.WaveFailureBudget, 0)
	of := "the fleet has"
	if group != "" {
		of = "the group has"
	}
	whole, inPercent, ok := parse(policy.FailureBudget)
	if size := p.size(group); ok && !inPercent && whole > size {
		p.refuse(diagnostic.RolloutBudget, group, "failureBudget", "", "the budget of %d hosts is larger than the %d hosts that %s: nothing would ever halt the rollout", whole, size, of)
	}
	if wave, percent, okWave := parse(policy.WaveFailureBudget); ok && okWave && percent == inPercent && !percent && wave > whole {
		p.refuse(diagnostic.RolloutBudget, group, "waveFailureBudget", "", "a wave may have %d failures, and the whole rollout %d: expected the budget of a wave to be no larger", wave, whole)
	}
}

func (p *planner) checkWord(group, field string, word *string, words ...string) {
	if word != nil && !slices.Contains(words, *word) {
		p.refuse(diagnostic.RolloutValue, group, field, "", "%s is %q: expected one of %s", field, *word, strings.Join(words, ", "))
	}
}

func (p *planner) checkCanary(group string, canary intent.Canary) {
	for _, name := range canary.Hosts {
		members := p.members["all"]
		if !members[name] {
			p.refuse(diagnostic.UnknownHost, group, "canary", nearest("hosts", name, slices.Collect(maps.Keys(members))), "there is no host %q", name)
		} else if group != "" && !p.members[group][name] {
			p.refuse(diagnostic.UnknownHost, group, "canary", "", "host %q is not in the group %q", name, group)
		}
	}
	if canary.PerTag != "" {
		p.checkTag(group, "canary", canary.PerTag)
	}
}

// checkTag refuses a tag that no host of the group has. Of hosts outside of the plan
// nobody knows.
func (p *planner) checkTag(group, field, tag string) {
	hosts := p.inPlan(group)
	if len(hosts) < p.size(group) || len(hosts) == 0 {
		return
	}
	var tags []string
	for _, host := range hosts {
		if _, tagged := host.Tags[tag]; tagged {
			return
		}
		tags = slices.AppendSeq(tags, maps.Keys(host.Tags))
	}
	slices.Sort(tags)
	p.refuse(diagnostic.RolloutTag, group, field, nearest("tags", tag, slices.Compact(tags)), "no host has the tag %q", tag)
}

func (p *planner) checkAfter(group string) {
	for _, other := range p.Fleet.GroupRollouts[group].After {
		switch _, known := p.members[other]; {
		case other == "all":
			p.refuse(diagnostic.RolloutOrder, group, "after", "name the groups that come before", "the group %q is in %q itself", group, other)
		case !known:
			groups := slices.DeleteFunc(slices.Sorted(maps.Keys(p.members)), func(g string) bool { return g == "all" || g == group })
			p.refuse(diagnostic.UnknownGroup, group, "after", nearest("groups", other, groups), "there is no group %q", other)
		case other == group:
			p.refuse(diagnostic.RolloutOrder, group, "after", "", "the group %q cannot come after itself", group)
		}
	}
}

func (p *planner) checkGate(group string, gate *intent.Gate) {
	if gate == nil {
		return
	}
	switch {
	case strings.TrimSpace(gate.Command) == "":
		p.refuse(diagnostic.RolloutValue, group, "gate", "", "the command of the gate is empty")
	case strings.ContainsRune(gate.Command, 0):
		p.refuse(diagnostic.RolloutValue, group, "gate", "", "the command of the gate has a NUL byte")
	case !isDuration(gate.Interval) || !isDuration(gate.Timeout) || isZero(gate.Timeout):
		p.refuse(diagnostic.RolloutValue, group, "gate", "", "interval and timeout of the gate are %q and %q: expected durations as in %q", gate.Interval, gate.Timeout, "30s")
	case gate.Retries < 0:
		p.refuse(diagnostic.RolloutValue, group, "gate", "", "retries of the gate is %d: expected 0 or more", gate.Retries)
	}
}

func isDuration(text string) bool {
	d, err := time.ParseDuration(text)
	return err == nil && d >= 0
}

func isZero(text string) bool {
	d, err := time.ParseDuration(text)
	return err == nil && d == 0
}
