package status

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// How much is told below a table of several hosts; of a host alone everything is.
const (
	detailedHosts   = 20
	detailedReasons = 10
)

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// writeDetails tells of each host what is the matter and the table has no room for,
// the worst hosts first.
func writeDetails(out *writer, s *schema.Status, told map[schema.HostName]bool, layout Layout) {
	names := slices.Sorted(maps.Keys(s.Hosts))
	if len(names) == 1 {
		out.line("")
		writeReasons(out, s.Hosts[names[0]], len(s.Hosts[names[0]].Because), "  ")
		writeFacts(out, s.Hosts[names[0]])
		out.line("")
		return
	}
	slices.SortStableFunc(names, func(a, b schema.HostName) int {
		return slices.Index(order, s.Hosts[a].Condition) - slices.Index(order, s.Hosts[b].Condition)
	})
	names = slices.DeleteFunc(names, func(name schema.HostName) bool { return len(s.Hosts[name].Because) == 0 || told[name] })
	if len(names) > 0 {
		out.line("")
	}
	for _, name := range names[:min(len(names), detailedHosts)] {
		out.line(layout.Style.Bold(string(name)) + ": " + paint(layout.Style, s.Hosts[name].Condition)(string(s.Hosts[name].Condition)))
		writeReasons(out, s.Hosts[name], detailedReasons, "  ")
	}
	if more := len(names) - detailedHosts; more > 0 {
		out.line(fmt.Sprintf("… and %s more; --host shows one, --json all", human.Count(more, "host")))
	}
	out.line("")
}

func writeReasons(out *writer, h schema.HostStatus, most int, indent string) {
	if h.Error != "" {
		for line := range strings.SplitSeq(h.Error, "\n") {
			out.line(indent + ui.Printable(line))
		}
		for line := range strings.SplitSeq(h.Hint, "\n") {
			if line != "" {
				out.line(indent + "hint: " + ui.Printable(line))
			}
		}
		return
	}
	for _, reason := range h.Because[:min(len(h.Because), most)] {
		out.line(indent + ui.Printable(reason))
	}
	if more := len(h.Because) - most; more > 0 {
		out.line(fmt.Sprintf("%s… and %d more; --host shows all", indent, more))
	}
	for _, note := range h.Notes {
		out.line(indent + ui.Printable(note))
	}
}

// writeFacts tells all that is known of one host.
func writeFacts(out *writer, h schema.HostStatus) {
	o := h.Observation
	if o == nil {
		return
	}
	fact := func(name, format string, args ...any) {
		out.line(fmt.Sprintf("  %-12s", name) + ui.Printable(fmt.Sprintf(format, args...)))
	}
	if a := o.Applied; a != nil {
		fact("applied", "%s (%s ago), by %s, run %s", a.At.UTC().Format(time.RFC3339), human.Age(o.At.Sub(a.At)), a.Operator, a.Run)
		fact("generation", "%d, manifest %s, plan %s", a.Generation, a.Manifest.Short(), a.Plan.Short())
	}
	fact("system", "%s, kernel %s, up %s", o.OS, o.Kernel, human.Age(seconds(o.UptimeSeconds)))
	if u := o.LastOSUpdate; u != nil {
		fact("updated", "%s (%s ago): %s", u.At.UTC().Format(time.RFC3339), human.Age(o.At.Sub(u.At)), u.Summary)
	}
	for _, disk := range o.Disks {
		fact("disk", "%s: %s free of %s", strings.Join(disk.Paths, ", "), human.Bytes(disk.Free), human.Bytes(disk.Size))
	}
	for _, u := range o.Units {
		fact("unit", "%s: %s (%s)", u.Name, u.Active, u.Sub)
	}
}
