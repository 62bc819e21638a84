package diff

import (
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/show"
	"github.com/nixfleet/nixfleet/schema"
)

// compareRollout compares who comes when, and what holds meanwhile.
func (c *comparison) compareRollout() {
	old, now := c.old.Index.Rollout, c.new.Index.Rollout
	c.compareWaves(old.Waves, now.Waves)
	c.objects("wave", wavesAsObjects(old.Waves, now.Waves), wavesAsObjects(now.Waves, old.Waves))
	c.objects("rollout", single("the rollout", terms(old)), single("the rollout", terms(now)))
	c.objects("limit", named(old.Limits, limitName), named(now.Limits, limitName))
	c.objects("budget", named(old.Budgets, budgetName), named(now.Budgets, budgetName))
	c.objects("gate", pointed("between waves", old.Gate), pointed("between waves", now.Gate))
	c.compareReboots(old, now)
}

// objects compares objects of the rollout.
func (c *comparison) objects(kind string, before, after []object) {
	for _, found := range compareObjects(kind, before, after) {
		c.difference.Rollout = append(c.difference.Rollout, found.ofNoHost())
	}
}

func terms(r schema.Rollout) any {
	return struct {
		Name        string `json:"policy,omitempty"`
		MaxParallel int    `json:"maxParallel"`
	}{r.Name, r.MaxParallel}
}

func limitName(l schema.Limit) string {
	return strings.TrimSpace(hostsOf(l.Group) + spread(l.Tag))
}

func budgetName(b schema.Budget) string { return hostsOf(b.Group) }

func hostsOf(group string) string {
	if group == "" {
		return "all hosts"
	}
	return "group " + group
}

func spread(tag string) string {
	if tag == "" {
		return ""
	}
	return " with the same " + tag
}

// wavesAsObjects are the terms of waves, and their order where the same hosts come
// in another.
func wavesAsObjects(waves, others schema.Waves) []object {
	type terms struct {
		schema.Wave
		Hosts    any               `json:"hosts,omitempty"` // told of by the hosts that move
		Sequence []schema.HostName `json:"hosts in the order,omitempty"`
		After    string            `json:"after,omitempty"`
	}
	var objects []object
	for i, wave := range waves {
		t := terms{Wave: wave}
		at := slices.IndexFunc(others, func(w schema.Wave) bool { return w.Name == wave.Name })
		if at >= 0 && sameHosts(wave.Hosts, others[at].Hosts) && !slices.Equal(wave.Hosts, others[at].Hosts) {
			t.Sequence = wave.Hosts
		}
		if at >= 0 && before(waves, others, i) != before(others, waves, at) {
			t.After = before(waves, others, i)
		}
		objects = append(objects, object{wave.Name, t})
	}
	return objects
}

// before is the wave that comes before another, of those that are in both rollouts.
func before(waves, others schema.Waves, i int) string {
	for i--; i >= 0; i-- {
		if slices.ContainsFunc(others, func(w schema.Wave) bool { return w.Name == waves[i].Name }) {
			return waves[i].Name
		}
	}
	return "nothing: it is the first"
}

func sameHosts(a, b schema.HostList) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// compareWaves tells who changes in which wave, and who comes in another than before.
func (c *comparison) compareWaves(old, now schema.Waves) {
	was, is := wavesByHost(old), wavesByHost(now)
	changing := c.changing()
	for _, wave := range now {
		told := schema.WaveDifference{Name: wave.Name, Hosts: wave.Hosts, Terms: show.WaveTerms(wave)}
		for _, name := range wave.Hosts {
			if changing[name] {
				told.Changing = append(told.Changing, name)
			}
		}
		c.difference.Waves = append(c.difference.Waves, told)
	}
	for _, m := range c.moves(was, is) {
		if c.before[m.hosts[0]] != "" { // what comes moves from nowhere
			c.difference.Moves = append(c.difference.Moves, schema.WaveMove{Hosts: m.hosts, From: m.from, To: m.to})
		}
	}
}

// move is hosts of which something was told otherwise.
type move struct {
	from, to string
	hosts    schema.HostList
}

