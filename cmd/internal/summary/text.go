package summary

import (
	"fmt"
	"io"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// mostGroups is how many groups are told of; the record has all.
const mostGroups = 30

// Write closes a run: its verdict, why it halted, who wants a look and what to do
// about it, and the file that keeps the record.
func Write(w io.Writer, record *schema.Record, file string, way Way, style ui.Style) {
	WriteVerdict(w, record, style)
	groups := Groups(record)
	for _, group := range groups[:min(len(groups), mostGroups)] {
		writeGroup(w, group, record, way, style)
	}
	if more := len(groups) - mostGroups; more > 0 {
		fmt.Fprintf(w, "and %d reasons more, which the record has\n", more)
	}
	fmt.Fprintf(w, "record: %s\n", file)
}

// WriteVerdict tells how a run ended, in a line or two.
func WriteVerdict(w io.Writer, record *schema.Record, style ui.Style) {
	counts, reboots := map[schema.Outcome]int{}, map[schema.RebootOutcome]int{}
	for _, host := range record.Hosts {
		counts[host.Outcome]++
		if host.Reboot != nil {
			reboots[host.Reboot.State]++
		}
	}
	took := ""
	if record.Finished != nil {
		took = " in " + human.Duration(record.Finished.Sub(record.Started))
	}
	plain := func(o schema.Outcome) string { return string(o) }
	fmt.Fprintf(w, "\n%s%s: %s%s\n", style.Bold(string(record.Verdict)), took, progress.Counts(counts, style, plain), rebootCounts(reboots))
	if record.Halted != "" {
		fmt.Fprintf(w, "halted because: %s\n", indentRest(record.Halted))
	}
}

func rebootCounts(counts map[schema.RebootOutcome]int) string {
	var parts []string
	for _, known := range []struct {
		state schema.RebootOutcome
		text  string
	}{{schema.RebootDone, "done"}, {schema.RebootHeld, "held"}, {schema.RebootFailed, "failed"}} {
		if n := counts[known.state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, known.text))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; reboots: " + strings.Join(parts, ", ")
}

// writeGroup tells of a group: who, what, why, and what to type.
func writeGroup(w io.Writer, g Group, record *schema.Record, way Way, style ui.Style) {
	what := progress.Paint(style, g.Outcome, string(g.Outcome))
	switch g.Reboot {
	case schema.RebootHeld:
		what = style.Yellow("reboot held")
	case schema.RebootFailed:
		what = style.Red("reboot failed")
	}
	head := heading(g, style) + ": " + what
	if len(g.Hosts) > 1 {
		head += ": " + Ranges(g.Hosts)
	}
	if reason := firstLine(g.Reason); reason != "" && reason != record.Halted {
		if !g.Alike {
			reason = "such as " + string(g.Hosts[0]) + ": " + reason
		}
		if len(g.Hosts) > 1 {
			head += "\n    " + ui.Printable(reason)
		} else {
			head += ": " + ui.Printable(reason)
		}
	}
	fmt.Fprintf(w, "  %s\n", head)
	for _, hint := range Hints(g, record, way) {
		writeHint(w, "    ", hint, style)
	}
}

// WriteHints says what to do next, each thing once, where the groups were told already.
func WriteHints(w io.Writer, record *schema.Record, way Way, style ui.Style) {
	told := map[string]bool{}
	for _, group := range Groups(record) {
		for _, hint := range Hints(group, record, way) {
			if !told[hint] && len(told) < mostGroups {
				writeHint(w, "", hint, style)
			}
			told[hint] = true
		}
	}
}

func writeHint(w io.Writer, indent, hint string, style ui.Style) {
	fmt.Fprintf(w, "%s%s %s\n", indent, style.Bold("hint:"), ui.Printable(hint))
}

func indentRest(text string) string { return strings.ReplaceAll(text, "\n", "\n  ") }
