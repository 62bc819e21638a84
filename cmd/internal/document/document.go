// Package document is a report for people, apart from how it is written: on a
// terminal, or as Markdown for a pull request. It knows nothing of what is reported.
package document

import (
	"fmt"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
)

// Document is a report: a title, what must be read, and sections with all the rest.
type Document struct {
	Title  Text
	Blocks []Block
	// Result sums the document up in a line. It stands last on a terminal, where the eye
	// is when a command ends, and behind the title in Markdown.
	Result Text
}

// Block is a piece of a document: [Paragraph], [List], [Table], [Patch],
// [Verbatim] or [Section].
type Block interface{ isBlock() }

// Paragraph is a few sentences.
type Paragraph struct{ Text Text }

// List is items below each other.
type List struct{ Items []Item }

// Item is a line of a list, with what belongs to it.
type Item struct {
	// Mark stands before the line on a terminal: "+" before what is created.
	Mark   Span
	Text   Text
	Blocks []Block
}

// Table is rows of cells in columns.
type Table struct {
	Head []string
	Rows [][]Text
	// Titled tables have their head on a terminal, too. Elsewhere it always is there.
	Titled bool
}

// Patch is a unified difference.
type Patch struct{ Diff string }

// Verbatim is a text as it is.
type Verbatim struct{ Text string }

// Section is blocks below a heading. A folded one opens at a click, where there are clicks.
type Section struct {
	Heading Text
	Fold    bool
	Blocks  []Block
}

func (Paragraph) isBlock() {}
func (List) isBlock()      {}
func (Table) isBlock()     {}
func (Patch) isBlock()     {}
func (Verbatim) isBlock()  {}
func (Section) isBlock()   {}

// Text is a line made of spans.
type Text []Span

// Span is a piece of a line.
type Span struct {
	Text string
	Kind Kind
}

// Kind is how a span stands out.
type Kind int

// The kinds of spans.
const (
	Plain Kind = iota
	// Code is a name of something: a path, a unit, a host.
	Code
	// Strong is what the eye should find.
	Strong
	// Good, Warn and Bad colour words where there are colours.
	Good
	Warn
	Bad
)

// NewList returns a list of lines. Each is a string, a [Text] or an [Item].
func NewList(lines ...any) List {
	var list List
	for _, line := range lines {
		if item, ok := line.(Item); ok {
			list.Items = append(list.Items, item)
			continue
		}
		list.Items = append(list.Items, Item{Text: Line(line)})
	}
	return list
}

// Strings returns a list of plain lines: the first most of them, and after these how
// many more there are. The word says where those are: "--json has them".
func Strings[T ~string](lines []T, most int, where string) List {
	var list List
	for _, line := range lines[:min(len(lines), most)] {
		list.Items = append(list.Items, Item{Text: Line(string(line))})
	}
	if more := len(lines) - most; more > 0 {
		list.Items = append(list.Items, Item{Text: Line(fmt.Sprintf("… and %d more; %s", more, where))})
	}
	return list
}

// Lines returns the lines of a text, for [NewList].
func Lines(text string) (lines []any) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		lines = append(lines, line)
	}
	return lines
}

// Message returns a message as an item: its first line behind a head, which may be
// empty, and the others below it.
func Message(head any, text string) Item {
	first, rest, more := strings.Cut(strings.TrimRight(text, "\n"), "\n")
	item := Item{Text: Line(head, first)}
	if more {
		item.Blocks = []Block{NewList(Lines(rest)...)}
	}
	return item
}

// Row returns cells of plain text.
func Row(cells ...string) []Text {
	row := make([]Text, len(cells))
	for i, cell := range cells {
		row[i] = Line(cell)
	}
	return row
}

// Line returns a text made of strings, spans and texts.
func Line(parts ...any) Text {
	var text Text
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			if part != "" {
				text = append(text, Span{Text: part})
			}
		case Span:
			text = append(text, part)
		case Text:
			text = append(text, part...)
		}
	}
	return text
}

// Name returns a name as a span.
func Name[T ~string](name T) Span { return Span{string(name), Code} }

// Bold returns a span that the eye should find.
func Bold(text string) Span { return Span{text, Strong} }

// printable is text of hosts as it may be shown. Every text that the renderers write
// passes through it.
func printable(text string) string { return ui.Printable(text) }

// String returns the text without what makes it stand out.
func (t Text) String() string {
	var out strings.Builder
	for _, span := range t {
		out.WriteString(span.Text)
	}
	return out.String()
}
