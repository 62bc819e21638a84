package ui

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// StatusLine is the last line of a terminal, written again and again. Elsewhere
// it is nothing.
type StatusLine struct {
	out   *os.File
	shown bool
}

// NewStatusLine returns the status line of a stream.
func NewStatusLine(out *os.File) *StatusLine {
	if !IsTerminal(out) || os.Getenv("TERM") == "dumb" {
		return &StatusLine{}
	}
	return &StatusLine{out: out}
}

// Live reports whether anybody sees the line: with many hosts it is work to make one.
func (s *StatusLine) Live() bool { return s.out != nil }

// Draw replaces the line.
func (s *StatusLine) Draw(text string) {
	if s.out == nil {
		return
	}
	width, _, err := term.GetSize(int(s.out.Fd()))
	if err != nil || width < 20 {
		width = 80
	}
	if runes := []rune(text); len(runes) >= width {
		text = string(runes[:width-2]) + "…"
	}
	fmt.Fprintf(s.out, "\r\x1b[K%s", text)
	s.shown = true
}

// Clear takes the line away, before something else is written.
func (s *StatusLine) Clear() {
	if s.shown {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.shown = false
	}
}

// Progress tells of steps of long work: on a terminal as a line that overwrites
// itself, elsewhere a line a step. It may be used by several goroutines.
type Progress struct {
	mu    sync.Mutex
	out   *os.File
	line  *StatusLine
	quiet bool
}

// NewProgress returns a teller of progress on a stream; a quiet one says nothing.
func NewProgress(out *os.File, quiet bool) *Progress {
	return &Progress{out: out, line: NewStatusLine(out), quiet: quiet}
}

// Say tells of a step.
func (p *Progress) Say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.quiet:
	case p.line.out != nil:
		p.line.Draw(text)
	default:
		fmt.Fprintln(p.out, text)
	}
}

// Close takes the line away.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line.Clear()
}

// PrintDiagnostic writes a finding of the compiler: its text begins with its
// severity, which is coloured.
func PrintDiagnostic(w io.Writer, style Style, severity, text string) {
	paint := style.Red
	if severity != "error" {
		paint = style.Yellow
	}
	text = strings.TrimRight(strings.Replace(text, severity, paint(severity), 1), "\n")
	fmt.Fprintln(w, strings.ReplaceAll(text, "\nhint:", "\n"+style.Bold("hint:")))
}
