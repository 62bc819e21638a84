package document

import (
	"bufio"
	"io"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
)

// WriteText writes a document as plain text, whole.
func WriteText(w io.Writer, d Document, style ui.Style) error {
	p := &textPrinter{out: bufio.NewWriter(w), style: style}
	if len(d.Result) == 0 && len(d.Title) > 0 {
		p.line("", p.text(d.Title))
	}
	for _, block := range d.Blocks {
		p.block("", block)
	}
	if len(d.Result) > 0 {
		p.gap()
		p.line("", p.text(d.Result))
	}
	return p.out.Flush()
}

type textPrinter struct {
	out   *bufio.Writer
	style ui.Style
	begun bool // something is written already
}

// gap parts what follows from what is above it.
func (p *textPrinter) gap() {
	if p.begun {
		p.line("", "")
	}
}

func (p *textPrinter) line(indent, text string) {
	p.begun = true
	// What cannot be written is an error of Flush.
	_, _ = p.out.WriteString(strings.TrimRight(indent+text, " ") + "\n")
}

func (p *textPrinter) text(t Text) string { return t.On(p.style) }

// On is a line as a terminal shows it.
func (t Text) On(style ui.Style) string {
	var out strings.Builder
	for _, span := range t {
		paint := map[Kind]func(string) string{Strong: style.Bold, Good: style.Green, Warn: style.Yellow, Bad: style.Red}[span.Kind]
		if paint == nil {
			out.WriteString(printable(span.Text))
			continue
		}
		out.WriteString(paint(printable(span.Text)))
	}
	return out.String()
}

func (p *textPrinter) block(indent string, block Block) {
	switch block := block.(type) {
	case Paragraph:
		p.line(indent, p.text(block.Text))
	case List:
		for _, item := range block.Items {
			mark := p.text(Text{item.Mark})
			if mark != "" {
				mark += " "
			}
			p.line(indent, mark+p.text(item.Text))
			for _, inner := range item.Blocks {
				p.block(indent+"    ", inner)
			}
		}
	case Table:
		p.table(indent, block)
	case Patch:
		p.patch(indent, block.Diff)
	case Verbatim:
		for line := range strings.Lines(block.Text) {
			_, _ = p.out.WriteString(indent + "| " + printable(strings.TrimSuffix(line, "\n")) + "\n")
		}
	case Section:
		p.gap()
		p.line(indent, p.style.Bold(p.text(block.Heading)))
		for _, inner := range block.Blocks {
			p.block(indent+"  ", inner)
		}
	}
}

// table aligns columns by what is seen of their cells.
func (p *textPrinter) table(indent string, t Table) {
	widths := t.widths()
	if t.Titled {
		head := make([]Text, len(t.Head))
		for i, title := range t.Head {
			head[i] = Line(Bold(strings.ToUpper(title)))
		}
		p.row(indent, head, widths)
	}
	for _, row := range t.Rows {
		p.row(indent, row, widths)
	}
}

func (p *textPrinter) row(indent string, cells []Text, widths []int) {
	var out strings.Builder
	for i, cell := range cells {
		out.WriteString(p.text(cell))
		if i < len(cells)-1 {
			out.WriteString(strings.Repeat(" ", widths[i]-cell.width()+2))
		}
	}
	p.line(indent, out.String())
}

func (p *textPrinter) patch(indent, diff string) {
	for line := range strings.SplitSeq(strings.TrimRight(diff, "\n"), "\n") {
		_, _ = p.out.WriteString(indent + PatchLine(p.style, line) + "\n") // blanks at the end may be what is different
	}
}

// PatchLine colours a line of a unified difference.
func PatchLine(style ui.Style, line string) string {
	paint := func(text string) string { return text }
	switch {
	case strings.HasPrefix(line, "+++ "), strings.HasPrefix(line, "--- "):
		paint = style.Bold
	case strings.HasPrefix(line, "@@"):
		paint = style.Faint
	case strings.HasPrefix(line, "+"):
		paint = style.Green
	case strings.HasPrefix(line, "-"):
		paint = style.Red
	}
	return paint(printable(line))
}
