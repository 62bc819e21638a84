// Package summary is what a run ends with, for people: its hosts by what became of
// them, and for each group what to type next. It decides nothing and reads only the
// record.
package summary

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// Group is hosts of which the same became for the same reason.
type Group struct {
	Hosts []schema.HostName
	// Outcome is what became of them, or Reboot of their reboot: one of both.
	Outcome schema.Outcome
	Reboot  schema.RebootOutcome
	// Error is that of the first host, and Alike says that the others have the very same.
	Error string
	Alike bool
	// Hint is what the first host's error says to do about it, one hint a line.
	Hint string
	// Record is the first host's.
	Record schema.HostRecord
}

// Groups are the hosts of a record that want a look, those that are worst off first. A
// host whose reboot wants one is in a group for that, too.
func Groups(record *schema.Record) []Group {
	byKey := map[string]*Group{}
	add := func(name schema.HostName, host schema.HostRecord, outcome schema.Outcome, reboot schema.RebootOutcome, reason, hint, more string) {
		key := strings.Join([]string{string(outcome), string(reboot), more, Alike(name, human.FirstLine(reason))}, "\x00")
		group := byKey[key]
		if group == nil {
			group = &Group{Outcome: outcome, Reboot: reboot, Error: reason, Hint: hint, Alike: true, Record: host}
			byKey[key] = group
		}
		group.Alike = group.Alike && human.FirstLine(group.Error) == human.FirstLine(reason)
		group.Hosts = append(group.Hosts, name)
	}
	for _, name := range slices.SortedFunc(maps.Keys(record.Hosts), schema.HostName.Compare) {
		host := record.Hosts[name]
		switch {
		case host.Outcome == schema.HostChanged && host.Error != "": // it should have gone back
			_, why, _ := strings.Cut(host.Error, "\n")
			add(name, host, host.Outcome, "", why, host.Hint, "")
		case host.Outcome == schema.HostChanged, host.Outcome == schema.HostUnchanged, host.Outcome == schema.HostRan:
		case host.Reason == schema.ReasonRebootFailed: // its reboot says so
		default:
			add(name, host, host.Outcome, "", host.Error, host.Hint, "")
		}
		if r := host.Reboot; r != nil && (r.State == schema.RebootHeld || r.State == schema.RebootFailed) {
			until := ""
			if r.Until != nil {
				until = r.Until.String()
			}
			add(name, host, "", r.State, r.Error, r.Hint, until)
		}
	}
	groups := make([]Group, 0, len(byKey))
	for _, group := range byKey {
		groups = append(groups, *group)
	}
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.weight(), b.weight()), cmp.Compare(len(b.Hosts), len(a.Hosts)), a.Hosts[0].Compare(b.Hosts[0]))
	})
	return groups
}

// weight orders groups: what may be broken comes before what was left out.
func (g Group) weight() int {
	order := []schema.Outcome{
		schema.HostFailed, schema.HostUnknown, schema.HostUnhealthy, schema.HostChanged, schema.HostRolledBack, schema.HostRefused, schema.HostUnreachable,
	}
	switch {
	case g.Outcome == schema.HostHeld:
		return len(order) + 2
	case g.Reboot == schema.RebootHeld:
		return len(order) + 1
	case g.Reboot == schema.RebootFailed:
		return 1
	}
	return slices.Index(order, g.Outcome) + 1
}

// ownWords are what differs from host to host in reasons that are the same.
var ownWords = regexp.MustCompile(strings.Join([]string{
	`\[[0-9a-f:]*::?[0-9a-f:.]*\](:\d+)?`,                        // IPv6
	`\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b`,                           // IPv4
	`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-][\d:]+)?`, // times
	`\b(\d+(\.\d+)?( s|ms|h|m|s))+\b`,                            // durations
	`\b(generation|pid|epoch) \d+`,
	`\bSHA256:[A-Za-z0-9+/]+`, // host keys
}, "|"))

// Alike is a reason without what is only this host's, so that alike reasons of several
// hosts are one text.
func Alike(host schema.HostName, reason string) string {
	return ownWords.ReplaceAllString(strings.ReplaceAll(reason, string(host), "<host>"), "<…>")
}
