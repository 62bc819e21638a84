package ui

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// Progress tells of steps of long work: on a terminal as a line that overwrites
// itself, elsewhere a line a step. It may be used by several goroutines.
type Progress struct {
	mu    sync.Mutex
	step  string
	live  *Live
	quiet bool
}

// NewProgress returns a teller of progress on a stream; a quiet one says nothing.
func NewProgress(out *os.File, quiet bool) *Progress {
	p := &Progress{quiet: quiet, live: Plain(out)}
	if quiet {
		return p
	}
	p.live = NewLive(out, func(int, int) []string {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.step == "" {
			return nil
		}
		return []string{p.step}
	})
	return p
}

// Say tells of a step.
func (p *Progress) Say(text string) {
	switch {
	case p.quiet:
	case p.live.Drawn():
		p.mu.Lock()
		defer p.mu.Unlock()
		p.step = text
	default:
		p.live.Print(text + "\n")
	}
}

// Close takes the line away.
func (p *Progress) Close() { p.live.Close() }

// PrintDiagnostic writes a finding of the compiler: its text begins with its
// severity, which is coloured.
func PrintDiagnostic(w io.Writer, style Style, severity, text string) {
	paint := style.Red
	if severity != "error" {
		paint = style.Yellow
	}
	text = strings.Replace(PrintableLines(text), severity, paint(severity), 1)
	fmt.Fprintln(w, strings.ReplaceAll(text, "\nhint:", "\n"+style.Bold("hint:")))
}