// moves puts hosts together of which the same was and is told; what comes stands apart.
func (c *comparison) moves(was, is map[schema.HostName]string) []*move {
	type way struct {
		from, to string
		known    bool
	}
	byWay := map[way]*move{}
	var moves []*move
	for _, name := range c.new.Index.Hosts.Names() {
		old, known := c.before[name]
		w := way{was[old], is[name], known}
		if w.from == w.to {
			continue
		}
		if byWay[w] == nil {
			byWay[w] = &move{from: w.from, to: w.to}
			moves = append(moves, byWay[w])
		}
		byWay[w].hosts = append(byWay[w].hosts, name)
	}
	return moves
}

func wavesByHost(waves schema.Waves) map[schema.HostName]string {
	of := map[schema.HostName]string{}
	for _, wave := range waves {
		for _, name := range wave.Hosts {
			of[name] = wave.Name
		}
	}
	return of
}

// changing are the hosts to which something happens.
func (c *comparison) changing() map[schema.HostName]bool {
	changing := map[schema.HostName]bool{}
	for _, g := range c.difference.Groups {
		for _, name := range g.Hosts {
			changing[name] = Happens(g)
		}
	}
	return changing
}

// Happens reports whether an execution changes hosts.
func Happens(g schema.HostDifference) bool {
	return g.What == schema.HostComes || g.What != schema.HostLeaves &&
		(len(g.Packages) > 0 || slices.ContainsFunc(g.Changes, func(p schema.PlannedChange) bool { return !p.Inert }))
}

// compareReboots tells which hosts may reboot otherwise.
func (c *comparison) compareReboots(before, after schema.Rollout) {
	was, is := rebootTerms(before), rebootTerms(after)
	old, now := before.Reboots, after.Reboots
	for _, m := range c.moves(was, is) {
		c.difference.Reboots = append(c.difference.Reboots, schema.RebootMove{Hosts: m.hosts, From: m.from, To: m.to})
	}
	if old == nil {
		old = &schema.Reboots{}
	}
	if now == nil {
		now = &schema.Reboots{}
	}
	type most struct {
		MaxConcurrent int                `json:"down at once"`
		Hosts         []schema.HostRange `json:"hosts,omitempty"`
	}
	bound := func(r *schema.Reboots) []object {
		if r.MaxConcurrent == 0 {
			return nil
		}
		bounds := single("all hosts", most{MaxConcurrent: r.MaxConcurrent})
		for _, limit := range r.Limits {
			name := "group " + limit.Group
			if limit.Group == "" {
				name = "all hosts that ask for a limit"
			}
			bounds = append(bounds, object{name, most{limit.MaxConcurrent, schema.RangesOf(limit.Hosts)}})
		}
		return bounds
	}
	c.objects("reboots", bound(old), bound(now))
	if from, to := sequence(old), sequence(now); !slices.Equal(from, to) && len(c.difference.Reboots)+len(c.difference.Moves) == 0 && sameHosts(from, to) {
		order := schema.Change{Action: schema.Update, Kind: "reboots", Object: "their order", Detail: "now " + join(schema.RangesOf(to))}
		c.difference.Rollout = append(c.difference.Rollout, schema.PlannedChange{Change: order})
	}
}

func sequence(r *schema.Reboots) (hosts schema.HostList) {
	for _, wave := range r.Waves {
		hosts = append(hosts, wave.Hosts...)
	}
	return hosts
}

// rebootTerms says of each host that may reboot when.
func rebootTerms(rollout schema.Rollout) map[schema.HostName]string {
	terms := map[schema.HostName]string{}
	if rollout.Reboots == nil {
		return terms
	}
	waves := wavesByHost(rollout.Waves)
	for _, wave := range rollout.Reboots.Waves {
		text := "at any time"
		if len(wave.Windows) > 0 {
			text = "in " + strings.Join(wave.Windows, " or ")
		}
		rest := properties(wave)
		for _, key := range []string{"hosts", "wave", "windows"} {
			delete(rest, key)
		}
		for _, key := range sortedKeys(rest) {
			text += ", " + words(key) + " " + rest[key]
		}
		for _, name := range wave.Hosts {
			terms[name] = text
			if waves[name] != wave.Wave { // no plan of ours
				terms[name] += ", in wave " + wave.Wave
			}
		}
	}
	return terms
}

func sortedKeys[V any](table map[string]V) []string {
	keys := make([]string, 0, len(table))
	for key := range table {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func join[T ~string](items []T) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return strings.Join(texts, ", ")
}
