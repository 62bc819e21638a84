package status

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// Layout says how a table is written.
type Layout struct {
	// Width is how many columns of text there are; 0 is for as many as it takes.
	Width int
	// Style colours conditions.
	Style ui.Style
	// Problems leaves out hosts with which nothing is the matter.
	Problems bool
}

// column is a column of the table.
type column struct {
	title string
	// least is the width of the screen from which on it is shown.
	least int
	cell  func(schema.HostName, schema.HostStatus) string
}

var columns = []column{
	{"HOST", 0, func(name schema.HostName, _ schema.HostStatus) string { return string(name) }},
	{"STATE", 0, func(_ schema.HostName, h schema.HostStatus) string { return string(h.Condition) }},
	{"APPLIED", 0, func(_ schema.HostName, h schema.HostStatus) string { return applied(h) }},
	{"GEN", 0, func(_ schema.HostName, h schema.HostStatus) string { return generation(h) }},
	{"BY", 100, func(_ schema.HostName, h schema.HostStatus) string { return operator(h) }},
	{"PLAN", 110, func(_ schema.HostName, h schema.HostStatus) string { return planned(h) }},
	{"UNITS", 120, func(_ schema.HostName, h schema.HostStatus) string { return units(h) }},
	{"FREE", 130, func(_ schema.HostName, h schema.HostStatus) string { return free(h) }},
	{"UPDATED", 140, func(_ schema.HostName, h schema.HostStatus) string { return updated(h) }},
	{"UP", 150, func(_ schema.HostName, h schema.HostStatus) string { return up(h) }},
	{"WHAT IS THE MATTER", 0, func(_ schema.HostName, h schema.HostStatus) string { return matter(h) }},
}

const unknown = "-"

func applied(h schema.HostStatus) string {
	if h.Observation == nil || h.Observation.Applied == nil {
		return unknown
	}
	return human.Age(h.Observation.At.Sub(h.Observation.Applied.At)) + " ago"
}

func generation(h schema.HostStatus) string {
	if h.Observation == nil || h.Observation.Applied == nil {
		return unknown
	}
	return fmt.Sprint(h.Observation.Applied.Generation)
}

func operator(h schema.HostStatus) string {
	if h.Observation == nil || h.Observation.Applied == nil {
		return unknown
	}
	return ui.Printable(h.Observation.Applied.Operator)
}

func planned(h schema.HostStatus) string {
	switch {
	case h.Observation == nil || h.Observation.Applied == nil:
		return unknown
	case h.AsPlanned == nil && h.Wanted != "":
		return "not seen"
	case h.AsPlanned == nil:
		return h.Observation.Applied.Plan.Short()
	case *h.AsPlanned:
		return "as planned"
	case h.Observation.Applied.Manifest == h.Wanted:
		return "drifted"
	}
	return "another"
}

func units(h schema.HostStatus) string {
	if h.Observation == nil || h.Observation.Applied == nil {
		return unknown
	}
	well := 0
	for _, u := range h.Observation.Units {
		if u.Unwell == "" {
			well++
		}
	}
	return fmt.Sprintf("%d/%d", well, len(h.Observation.Units))
}

func free(h schema.HostStatus) string {
	if h.Observation == nil || len(h.Observation.Disks) == 0 {
		return unknown
	}
	least := slices.MinFunc(h.Observation.Disks, func(a, b schema.Disk) int { return int(min(max(a.Free-b.Free, -1), 1)) })
	return human.Bytes(least.Free)
}

func updated(h schema.HostStatus) string {
	if h.Observation == nil || h.Observation.LastOSUpdate == nil {
		return unknown
	}
	return human.Age(h.Observation.At.Sub(h.Observation.LastOSUpdate.At)) + " ago"
}

func up(h schema.HostStatus) string {
	if h.Observation == nil || h.Observation.UptimeSeconds == 0 {
		return unknown
	}
	return human.Age(seconds(h.Observation.UptimeSeconds))
}

