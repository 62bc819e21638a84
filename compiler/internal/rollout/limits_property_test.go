package rollout

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// bound is a declared limit: of these hosts, no more at once.
type bound struct {
	what  string
	hosts map[schema.HostName]bool
	most  int
}

func boundOf(what string, hosts []Host, most int) bound {
	b := bound{what, map[schema.HostName]bool{}, most}
	for _, host := range hosts {
		b.hosts[host.Name] = true
	}
	return b
}

func (b bound) check(t *rapid.T, atWork map[schema.HostName]bool) {
	n := 0
	for host := range atWork {
		if b.hosts[host] {
			n++
		}
	}
	if n > b.most {
		t.Fatalf("%d at once, though %s: %v", n, b.what, atWork)
	}
}

// percentOf is what a declared limit comes to, told another way than the package does.
func percentOf(amount intent.Amount, hosts int) int {
	n, percent, _ := parse(amount)
	if !percent {
		return n
	}
	most := 1
	for k := 1; k <= hosts; k++ {
		if 100*k <= n*hosts {
			most = k
		}
	}
	return most
}

func having(hosts []Host, of func(Host) bool) []Host {
	return slices.DeleteFunc(slices.Clone(hosts), func(h Host) bool { return !of(h) })
}

// declaredBounds reads limits from the policies, without any of the rules by which
// frozen ones are left out.
func declaredBounds(in Input) (work, reboots []bound) {
	declare := func(group string, policy intent.Rollout, most int) {
		hosts := having(in.Hosts, func(h Host) bool { return group == "" || slices.Contains(h.Groups, group) })
		if policy.MaxParallel != "" {
			most = percentOf(policy.MaxParallel, len(hosts))
		}
		work = append(work, boundOf(group+" has maxParallel", hosts, most))
		for _, tag := range policy.Spread {
			for _, host := range hosts {
				value, tagged := host.Tags[tag]
				if tagged {
					alike := having(hosts, func(h Host) bool { return h.Tags[tag] == value })
					work = append(work, boundOf(group+" spreads "+tag, alike, 1))
				}
			}
		}
		if policy.MaxConcurrentReboots != "" {
			reboots = append(reboots, boundOf(group+" has maxConcurrentReboots", hosts, percentOf(policy.MaxConcurrentReboots, len(hosts))))
		}
	}
	declare("", in.Fleet.Rollout, defaultParallel)
	for _, group := range groupNames {
		declare(group, in.Fleet.GroupRollouts[group], len(in.Hosts))
		asking := having(in.Hosts, func(h Host) bool {
			return slices.Contains(h.Groups, group) && h.Reboot != nil && h.Reboot.MaxConcurrent > 0
		})
		for _, host := range asking {
			reboots = append(reboots, boundOf(string(host.Name)+" asks for maxConcurrentReboots in "+group, asking, host.Reboot.MaxConcurrent))
		}
	}
	return work, reboots
}

// TestFrozenLimitsKeepWhatWasDeclared lets a scheduler that knows nothing but the plan
// begin and end hosts at random.
func TestFrozenLimitsKeepWhatWasDeclared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, rollout := planned(t)
		work, _ := declaredBounds(in)
		indexed := map[schema.HostName]schema.Host{}
		for _, host := range in.Hosts {
			indexed[host.Name] = schema.Host{Groups: host.Groups, Tags: host.Tags}
		}
		may := func(host schema.HostName, atWork map[schema.HostName]bool) bool {
			for _, limit := range rollout.Limits {
				set, concerned := limit.Set(indexed[host])
				n := 0
				for other := range atWork {
					if s, too := limit.Set(indexed[other]); too && s == set {
						n++
					}
				}
				if concerned && n >= limit.MaxParallel {
					return false
				}
			}
			return len(atWork) < rollout.MaxParallel
		}
		for _, wave := range rollout.Waves {
			simulate(t, wave.Hosts, may, work)
		}
	})
}

func TestFrozenRebootLimitsKeepWhatWasDeclared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, rollout := planned(t)
		_, declared := declaredBounds(in)
		wanted := map[schema.HostName]bool{}
		for _, host := range in.Hosts {
			if host.Reboot != nil {
				wanted[host.Name] = true
			}
		}
		if rollout.Reboots == nil {
			if len(wanted) > 0 {
				t.Fatalf("%v may not reboot", wanted)
			}
			return
		}
		wave := map[schema.HostName]string{}
		for _, w := range rollout.Waves {
			for _, host := range w.Hosts {
				wave[host] = w.Name
			}
		}
		may := func(host schema.HostName, down map[schema.HostName]bool) bool {
			for _, limit := range rollout.Reboots.Limits {
				n := 0
				for _, other := range limit.Hosts {
					if down[other] {
						n++
					}
				}
				if slices.Contains(limit.Hosts, host) && n >= limit.MaxConcurrent {
					return false
				}
			}
			return len(down) < rollout.Reboots.MaxConcurrent
		}
		for _, w := range rollout.Reboots.Waves {
			for _, host := range w.Hosts {
				if !wanted[host] || wave[host] != w.Wave {
					t.Fatalf("%s is in %+v", host, w)
				}
				delete(wanted, host)
			}
			simulate(t, w.Hosts, may, declared)
		}
		if len(wanted) > 0 {
			t.Fatalf("%v are in no wave of reboots", wanted)
		}
	})
}

// simulate begins hosts in their order as they may, ends one at random where none may
// begin, and checks the bounds at every moment.
func simulate(t *rapid.T, hosts schema.HostList, may func(schema.HostName, map[schema.HostName]bool) bool, bounds []bound) {
	waiting, atWork := slices.Clone(hosts), map[schema.HostName]bool{}
	for len(waiting) > 0 {
		next := slices.IndexFunc(waiting, func(h schema.HostName) bool { return may(h, atWork) })
		if next >= 0 {
			atWork[waiting[next]] = true
			waiting = slices.Delete(waiting, next, next+1)
			for _, b := range bounds {
				b.check(t, atWork)
			}
			continue
		}
		if len(atWork) == 0 {
			t.Fatalf("%v may never begin", waiting)
		}
		busy := slices.SortedFunc(func(yield func(schema.HostName) bool) {
			for host := range atWork {
				if !yield(host) {
					return
				}
			}
		}, schema.HostName.Compare)
		delete(atWork, rapid.SampledFrom(busy).Draw(t, "ends"))
	}
}
