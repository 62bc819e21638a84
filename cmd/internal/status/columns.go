package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// column is a fact about hosts, in the table and on the page. A host that the fact is not
// known of has a dash.
type column struct {
	title string
	// least is the width of the terminal from which on the column is shown.
	least int
	cell  func(schema.HostStatus, *schema.Observation) string
}

// columns stand between a host's state and what is wrong with it.
var columns = []column{
	{"applied", 0, func(_ schema.HostStatus, o *schema.Observation) string {
		return ifApplied(o, func(a *schema.Applied) string { return human.Age(o.At.Sub(a.At)) + " ago" })
	}},
	{"gen", 0, func(_ schema.HostStatus, o *schema.Observation) string {
		return ifApplied(o, func(a *schema.Applied) string { return fmt.Sprint(a.Generation) })
	}},
	{"by", 100, func(_ schema.HostStatus, o *schema.Observation) string {
		return ifApplied(o, func(a *schema.Applied) string { return a.Operator })
	}},
	{"plan", 110, func(h schema.HostStatus, o *schema.Observation) string {
		return ifApplied(o, func(a *schema.Applied) string { return planned(h, a) })
	}},
	{"units", 120, func(_ schema.HostStatus, o *schema.Observation) string {
		return ifApplied(o, func(*schema.Applied) string { return units(o) })
	}},
	{"free", 130, func(_ schema.HostStatus, o *schema.Observation) string {
		if len(o.Disks) == 0 {
			return ""
		}
		return human.Bytes(slices.MinFunc(o.Disks, func(a, b schema.Disk) int { return int(min(max(a.Free-b.Free, -1), 1)) }).Free)
	}},
	{"updated", 140, func(_ schema.HostStatus, o *schema.Observation) string {
		if o.LastOSUpdate == nil {
			return ""
		}
		return human.Age(o.At.Sub(o.LastOSUpdate.At)) + " ago"
	}},
	{"up", 150, func(_ schema.HostStatus, o *schema.Observation) string {
		if o.UptimeSeconds == 0 {
			return ""
		}
		return human.Age(seconds(o.UptimeSeconds))
	}},
}

// of is the column's fact about a host.
func (c column) of(h schema.HostStatus) (text string) {
	if h.Observation != nil {
		text = c.cell(h, h.Observation)
	}
	if text == "" {
		return "-"
	}
	return text
}

func ifApplied(o *schema.Observation, text func(*schema.Applied) string) string {
	if o.Applied == nil {
		return ""
	}
	return text(o.Applied)
}

func planned(h schema.HostStatus, a *schema.Applied) string {
	switch {
	case h.AsPlanned == nil && h.Wanted != "":
		return "not seen"
	case h.AsPlanned == nil:
		return a.Plan.Short()
	case *h.AsPlanned:
		return "as planned"
	case a.Manifest == h.Wanted:
		return "drifted"
	}
	return "another"
}

func units(o *schema.Observation) string {
	well := 0
	for _, u := range o.Units {
		if u.Unwell == "" {
			well++
		}
	}
	return fmt.Sprintf("%d/%d", well, len(o.Units))
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// facts are all that is known of one host.
func facts(o *schema.Observation) (rows [][2]string) {
	fact := func(name, format string, args ...any) {
		rows = append(rows, [2]string{name, fmt.Sprintf(format, args...)})
	}
	at := func(t time.Time) string {
		return fmt.Sprintf("%s (%s ago)", human.Time(t, time.UTC), human.Age(o.At.Sub(t)))
	}
	if a := o.Applied; a != nil {
		fact("applied", "%s, by %s, run %s", at(a.At), a.Operator, a.Run)
		fact("generation", "%d, manifest %s, plan %s", a.Generation, a.Manifest.Short(), a.Plan.Short())
	}
	fact("system", "%s, kernel %s, up %s", o.OS, o.Kernel, human.Age(seconds(o.UptimeSeconds)))
	if u := o.LastOSUpdate; u != nil {
		fact("updated", "%s: %s", at(u.At), u.Summary)
	}
	for _, disk := range o.Disks {
		fact("disk", "%s: %s free of %s", strings.Join(disk.Paths, ", "), human.Bytes(disk.Free), human.Bytes(disk.Size))
	}
	for _, u := range o.Units {
		fact("unit", "%s: %s (%s)", u.Name, u.Active, u.Sub)
	}
	return rows
}