func matter(h schema.HostStatus) string {
	texts := h.Because
	if len(texts) == 0 {
		texts = h.Notes
	}
	switch len(texts) {
	case 0:
		return ""
	case 1:
		return ui.Printable(texts[0])
	}
	return fmt.Sprintf("%s (and %d more)", ui.Printable(texts[0]), len(texts)-1)
}

// WriteTable writes a row a host, and below the table all that is the matter.
func WriteTable(w io.Writer, s *schema.Status, layout Layout) error {
	var names []schema.HostName
	for _, name := range slices.Sorted(maps.Keys(s.Hosts)) {
		if !layout.Problems || s.Hosts[name].Condition != schema.Well {
			names = append(names, name)
		}
	}
	out := &writer{w: w}
	told := map[schema.HostName]bool{}
	if len(names) > 0 {
		told = writeRows(out, s, names, layout)
	}
	writeDetails(out, s, told, layout)
	out.line(summary(s, layout.Style))
	return out.err
}

// writer remembers the first error, so that the layout reads undisturbed.
type writer struct {
	w   io.Writer
	err error
}

func (w *writer) line(text string) {
	if w.err == nil {
		_, w.err = fmt.Fprintln(w.w, strings.TrimRight(text, " "))
	}
}

// writeRows writes the table, and returns the hosts of which it says everything.
func writeRows(out *writer, s *schema.Status, names []schema.HostName, layout Layout) (told map[schema.HostName]bool) {
	var shown []column
	for _, c := range columns {
		if layout.Width == 0 || layout.Width >= c.least {
			shown = append(shown, c)
		}
	}
	rows := make([][]string, 0, len(names)+1)
	titles := make([]string, len(shown))
	for i, c := range shown {
		titles[i] = c.title
	}
	rows = append(rows, titles)
	for _, name := range names {
		row := make([]string, len(shown))
		for i, c := range shown {
			row[i] = c.cell(name, s.Hosts[name])
		}
		if most := layout.Width / 3; layout.Width > 0 && utf8.RuneCountInString(row[0]) > most {
			row[0] = cut(row[0], most) // whole below the table
		}
		rows = append(rows, row)
	}
	widths := make([]int, len(shown))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	told = map[schema.HostName]bool{}
	for i, row := range rows {
		text := layout.row(row, widths, i == 0)
		out.line(text)
		if i > 0 {
			h := s.Hosts[names[i-1]]
			told[names[i-1]] = h.Hint == "" && len(h.Because)+len(h.Notes) <= 1 && !strings.Contains(h.Error, "\n") && !strings.Contains(text, "…")
		}
	}
	return told
}

// row writes one line; its last cell is cut where the screen ends.
func (l Layout) row(cells []string, widths []int, head bool) string {
	var text strings.Builder
	used := 0
	for i, cell := range cells {
		if i == len(cells)-1 {
			if room := l.Width - used; l.Width > 0 && utf8.RuneCountInString(cell) > room {
				cell = cut(cell, room)
			}
			text.WriteString(cell)
			break
		}
		padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2)
		used += widths[i] + 2
		if i == 1 && !head {
			cell = paint(l.Style, schema.Condition(cell))(cell)
		}
		text.WriteString(cell + padding)
	}
	if head {
		return l.Style.Bold(strings.TrimRight(text.String(), " "))
	}
	return text.String()
}

func cut(text string, room int) string {
	if room < 2 {
		return ""
	}
	return string([]rune(text)[:room-1]) + "…"
}

func paint(style ui.Style, condition schema.Condition) func(string) string {
	switch condition {
	case schema.Well:
		return style.Green
	case schema.Attention:
		return style.Yellow
	}
	return style.Red
}

func summary(s *schema.Status, style ui.Style) string {
	counts := Counts(s)
	var parts []string
	for _, condition := range order {
		if n := counts[condition]; n > 0 {
			parts = append(parts, paint(style, condition)(fmt.Sprintf("%d %s", n, condition)))
		}
	}
	slices.Reverse(parts)
	return human.Count(len(s.Hosts), "host") + ": " + strings.Join(parts, ", ")
}
