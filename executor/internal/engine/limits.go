package engine

import "github.com/nixfleet/nixfleet/schema"

// limits are how many hosts may be at work at once, of all and of sets of hosts, and
// how many are.
type limits struct {
	parallel, atWork int
	sets             []setLimit
	// of are the sets that a host is in.
	of map[schema.HostName][]int
}

type setLimit struct{ most, atWork int }

func limitsOf(plan *schema.Plan, hosts map[schema.HostName]bool, parallel int) *limits {
	l := &limits{parallel: max(parallel, 1), of: map[schema.HostName][]int{}}
	for _, limit := range plan.Index.Rollout.Limits {
		values := map[string]int{}
		for name := range hosts {
			value, concerned := limit.Set(plan.Index.Hosts[name])
			if !concerned {
				continue
			}
			set, known := values[value]
			if !known {
				set = len(l.sets)
				values[value] = set
				l.sets = append(l.sets, setLimit{most: max(limit.MaxParallel, 1)}) // with none nobody would ever begin
			}
			l.of[name] = append(l.of[name], set)
		}
	}
	return l
}

// next returns the first host that may begin; -1 where none may.
func (l *limits) next(waiting []schema.HostName) int {
	if l.atWork >= l.parallel {
		return -1
	}
	for i, host := range waiting {
		if l.lets(host) {
			return i
		}
	}
	return -1
}

func (l *limits) lets(host schema.HostName) bool {
	for _, set := range l.of[host] {
		if l.sets[set].atWork >= l.sets[set].most {
			return false
		}
	}
	return true
}

// begin and end count a host as at work, and no more.
func (l *limits) begin(host schema.HostName) { l.count(host, 1) }
func (l *limits) end(host schema.HostName)   { l.count(host, -1) }

func (l *limits) count(host schema.HostName, by int) {
	l.atWork += by
	for _, set := range l.of[host] {
		l.sets[set].atWork += by
	}
}
