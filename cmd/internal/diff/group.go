package diff

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// member is a host with what becomes of it.
type member struct {
	// name is its name in the new plan, and old in the old one.
	name, old schema.HostName
	what      schema.Membership
	like      schema.HostName
	host      schema.Host
	pair      *pair
	// reach are changes of the host's entry in the index.
	reach []change
}

func (m *member) nothing() bool { return len(m.pair.changes)+len(m.pair.packages)+len(m.reach) == 0 }

func (m *member) changes() []change {
	if len(m.reach) == 0 {
		return m.pair.changes
	}
	return slices.Concat(m.pair.changes, m.reach)
}

// grouping puts members together, in the order of their first hosts.
type grouping struct {
	byKey  map[string]*group
	groups []*group
}

// group is hosts that are told of together.
type group struct{ members []member }

func (g *grouping) add(m member) {
	key := strings.Join([]string{string(m.what), string(m.like), m.pair.key, keyOf(m.reach)}, "\x02")
	if g.byKey[key] == nil {
		g.byKey[key] = &group{}
		g.groups = append(g.groups, g.byKey[key])
	}
	g.byKey[key].members = append(g.byKey[key].members, m)
}

func (g *group) difference() schema.HostDifference {
	first := g.members[0]
	d := schema.HostDifference{What: first.what, Like: first.like, Changes: []schema.PlannedChange{}, Packages: first.pair.packages}
	all := make([][]change, len(g.members))
	for i, m := range g.members {
		d.Hosts = append(d.Hosts, m.name)
		if m.what == schema.HostRenamed {
			d.OldNames = append(d.OldNames, m.old)
		}
		all[i] = m.changes()
	}
	for i := range all[0] {
		d.Changes = append(d.Changes, g.merged(all, i))
	}
	return d
}

// variant is a content that some of the members have.
type variant struct {
	*change
	own   bool // other members have it but for their own names
	hosts schema.HostList
}

// merged is one change of all members; what is not the same on all stands apart.
func (g *group) merged(all [][]change, i int) schema.PlannedChange {
	planned := all[0][i].PlannedChange
	variants := g.variants(all, i, func(m member, text string) string { return text })
	if len(variants) > 1 {
		if alike := g.variants(all, i, withoutOwn); len(alike) < len(variants) {
			variants = alike
		}
	}
	if len(variants) > 1 || variants[0].own {
		planned.Fields = slices.Clone(planned.Fields)
		for i, f := range planned.Fields {
			if f.Property != propertyMode && f.Property != propertyConfirm { // those are the same
				planned.Fields[i] = schema.Difference{Property: f.Property}
			}
		}
	}
	for _, v := range variants {
		text := schema.TextDifference{Own: v.own, Diff: v.diff, Withheld: v.withheld}
		if len(variants) > 1 {
			text.Hosts, text.Detail = v.hosts, v.Detail
			planned.Detail = v.fields
		}
		if v.own && v.Detail != v.fields {
			text.Detail = v.Detail
			planned.Detail = v.fields
		}
		if text.Diff != "" || text.Withheld != "" || text.Detail != "" {
			planned.Texts = append(planned.Texts, text)
		}
	}
	return planned
}

func (g *group) variants(all [][]change, i int, plain func(member, string) string) []*variant {
	var variants []*variant
	byKey := map[string]*variant{}
	for n, m := range g.members {
		at := &all[n][i]
		key := plain(m, at.Detail+"\x00"+at.withheld+"\x00"+at.diff)
		v := byKey[key]
		if v == nil {
			v = &variant{change: at}
			byKey[key] = v
			variants = append(variants, v)
		}
		v.own = v.own || v.diff != at.diff || v.Detail != at.Detail
		v.hosts = append(v.hosts, m.name)
	}
	return variants
}

// withoutOwn takes a host's own names and address out of a text.
func withoutOwn(m member, text string) string {
	for _, own := range []string{string(m.name), string(m.old), m.host.Connection.Address} {
		if own == "" || !strings.Contains(text, own) {
			continue
		}
		whole := regexp.MustCompile(`(^|[^A-Za-z0-9_-])` + regexp.QuoteMeta(own) + `($|[^A-Za-z0-9_-])`)
		for range 2 { // those that share what is between them
			text = whole.ReplaceAllString(text, "${1}\x01${2}")
		}
	}
	return text
}

func number(n int) string { return strconv.Itoa(n) }
