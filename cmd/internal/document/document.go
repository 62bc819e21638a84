// Package document is a report for people, apart from how it is written: on a
// terminal, or as Markdown for a pull request. It knows nothing of what is reported.
package document

import "strings"

// Document is a report: a title, what must be read, and sections with all the rest.
type Document struct {
	Title  Text
	Blocks []Block
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
	Text   Text
	Blocks []Block
}

// Table is rows of cells in columns.
type Table struct {
	Head []string
	Rows [][]Text
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

// String returns the text without what makes it stand out.
func (t Text) String() string {
	var out strings.Builder
	for _, span := range t {
		out.WriteString(span.Text)
	}
	return out.String()
}
