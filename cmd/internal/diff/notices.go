package diff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/packages"
	"github.com/nixfleet/nixfleet/schema"
)

// firewallFile is where the lowering of nixfleet.firewall puts its table.
const firewallFile = "/etc/nixfleet/firewall.nft"

// access are the trees by which people and programs get in, or become root.
var access = []string{"/etc/sudoers", "/etc/ssh/", "/etc/pam.d/", "/etc/security/"}

// notice collects what nobody should overlook.
func (c *comparison) notice() {
	n := &notices{texts: map[string]int{}}
	c.noticeFleet(n)
	for _, g := range c.difference.Groups {
		noticeGroup(n, g)
	}
	for _, move := range c.difference.Reboots {
		if move.From == "" {
			n.add(schema.NoticeCaution, move.Hosts, "may reboot from now on, %s", move.To)
		}
	}
	c.noticeUnsupported(n)
	order := []schema.NoticeLevel{schema.NoticeRefusal, schema.NoticeCaution, schema.NoticeRemark}
	slices.SortStableFunc(n.list, func(a, b schema.Notice) int { return slices.Index(order, a.Level) - slices.Index(order, b.Level) })
	for i := range n.list {
		slices.SortFunc(n.list[i].Hosts, schema.HostName.Compare)
		n.list[i].Hosts = slices.Compact(n.list[i].Hosts)
	}
	c.difference.Notices = n.list
}

// notices puts those of one text together.
type notices struct {
	texts map[string]int
	list  []schema.Notice
}

func (n *notices) add(level schema.NoticeLevel, hosts schema.HostList, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	at, known := n.texts[text]
	if !known {
		at = len(n.list)
		n.texts[text] = at
		n.list = append(n.list, schema.Notice{Level: level, Text: text})
	}
	n.list[at].Hosts = append(n.list[at].Hosts, hosts...)
}

func (c *comparison) noticeFleet(n *notices) {
	old, now := c.old.Index, c.new.Index
	if old.Fleet != now.Fleet {
		n.add(schema.NoticeCaution, nil, "the plans are of fleets of different names: %s and %s", cmp.Or(old.Fleet, "none"), cmp.Or(now.Fleet, "none"))
	}
	if old.TimeZone != now.TimeZone {
		n.add(schema.NoticeCaution, nil, "windows are meant in another time zone: %s, and %s before", now.TimeZone, old.TimeZone)
	}
	if now.Source.Dirty {
		n.add(schema.NoticeCaution, nil, "the new plan was compiled from a checkout with uncommitted changes: no commit has what is in it")
	}
	for _, system := range []schema.System{schema.AArch64Linux, schema.X8664Linux} {
		before, had := old.Helpers[system]
		if after, has := now.Helpers[system]; had && has && before != after {
			n.add(schema.NoticeRemark, nil, "the helper for %s is replaced by another build", system)
		}
	}
	if c.new.Index.Preview {
		n.add(schema.NoticeRefusal, nil, "the new plan is a preview, which nobody can execute; nixfleet build completes it")
	}
}

// noticeUnsupported reports what this version cannot carry out, where the old plan had none of it.
func (c *comparison) noticeUnsupported(n *notices) {
	type setting struct {
		host schema.HostName
		text string
	}
	had := map[setting]bool{}
	for _, u := range c.old.Unsupported(c.old.Index.Hosts.Names()) {
		for _, host := range u.Hosts {
			had[setting{host, u.Setting}] = true
		}
	}
	for _, u := range c.new.Unsupported(c.new.Index.Hosts.Names()) {
		for _, host := range u.Hosts {
			if !had[setting{c.before[host], u.Setting}] {
				n.add(schema.NoticeRefusal, schema.HostList{host}, "this version cannot carry out %s, and refuses to execute the plan; %s", u.Setting, u.Instead)
			}
		}
	}
}

func noticeGroup(n *notices, g schema.HostDifference) {
	switch g.What {
	case schema.HostLeaves:
		n.add(schema.NoticeCaution, g.Hosts, "leaves the plan: an execution does not touch it, and all that is managed there stays; nixfleet release takes it away")
	case schema.HostRenamed:
		n.add(schema.NoticeRemark, g.Hosts, "has another name, at the same address: taken for the same host")
	case schema.HostDiffers, schema.HostComes:
	}
	for _, change := range g.Changes {
		noticeChange(n, g, change)
	}
	for _, p := range g.Packages {
		if packages.Downgrade(p) {
			n.add(schema.NoticeCaution, g.Hosts, "%s goes back to an older version: %s -> %s", p.Name, p.Old[0], p.New[0])
		}
	}
}

