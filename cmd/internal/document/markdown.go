package document

import (
	"fmt"
	"io"
	"strings"
)

// CommentLimit is how many characters a comment may have on GitHub.
const CommentLimit = 65536

// detail is how much of a document is written.
type detail struct{ patchLines, items int }

// details are tried until what is written is short enough.
var details = []detail{{1 << 30, 1 << 30}, {60, 1 << 30}, {20, 400}, {8, 100}, {0, 60}, {0, 20}, {0, 8}}

// WriteMarkdown writes a document as Markdown of at most that many characters; 0 is no
// limit. What does not fit is left out from the end of what is long, and the document
// says so, and with whole, where all of it is.
func WriteMarkdown(w io.Writer, d Document, limit int, whole Text) error {
	for i, detail := range details {
		p := &markdownPrinter{detail: detail}
		p.document(d, whole)
		if limit == 0 || p.out.Len() <= limit || i == len(details)-1 {
			_, err := io.WriteString(w, p.cutAt(limit))
			return err
		}
	}
	return nil
}

type markdownPrinter struct {
	detail detail
	out    strings.Builder
	// hidden counts what was left out.
	hidden int
	// ends are the places at which a block of the document ends.
	ends []int
}

func (p *markdownPrinter) document(d Document, whole Text) {
	title := d.Title
	if len(d.Result) > 0 {
		title = Line(title, ": ", d.Result)
	}
	p.line("", "## "+p.text(title))
	for _, block := range d.Blocks {
		p.block("", block, 3)
		p.ends = append(p.ends, p.out.Len())
	}
	if p.hidden > 0 {
		p.line("", "")
		p.line("", "> **Too long for a comment:** parts of it were left out, where it says so. "+p.text(whole))
	}
}

// cutAt is the last resort, for what is too long even in short.
func (p *markdownPrinter) cutAt(limit int) string {
	text := p.out.String()
	if limit == 0 || len(text) <= limit {
		return text
	}
	const cut = "\n\n> **Cut here:** too long for a comment.\n"
	end := 0
	for _, place := range p.ends {
		if place+len(cut) <= limit {
			end = place
		}
	}
	return text[:end] + cut
}

func (p *markdownPrinter) line(indent, text string) {
	p.out.WriteString(strings.TrimRight(indent+text, " ") + "\n")
}

func (p *markdownPrinter) text(t Text) string {
	var out strings.Builder
	for _, span := range t {
		switch span.Kind {
		case Code:
			out.WriteString(CodeSpan(span.Text))
		case Strong, Bad:
			out.WriteString("**" + Escape(span.Text) + "**")
		default:
			out.WriteString(Escape(span.Text))
		}
	}
	return out.String()
}

// html writes a text where Markdown is not read: in a summary.
func (p *markdownPrinter) html(t Text) string {
	var out strings.Builder
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	for _, span := range t {
		text := escape.Replace(printable(span.Text))
		switch span.Kind {
		case Code:
			text = "<code>" + text + "</code>"
		case Strong, Bad:
			text = "<b>" + text + "</b>"
		}
		out.WriteString(text)
	}
	return out.String()
}

func (p *markdownPrinter) block(indent string, block Block, level int) {
	switch block := block.(type) {
	case Paragraph:
		p.line("", "")
		p.line(indent, p.text(block.Text))
	case List:
		p.line("", "")
		p.list(indent, block, level)
	case Table:
		p.line("", "")
		p.table(indent, block)
	case Patch:
		p.lines(indent, "diff", block.Diff)
	case Verbatim:
		p.lines(indent, "", block.Text)
	case Section:
		p.section(indent, block, level)
	}
}

func (p *markdownPrinter) section(indent string, s Section, level int) {
	p.line("", "")
	if s.Fold {
		p.line(indent, "<details><summary>"+p.html(s.Heading)+"</summary>")
	} else {
		p.line(indent, strings.Repeat("#", min(level, 6))+" "+p.text(s.Heading))
	}
	for _, inner := range s.Blocks {
		p.block(indent, inner, level+1)
	}
	if s.Fold {
		p.line("", "")
		p.line(indent, "</details>")
	}
}

func (p *markdownPrinter) list(indent string, l List, level int) {
	for i, item := range l.Items {
		if i == p.detail.items {
			p.hidden += len(l.Items) - i
			p.line(indent, fmt.Sprintf("- … and %d more, left out here", len(l.Items)-i))
			return
		}
		p.line(indent, "- "+p.text(item.Text))
		for _, inner := range item.Blocks {
			if nested, ok := inner.(List); ok {
				p.list(indent+"  ", nested, level)
				continue
			}
			p.block(indent+"  ", inner, level)
		}
	}
}

func (p *markdownPrinter) table(indent string, t Table) {
	cells := func(row []string) { p.line(indent, "| "+strings.Join(row, " | ")+" |") }
	cells(t.Head)
	cells(strings.Split(strings.Repeat("--- ", len(t.Head)-1)+"---", " "))
	for i, row := range t.Rows {
		if i == p.detail.items {
			p.hidden += len(t.Rows) - i
			p.line(indent, "")
			p.line(indent, fmt.Sprintf("… and %d rows more, left out here", len(t.Rows)-i))
			return
		}
		texts := make([]string, len(t.Head))
		for i, cell := range row {
			texts[i] = strings.ReplaceAll(strings.ReplaceAll(p.text(cell), `\|`, "|"), "|", `\|`) // in names too
		}
		cells(texts)
	}
}

// foldedFrom is how many lines of a difference are shown at once.
const foldedFrom = 25

// lines writes a difference or a text, a long one so that it opens at a click.
func (p *markdownPrinter) lines(indent, language, text string) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if more := len(lines) - p.detail.patchLines; more > 0 {
		p.hidden++
		lines = lines[:p.detail.patchLines]
		if len(lines) == 0 {
			p.line("", "")
			p.line(indent, fmt.Sprintf("(%d lines, left out here)", more))
			return
		}
		lines = append(lines, fmt.Sprintf("  … %d lines more, left out here", more))
	}
	fold := len(lines) > foldedFrom
	p.line("", "")
	if fold {
		p.line(indent, fmt.Sprintf("<details><summary>%d lines</summary>", len(lines)))
		p.line("", "")
	}
	Fence(func(text string) { p.out.WriteString(indent + text + "\n") }, language, lines)
	if fold {
		p.line("", "")
		p.line(indent, "</details>")
	}
	p.line("", "")
}

// Fence writes lines as they are, within more backticks than they have.
func Fence(write func(string), language string, lines []string) {
	mark := "```"
	for strings.Contains(strings.Join(lines, "\n"), mark) {
		mark += "`"
	}
	write(mark + language)
	for _, line := range lines {
		write(printable(line))
	}
	write(mark)
}

// CodeSpan writes a name as code, whatever is in it.
func CodeSpan(text string) string {
	mark := "`"
	for strings.Contains(text, mark) {
		mark += "`"
	}
	if len(mark) > 1 {
		return fmt.Sprintf("%s %s %s", mark, printable(text), mark)
	}
	return mark + printable(text) + mark
}

var escaper = strings.NewReplacer("@", "&#64;", `\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", "&", "&amp;", "[", `\[`, "|", `\|`, "\n", " ")

// Escape writes a text of somebody else's as text and nothing else.
func Escape(text string) string {
	return escaper.Replace(printable(strings.TrimRight(text, "\n")))
}
