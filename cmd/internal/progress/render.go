package progress

import (
	"fmt"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

const (
	leastLines = 5
	mostLines  = 14
	widestBar  = 40
	leastBar   = 10
)

// Rows is how many lines of a terminal the progress of a run may take: a third of it,
// and never all.
func Rows(height int) int {
	return max(min(max(height/3, leastLines), mostLines, height-1), 1)
}

// Lines draws the run at a moment for a terminal of that size: what it does now, a bar,
// what became of hosts, and the hosts that take the longest.
func (m *Model) Lines(now time.Time, width, height int, style ui.Style) []string {
	rows, width := Rows(height), max(width-1, 1)
	v := m.At(now, rows)
	lines := []string{head(v, width, style), bar(v, width, style)}
	if counts := Counts(v.Counts, Name); len(counts) > 0 {
		lines = append(lines, counts.On(style))
	}
	if v.Aside > 0 {
		lines = append(lines, fmt.Sprintf("%s waiting for a reboot window, the first for %s", human.Count(v.Aside, "host"), human.Duration(v.Opens)))
	}
	if v.AtWork > 0 {
		lines = append(lines, turns(v, max(rows-len(lines), 1), width, style)...)
	}
	lines = lines[:min(rows, len(lines))]
	for i := range lines {
		lines[i] = ui.Fit(lines[i], width)
	}
	return lines
}

// firstThatFits returns the first of texts, which are ever shorter, that fits.
func firstThatFits(width int, texts ...string) string {
	for _, text := range texts {
		if len([]rune(text)) <= width {
			return text
		}
	}
	return texts[len(texts)-1]
}

// head says what the run is at.
func head(v View, width int, style ui.Style) string {
	var long, short string
	switch {
	case v.Phase != "":
		long = phase(v)
		short = long
	case v.Halted != "":
		long, short = fmt.Sprintf("halted, %d still at work", v.AtWork), "halted"
	case v.Waves > 1 && v.Number > 0:
		long = fmt.Sprintf("%d of %s done, %d at work", v.Wave.Done, human.Count(v.Wave.Hosts, "host"), v.AtWork)
		short = fmt.Sprintf("%d/%d, %d at work", v.Wave.Done, v.Wave.Hosts, v.AtWork)
	case v.AtWork > 0 || v.Done > 0:
		long = fmt.Sprintf("%d at work, %d waiting", v.AtWork, v.Waiting)
		short = long
	default:
		long, short = "beginning", "beginning"
	}
	if v.Waves > 1 && v.Number > 0 {
		name := ui.Printable(v.Wave.Name)
		text := firstThatFits(width,
			fmt.Sprintf("wave %d of %d, %s: %s", v.Number, v.Waves, name, long),
			fmt.Sprintf("wave %d/%d, %s: %s", v.Number, v.Waves, name, short),
			fmt.Sprintf("wave %d/%d: %s", v.Number, v.Waves, short))
		if v.Halted == "" {
			before, after, _ := strings.Cut(text, ": ")
			return style.Bold(before) + ": " + after
		}
		long = text
	}
	if v.Halted != "" {
		return style.Yellow(long)
	}
	return long
}

func phase(v View) string {
	text := ui.Printable(string(v.Phase))
	switch {
	case v.AtWork > 0:
		text += fmt.Sprintf(", %d at work", v.AtWork)
	case v.PhaseKnown:
		text += ", " + human.Duration(begun(v.PhaseLeft)) + " left"
	default:
		text += ", " + human.Duration(v.PhaseFor)
	}
	return text
}

// bar draws how much of the run is done.
func bar(v View, width int, style ui.Style) string {
	share := 0
	if v.Hosts > 0 {
		share = min(v.Done*100/v.Hosts, 100)
	}
	long := fmt.Sprintf(" %d of %s, %d%%", v.Done, human.Count(v.Hosts, "host"), share)
	short := fmt.Sprintf(" %d/%d %d%%", v.Done, v.Hosts, share)
	tail, brief := ", "+human.Duration(v.For), ""
	if v.Known && v.Done < v.Hosts {
		tail += ", " + about(v.Left) + " left"
		brief = ", " + about(v.Left)
	}
	text := firstThatFits(width-leastBar-2, long+tail, short+tail, short+brief, short)
	size := min(widestBar, width-len([]rune(text))-2)
	if size < leastBar {
		return strings.TrimSpace(text)
	}
	full := 0
	if v.Hosts > 0 {
		full = min(v.Done*size/v.Hosts, size)
	}
	done := strings.Repeat("=", full)
	if full > 0 && full < size {
		done = done[1:] + ">"
	}
	return "[" + style.Green(done) + strings.Repeat(" ", size-full) + "]" + text
}

// outcomes are all of them in the order in which people read them.
var outcomes = []schema.Outcome{
	schema.HostChanged, schema.HostUnchanged, schema.HostRan, schema.HostUnhealthy, schema.HostFailed, schema.HostRolledBack, schema.HostUnknown,
	schema.HostRefused, schema.HostUnreachable, schema.HostHeld,
}

// Counts says how many hosts had which outcome, each under the name that name returns.
func Counts(counts map[schema.Outcome]int, name func(schema.Outcome) string) (text document.Text) {
	for _, outcome := range outcomes {
		if n := counts[outcome]; n > 0 {
			if len(text) > 0 {
				text = document.Line(text, ", ")
			}
			text = document.Line(text, fmt.Sprintf("%d ", n), Outcome(outcome, name(outcome)))
		}
	}
	return text
}

// Name is an outcome's own name.
func Name(outcome schema.Outcome) string { return string(outcome) }

// Outcome is a text in the colour of an outcome.
func Outcome(outcome schema.Outcome, text string) document.Span {
	kind := document.Bad
	switch outcome {
	case schema.HostChanged, schema.HostUnchanged, schema.HostRan:
		kind = document.Good
	case schema.HostHeld:
		kind = document.Warn
	}
	return document.Span{Text: text, Kind: kind}
}

// turns are the hosts that take the longest, in so many lines.
func turns(v View, rows, width int, style ui.Style) []string {
	shown := v.Turns[:min(rows, len(v.Turns))]
	if v.AtWork > rows {
		shown = shown[:max(rows-1, 1)]
	}
	names := 0
	for _, t := range shown {
		names = max(names, len(t.Host))
	}
	names = min(names, width/2)
	var lines []string
	for _, t := range shown {
		lines = append(lines, turnLine(t, names, v.Median, style))
	}
	if more := v.AtWork - len(shown); more > 0 && len(lines) < rows {
		line := fmt.Sprintf("  … %d more", more)
		if v.Median > 0 {
			line += "; half of the hosts took " + human.Duration(v.Median) + " or less"
		}
		lines = append(lines, style.Faint(line))
	}
	return lines
}

// turnLine is a host at work. One that takes much longer than others is to be seen.
func turnLine(t Turn, names int, median time.Duration, style ui.Style) string {
	took, stage := fmt.Sprintf("%7s", human.Duration(t.For)), ui.Printable(t.Stage)
	if slow := 3 * median; median > 0 && t.For > max(slow, 10*time.Second) {
		took = style.Yellow(took)
	}
	if t.Limited {
		stage += ", at most " + human.Duration(begun(t.Left)) + " more"
	}
	return fmt.Sprintf("  %s %s  %s", ui.Fit(fmt.Sprintf("%-*s", names, t.Host), names), took, stage)
}

// begun counts a second that has begun as one that is left.
func begun(d time.Duration) time.Duration { return d + time.Second - 1 }

// about writes an estimate, no more exact than it is.
func about(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return "some seconds"
	case d < 100*time.Second:
		return fmt.Sprintf("about %d s", (int(d.Seconds())+9)/10*10)
	case d < 100*time.Minute:
		return fmt.Sprintf("about %d min", int(d.Minutes()+0.5))
	}
	return fmt.Sprintf("about %d h", int(d.Hours()+0.5))
}
