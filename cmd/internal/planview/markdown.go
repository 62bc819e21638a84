package planview

import (
	"io"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/packages"
	"github.com/nixfleet/nixfleet/schema"
)

// WriteMarkdown writes a forecast for a pull request or a chat.
func WriteMarkdown(w io.Writer, f *schema.Forecast) error {
	m := &printer{w: w}
	m.line("## Plan %s: %s", document.CodeSpan(f.Plan.Short()), Summary(f))
	if len(f.Unsupported) > 0 {
		m.line("")
		m.line("This version cannot carry out, and execute refuses because of it:")
		m.line("")
		for _, need := range f.Unsupported {
			m.line("- %s", document.Escape(need))
		}
	}
	for _, g := range groups(f) {
		m.line("")
		m.markdownGroup(g)
	}
	return m.err
}

func (p *printer) markdownGroup(g *group) {
	f := g.forecast
	p.line("### %s: %s", document.Escape(g.names()), g.title())
	p.line("")
	if f.Error != "" {
		p.fence("", f.Error)
	}
	if f.Hint != "" {
		p.line("Hint: %s", document.Escape(f.Hint))
	}
	for _, refusal := range f.Refusals {
		p.line("- **refused**: %s", document.Escape(refusal.Message))
		if refusal.Hint != "" {
			p.line("  - hint: %s", document.Escape(refusal.Hint))
		}
	}
	for _, drift := range f.Drift {
		stays := ""
		if drift.Stays {
			stays = " (an execution leaves it)"
		}
		p.line("- not as it was applied: %s%s", document.Escape(drift.String()), stays)
	}
	things, units := split(&f)
	for _, change := range things {
		p.markdownThing(&f, change)
	}
	for _, change := range units {
		p.line("- **%s** unit %s%s", change.Action, document.CodeSpan(change.Object), markdownDetail(change.Detail))
	}
	for _, change := range f.Packages {
		p.line("- closure: %s", document.Escape(packages.Text(change)))
	}
	if c := f.Copy; c != nil {
		p.line("- to copy: %s", strings.Join(nonEmpty(amount(len(c.Paths), "store path", c.PathBytes), amount(c.Payloads, "text", c.PayloadBytes)), ", "))
	}
	for _, note := range f.Notes {
		p.line("- note: %s", document.Escape(note))
	}
}

func (p *printer) markdownThing(f *schema.HostForecast, change schema.Change) {
	detail := detailOf(f, change)
	more := change.Detail
	if detail != nil && more == "" {
		more = described(detail)
	}
	p.line("- **%s** %s %s%s", change.Action, change.Kind, document.CodeSpan(change.Object), markdownDetail(more))
	if detail == nil {
		return
	}
	if detail.Edited {
		p.line("  - it was edited on the host since it was applied; an execution overwrites the edit")
	}
	switch detail.Withheld {
	case withheldSensitive:
		p.line("  - contents are not shown: not everybody on the host may read it")
	case "":
		if detail.EditDiff != "" {
			p.folded("what was edited on the host", detail.EditDiff)
		}
		if detail.Diff != "" {
			p.folded("difference", detail.Diff)
		}
	default:
		p.line("  - contents are different and not shown: %s", document.Escape(withheldText(detail)))
	}
}

func markdownDetail(detail string) string {
	if detail == "" {
		return ""
	}
	return ": " + document.Escape(detail)
}

// folded writes a difference that opens at a click.
func (p *printer) folded(title, diff string) {
	p.line("")
	p.line("  <details><summary>%s</summary>", title)
	p.line("")
	p.fence("diff", diff)
	p.line("")
	p.line("  </details>")
	p.line("")
}

// fence writes a text as it is.
func (p *printer) fence(language, text string) {
	document.Fence(func(line string) { p.line("  %s", line) }, language, strings.Split(strings.TrimRight(text, "\n"), "\n"))
}