func noticeChange(n *notices, g schema.HostDifference, p schema.PlannedChange) {
	caution := func(format string, args ...any) { n.add(schema.NoticeCaution, g.Hosts, format, args...) }
	removed := p.Action == schema.Remove
	switch p.Kind {
	case schema.KindUser, schema.KindGroup:
		if p.Refused && p.Condition == "" {
			n.add(schema.NoticeRefusal, g.Hosts, "the %s %s shall have another number: %s; %s", p.Kind, p.Object, p.Detail, p.Note)
		} else if p.Refused {
			caution("the %s %s gets a number that is fixed: %s; where it has another one, the host refuses", p.Kind, p.Object, p.Detail)
		} else if removed && p.Kind == schema.KindUser {
			caution("the user %s is removed", p.Object)
		}
	case schema.KindFile:
		noticeFile(caution, g, p)
	case schema.KindUnit:
		if removed {
			caution("the unit %s is removed", p.Object)
		} else if p.Action == schema.Mask {
			caution("the unit %s is masked: it stops, and nothing can start it", p.Object)
		}
	case kindHost:
		_, base := property(p, "base")
		_, system := property(p, "system")
		if base || system {
			caution("it is declared as another kind of host: %s", p.Detail)
		}
	case kindConnection:
		caution("it is reached otherwise: %s", p.Detail)
	case kindHealthCheck, kindHook:
		if removed {
			caution("the %s %s is gone", p.Kind, p.Object)
		}
	case kindSecret:
		if removed {
			caution("the secret %s is gone", p.Object)
		}
	case kindActivation:
		if window, changes := property(p, propertyConfirm); changes && window == "0s" {
			caution("a change is not undone any more where the host cannot be reached after it: confirm window 0s")
		}
	}
}

func noticeFile(caution func(string, ...any), g schema.HostDifference, p schema.PlannedChange) {
	if g.What == schema.HostComes {
		return
	}
	switch {
	case p.Object == firewallFile && p.Action == schema.Remove:
		caution("the firewall is gone: every port is open")
	case p.Object == firewallFile && p.Action == schema.Create:
		caution("there is a firewall where there was none: what it does not allow does not get in")
	case p.Object == firewallFile:
		caution("the firewall changes: %s", strings.Join(changedLines(p), "; "))
	case slices.ContainsFunc(access, func(tree string) bool { return strings.HasPrefix(p.Object, tree) }):
		text := "who gets in, or becomes root, may change: " + p.Object
		if lines := changedLines(p); len(lines) > 0 {
			text += ": " + strings.Join(lines, "; ")
		}
		caution("%s", text)
	}
	if mode, changes := property(p, propertyMode); changes && !p.Inert {
		if bits := schema.Mode(mode).Bits(); bits&0o002 != 0 {
			caution("everybody on the host may write %s (mode %s)", p.Object, mode)
		} else if bits&0o6000 != 0 {
			caution("%s runs with its owner's or group's rights, whoever starts it (mode %s)", p.Object, mode)
		}
	}
}

// changedLines are the lines that a text loses and gains, the first of them.
func changedLines(p schema.PlannedChange) []string {
	var lines []string
	for _, text := range p.Texts {
		for line := range strings.Lines(text.Diff) {
			if strings.HasPrefix(line, "+++") || strings.HasPrefix(line, "---") || !strings.HasPrefix(line, "+") && !strings.HasPrefix(line, "-") {
				continue
			}
			if len(lines) == 2*most {
				return append(lines, "…")
			}
			lines = append(lines, line[:1]+" "+strings.TrimSpace(line[1:]))
		}
		break // on the other hosts it is alike
	}
	return lines
}

// The properties whose values notices look at.
const (
	propertyMode    = "mode"
	propertyConfirm = "confirm window"
)

// property returns the new value of a property, if it differs.
func property(p schema.PlannedChange, name string) (value string, differs bool) {
	for _, field := range p.Fields {
		if field.Property == name {
			return field.Is, true
		}
	}
	return "", false
}
