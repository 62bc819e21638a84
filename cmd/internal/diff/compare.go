// Package diff tells what is different between two plans: what becomes of which
// host, when, and what holds otherwise from then on. It reads the two plans and
// nothing else.
package diff

import (
	"cmp"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// Compare returns what is different between two plans, which have been verified.
func Compare(before, after *schema.Plan) *schema.PlanDifference {
	c := &comparison{
		old: before, new: after, known: map[[2]schema.Digest]*pair{}, texts: map[[3]string]contents{}, closures: map[schema.StorePath]map[schema.StorePath]int64{},
		difference: &schema.PlanDifference{
			Kind: schema.DifferenceKind, Version: schema.DifferenceVersion, Same: before.Digest == after.Digest, Old: side(before), New: side(after),
			Groups: []schema.HostDifference{}, Unchanged: schema.HostList{}, Waves: []schema.WaveDifference{},
		},
	}
	c.matchHosts()
	c.compareHosts()
	c.compareFleet()
	c.compareRollout()
	c.notice()
	c.unknown()
	return c.difference
}

func side(p *schema.Plan) schema.PlanSide {
	return schema.PlanSide{
		Digest: p.Digest, Fleet: p.Index.Fleet, Preview: p.Index.Preview, Revision: p.Index.Source.Revision, Hosts: len(p.Index.Hosts),
		MaxParallel: p.Index.Rollout.MaxParallel,
	}
}

// comparison is a Compare at work.
type comparison struct {
	old, new   *schema.Plan
	difference *schema.PlanDifference
	// before are the names that hosts of the new plan had in the old one.
	before map[schema.HostName]schema.HostName
	// known are the comparisons of manifests, which many hosts share.
	known map[[2]schema.Digest]*pair
	// firsts are, by groups and roles, the first hosts that stay.
	firsts map[string]schema.HostName
	// texts are the comparisons of payloads.
	texts map[[3]string]contents
	// closures are the paths of closures with their sizes.
	closures map[schema.StorePath]map[schema.StorePath]int64
}

// matchHosts finds the hosts that are in both plans. A host that is reached as one
// was that is gone is that one, renamed.
func (c *comparison) matchHosts() {
	c.before = make(map[schema.HostName]schema.HostName, len(c.new.Index.Hosts))
	gone := map[string]schema.HostName{}
	for _, name := range c.old.Index.Hosts.Names() {
		if _, stays := c.new.Index.Hosts[name]; stays {
			c.before[name] = name
			continue
		}
		place := place(c.old.Index.Hosts[name])
		if _, twice := gone[place]; twice {
			gone[place] = "" // two behind one address: nobody can tell them apart
			continue
		}
		gone[place] = name
	}
	for _, name := range c.new.Index.Hosts.Names() {
		if _, known := c.before[name]; known {
			continue
		}
		place := place(c.new.Index.Hosts[name])
		if was := gone[place]; was != "" {
			c.before[name] = was
			gone[place] = ""
		}
	}
}

// place is where a host is.
func place(h schema.Host) string {
	return strings.Join([]string{h.Connection.Address, number(h.Connection.Port), h.Connection.ProxyJump}, " ")
}

// compareHosts puts hosts together to which the same happens.
func (c *comparison) compareHosts() {
	g := &grouping{byKey: map[string]*group{}}
	stays := map[schema.HostName]bool{}
	for _, name := range c.new.Index.Hosts.Names() {
		was, known := c.before[name]
		stays[was] = known
		m := member{name: name, old: was, what: schema.HostDiffers, host: c.new.Index.Hosts[name], pair: c.pair(c.old.Index.Hosts[was].Manifest, c.new.Index.Hosts[name].Manifest)}
		switch {
		case !known:
			m.what, m.like = schema.HostComes, c.like(name)
		case was != name:
			m.what = schema.HostRenamed
			fallthrough
		default:
			m.reach = compareReach(c.old.Index.Hosts[was], m.host)
		}
		if m.what == schema.HostDiffers && m.nothing() {
			c.difference.Unchanged = append(c.difference.Unchanged, name)
			continue
		}
		g.add(m)
	}
	for _, name := range c.old.Index.Hosts.Names() {
		if !stays[name] {
			g.add(member{name: name, what: schema.HostLeaves, host: c.old.Index.Hosts[name], pair: &pair{}})
		}
	}
	order := []schema.Membership{schema.HostDiffers, schema.HostRenamed, schema.HostComes, schema.HostLeaves}
	for _, group := range g.groups {
		c.difference.Groups = append(c.difference.Groups, group.difference())
	}
	// First hosts on which something happens; then those that are only declared otherwise.
	rank := func(d schema.HostDifference) int {
		if at := 2 * slices.Index(order, d.What); Happens(d) {
			return at
		} else {
			return at + 1
		}
	}
	slices.SortStableFunc(c.difference.Groups, func(a, b schema.HostDifference) int { return cmp.Compare(rank(a), rank(b)) })
}

// unknown says what the plans cannot tell.
func (c *comparison) unknown() {
	preview := func(which string, p *schema.Plan) {
		if p.Index.Preview {
			c.difference.Unknown = append(c.difference.Unknown, "the "+which+" plan is a preview: nothing is built, so what is in its closures, and packages by version and size, are not known")
		}
	}
	preview("old", c.old)
	preview("new", c.new)
}
