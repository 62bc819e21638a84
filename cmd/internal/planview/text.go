package planview

import (
	"fmt"
	"io"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/packages"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// How much is printed of one difference and of a list of store paths; JSON has all.
const (
	diffLines = 300
	pathLines = 20
)

// WriteText writes a forecast for people.
func WriteText(w io.Writer, f *schema.Forecast, style ui.Style) error {
	p := &printer{w: w, style: style}
	if len(f.Unsupported) > 0 {
		p.line("%s", style.Yellow("This version cannot carry out, and execute refuses because of it:"))
		for _, need := range f.Unsupported {
			p.line("  %s", need)
		}
		p.line("")
	}
	for _, g := range groups(f) {
		p.group(g)
	}
	p.line("%s", Summary(f))
	if p.hidden > 0 {
		p.line("not shown: the contents of %s that not everybody on the host may read; --show-sensitive shows them", count(p.hidden, "file"))
	}
	return p.err
}

// printer remembers the first error, so that the layout reads undisturbed.
type printer struct {
	w      io.Writer
	style  ui.Style
	hidden int
	err    error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
}

// head is whom it is about, and what speaks against it.
func (p *printer) head(g *group) {
	f := g.forecast
	p.line("%s: %s", p.style.Bold(g.names()), p.paint(f.Verdict)(g.title()))
	if f.Error != "" {
		p.indented("  ", f.Error)
	}
	if f.Hint != "" {
		p.indented("  hint: ", f.Hint)
	}
	for _, refusal := range f.Refusals {
		p.indented("  "+p.style.Red("refused")+" ", refusal.Message)
		if refusal.Hint != "" {
			p.indented("    hint: ", refusal.Hint)
		}
	}
}

func (p *printer) group(g *group) {
	f := g.forecast
	p.head(g)
	p.drift(f)
	things, units := split(&f)
	for _, change := range things {
		p.thing(f, change)
	}
	if len(units) > 0 {
		p.line("  units")
		for _, change := range units {
			p.line("    %s %s%s", change.Action, ui.Printable(change.Object), because(change.Detail))
		}
	}
	p.packages(f.Packages)
	if c := f.Copy; c != nil {
		p.line("  to copy: %s", strings.Join(nonEmpty(amount(len(c.Paths), "store path", c.PathBytes), amount(c.Payloads, "text", c.PayloadBytes)), ", "))
		for _, path := range c.Paths[:min(len(c.Paths), pathLines)] {
			p.line("    %s", path)
		}
		if more := len(c.Paths) - pathLines; more > 0 {
			p.line("    … and %d more; --json has them", more)
		}
	}
	for _, note := range f.Notes {
		p.indented("  note: ", note)
	}
	p.line("")
}

func (p *printer) paint(verdict schema.ForecastVerdict) func(string) string {
	switch verdict {
	case schema.WouldNothing:
		return p.style.Green
	case schema.WouldChange:
		return p.style.Yellow
	}
	return p.style.Red
}

func amount(n int, noun string, bytes int64) string {
	if n == 0 {
		return ""
	}
	return count(n, noun) + " (" + human.Bytes(bytes) + ")"
}

func because(detail string) string {
	if detail == "" {
		return ""
	}
	return ": " + ui.Printable(detail)
}

// indented writes a text, each further line of it below the first.
func (p *printer) indented(head, text string) {
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if i > 0 {
			head = strings.Repeat(" ", len(head)-len(strings.TrimLeft(head, " "))+2)
		}
		p.line("%s%s", head, ui.Printable(line))
	}
}

// drift tells what somebody did since the last apply.
func (p *printer) drift(f schema.HostForecast) {
	if len(f.Drift) == 0 {
		return
	}
	p.line("  %s", p.style.Yellow("not as it was applied"))
	for _, drift := range f.Drift {
		stays := ""
		if drift.Stays {
			stays = " (an execution leaves it)"
		}
		p.line("    %s%s", ui.Printable(drift.String()), stays)
	}
}

// thing tells of one change that is not of a running unit.
func (p *printer) thing(f schema.HostForecast, change schema.Change) {
	mark, paint := p.mark(change.Action)
	detail := detailOf(&f, change)
	more := change.Detail
	if detail != nil && more == "" {
		more = described(detail)
	}
	p.line("  %s%s", paint(fmt.Sprintf("%s %s %s %s", mark, change.Action, change.Kind, ui.Printable(change.Object))), because(more))
	if detail == nil {
		return
	}
	if detail.Edited {
		p.line("      %s", p.style.Yellow("it was edited on the host since it was applied; an execution overwrites the edit"))
	}
	switch detail.Withheld {
	case withheldSensitive:
		p.hidden++
		p.line("      contents are not shown: not everybody on the host may read it")
	case "":
		if detail.EditDiff != "" {
			p.diff(detail.EditDiff)
		}
		p.diff(detail.Diff)
	default:
		p.line("      contents are different and not shown: %s", withheldText(detail))
	}
}

func withheldText(f *schema.FileForecast) string {
	sizes := func(s *schema.FileSide) string {
		if s == nil || s.Type != plainFile {
			return "nothing"
		}
		if s.Size == 0 {
			return s.Digest.Short()
		}
		return human.Bytes(s.Size)
	}
	return fmt.Sprintf("%s (%s -> %s)", map[string]string{
		withheldBinary: "no text", withheldLarge: "too large", withheldAway: "one of them is not at hand",
	}[f.Withheld], sizes(f.Live), sizes(f.Wanted))
}

// described says what would be there.
func described(f *schema.FileForecast) string {
	s := f.Wanted
	switch {
	case s == nil:
		return ""
	case s.Type == "symbolic link":
		return "to " + s.Target
	case s.Type == plainFile && s.Size > 0:
		return fmt.Sprintf("%s %s:%s, %s", s.Mode, s.Owner, s.Group, human.Bytes(s.Size))
	}
	return fmt.Sprintf("%s %s:%s", s.Mode, s.Owner, s.Group)
}

func (p *printer) mark(action schema.Action) (mark string, paint func(string) string) {
	switch action {
	case schema.Create:
		return "+", p.style.Green
	case schema.Remove:
		return "-", p.style.Red
	case schema.Adopt:
		return "!", p.style.Yellow
	case schema.GiveUp:
		return "<", p.style.Yellow
	}
	return "~", p.style.Yellow
}

func (p *printer) diff(text string) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if text == "" {
		return
	}
	for _, line := range lines[:min(len(lines), diffLines)] {
		p.line("      %s", document.PatchLine(p.style, line))
	}
	if more := len(lines) - diffLines; more > 0 {
		p.line("      … and %d lines more; --json has them", more)
	}
}

// packages tells what the closures differ by.
func (p *printer) packages(changes []schema.PackageChange) {
	if len(changes) == 0 {
		return
	}
	p.line("  closure")
	var sum int64
	for _, change := range changes {
		sum += change.NewSize - change.OldSize
		p.line("    %s", packages.Text(change))
	}
	if len(changes) > 1 {
		p.line("    in all %s", human.Growth(sum))
	}
}
