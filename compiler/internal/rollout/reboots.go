package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// reboots returns the reboots of hosts that may; nil where none may.
func (p *planner) reboots(rollout schema.Rollout) *schema.Reboots {
	may := map[schema.HostName]Host{}
	for _, host := range p.hosts {
		if host.Reboot != nil {
			may[host.Name] = host
		}
	}
	if len(may) == 0 {
		return nil
	}
	frozen := &schema.Reboots{MaxConcurrent: rollout.MaxParallel}
	if p.fleet.MaxConcurrentReboots != "" {
		frozen.MaxConcurrent = min(frozen.MaxConcurrent, limit(p.fleet.MaxConcurrentReboots, len(p.hosts)))
	}
	frozen.Limits = p.rebootLimits(frozen.MaxConcurrent)
	windows := newWindowTable(p)
	for _, wave := range rollout.Waves {
		at := map[string]int{}
		for _, name := range wave.Hosts {
			host, reboots := may[name]
			if !reboots {
				continue
			}
			open := windows.of(host)
			key := strings.Join(append(slices.Clone(open), host.Reboot.Deadline, host.Reboot.Stability), "\n")
			i, known := at[key]
			if !known {
				i = len(frozen.Waves)
				at[key] = i
				frozen.Waves = append(frozen.Waves, schema.RebootWave{Wave: wave.Name, Windows: open, Deadline: host.Reboot.Deadline, Stability: host.Reboot.Stability})
			}
			frozen.Waves[i].Hosts = append(frozen.Waves[i].Hosts, name)
		}
	}
	return frozen
}

// rebootLimits returns the limits that can ever hold a reboot back beside the one for
// all: of groups by their policy, and by what their hosts ask for. A host without any
// group counts among such hosts.
func (p *planner) rebootLimits(most int) []schema.RebootLimit {
	var limits []schema.RebootLimit
	add := func(group string, max int, hosts []Host) {
		if max < min(most, len(hosts)) {
			limits = append(limits, schema.RebootLimit{Group: group, Hosts: names(hosts), MaxConcurrent: max})
		}
	}
	asking := map[string][]Host{}
	for _, host := range p.hosts {
		if host.Reboot == nil || host.Reboot.MaxConcurrent == 0 {
			continue
		}
		for _, group := range host.Groups {
			asking[group] = append(asking[group], host)
		}
		if len(host.Groups) == 0 {
			asking[""] = append(asking[""], host)
		}
	}
	for _, group := range p.groups() {
		if amount := p.Fleet.GroupRollouts[group].MaxConcurrentReboots; amount != "" {
			hosts := p.inPlan(group)
			reboot := slices.DeleteFunc(slices.Clone(hosts), func(h Host) bool { return h.Reboot == nil })
			add(group, limit(amount, len(hosts)), reboot)
		}
	}
	for _, group := range slices.Sorted(maps.Keys(asking)) {
		least := slices.MinFunc(asking[group], func(a, b Host) int { return a.Reboot.MaxConcurrent - b.Reboot.MaxConcurrent })
		add(group, least.Reboot.MaxConcurrent, asking[group])
	}
	return binding(limits)
}

// binding leaves limits out that others imply.
func binding(limits []schema.RebootLimit) []schema.RebootLimit {
	var kept []schema.RebootLimit
	for i, l := range limits {
		implied := slices.ContainsFunc(kept, func(k schema.RebootLimit) bool { return implies(k, l) }) ||
			slices.ContainsFunc(limits[i+1:], func(k schema.RebootLimit) bool { return implies(k, l) && !implies(l, k) })
		if !implied {
			kept = append(kept, l)
		}
	}
	return kept
}

// implies reports whether a limit keeps another; their hosts are in order.
func implies(a, b schema.RebootLimit) bool {
	if a.MaxConcurrent > b.MaxConcurrent || len(a.Hosts) < len(b.Hosts) {
		return false
	}
	rest := a.Hosts
	for _, host := range b.Hosts {
		i := slices.Index(rest, host)
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return true
}

// windowTable finds the windows of hosts.
type windowTable struct {
	*planner
	groups   []string
	reported map[string]bool
}

func newWindowTable(p *planner) *windowTable {
	t := &windowTable{planner: p, reported: map[string]bool{}}
	for _, group := range p.groups() {
		if len(p.Fleet.GroupRollouts[group].RebootWindow) > 0 {
			t.groups = append(t.groups, group)
		}
	}
	return t
}

// of returns the windows of a host: its own, else those of its groups, else the
// fleet's. Of groups inside each other the inner counts.
func (t *windowTable) of(host Host) []string {
	if len(host.Reboot.Windows) > 0 {
		return host.Reboot.Windows
	}
	var of []string
	for _, group := range t.groups {
		if slices.Contains(host.Groups, group) {
			of = append(of, group)
		}
	}
	if len(of) == 0 {
		return t.fleet.RebootWindow
	}
	group, beside := t.narrowest(of)
	if group == "" && t.same(of) {
		group = of[0]
	}
	if group == "" {
		if pair := fmt.Sprint(beside); !t.reported[pair] {
			t.reported[pair] = true
			t.refuse(diagnostic.RolloutOverlap, beside[0], "rebootWindow", "say it at the host itself, or in one of the groups",
				"host %q is in the groups %q and %q, whose windows for reboots differ", host.Name, beside[0], beside[1])
		}
		return nil
	}
	return t.Fleet.GroupRollouts[group].RebootWindow
}

func (t *windowTable) same(groups []string) bool {
	return !slices.ContainsFunc(groups, func(g string) bool {
		return !slices.Equal(t.Fleet.GroupRollouts[g].RebootWindow, t.Fleet.GroupRollouts[groups[0]].RebootWindow)
	})
}
