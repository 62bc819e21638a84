package ui

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// drawEvery is the least time between two drawings of a [Live] block.
const drawEvery = 100 * time.Millisecond

// Live is a block of lines at the end of a terminal that is drawn anew as things
// change, below lines that stay. Elsewhere, and with TERM=dumb or CI set, there is no
// block, and lines are written as they come. It may be used by several goroutines.
//
// The cursor rests at the beginning of the block. So one sequence takes it away,
// however a terminal has folded its lines when it was resized.
type Live struct {
	out  io.Writer
	size func() (width, height int)
	draw func(width, height int) []string
	stop func()

	mu      sync.Mutex
	pending bytes.Buffer // lines that stay, and are not written yet
	shown   string       // the block as it is on the screen
	asides  int          // others have the screen
	closed  bool
}

// NewLive returns the block of a stream. Draw returns its lines, which are cut where
// they do not fit; it is called ten times a second, and may not use the Live.
func NewLive(out *os.File, draw func(width, height int) []string) *Live {
	l := Plain(out)
	if redraws(out) {
		l.draw, l.size = draw, func() (int, int) { return screenSize(out) }
		l.stop = every(drawEvery, l.redraw)
	}
	return l
}

// Plain writes lines as they come, to any stream.
func Plain(out io.Writer) *Live { return &Live{out: out, stop: func() {}} }

// redraws reports whether a stream is a screen on which lines can be drawn anew.
func redraws(out *os.File) bool {
	ci := os.Getenv("CI")
	return IsTerminal(out) && os.Getenv("TERM") != "dumb" && (ci == "" || ci == "false" || ci == "0")
}

// screenSize is a terminal's; one that does not know it is as small as they come.
func screenSize(out *os.File) (width, height int) {
	width, height, err := term.GetSize(int(out.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// every calls f from time to time until stop has returned.
func every(pause time.Duration, f func()) (stop func()) {
	ticker, end, ended := time.NewTicker(pause), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				f()
			case <-end:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		ticker.Stop()
		close(end)
		<-ended
	})
}

// Drawn reports whether there is a block.
func (l *Live) Drawn() bool { return l.draw != nil }

// Print writes whole lines, which stay. Above a block they come with its next drawing.
func (l *Live) Print(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.draw == nil || l.closed {
		_, _ = io.WriteString(l.out, text)
		return
	}
	l.pending.WriteString(text)
	if l.pending.Len() > 64<<10 && l.asides == 0 {
		l.clear()
	}
}

// Around takes the block away while f writes to the terminal by itself. F may not use
// the Live.
func (l *Live) Around(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
	f()
}

// Aside takes the block away while f has the terminal, which may take long: what is
// printed meanwhile waits.
func (l *Live) Aside(f func()) {
	l.mu.Lock()
	l.clear()
	l.asides++
	l.mu.Unlock()
	f()
	l.mu.Lock()
	l.asides--
	l.mu.Unlock()
}

// Asking lets a question for a passphrase have the terminal; nil stays nil.
func (l *Live) Asking(ask func(file string) ([]byte, error)) func(file string) ([]byte, error) {
	if ask == nil {
		return nil
	}
	return func(file string) (answer []byte, err error) {
		l.Aside(func() { answer, err = ask(file) })
		return answer, err
	}
}

// Close takes the block away for good.
func (l *Live) Close() {
	l.stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
	l.closed = true
}

// clear writes what is pending in the place of the block.
func (l *Live) clear() {
	if l.shown == "" && l.pending.Len() == 0 {
		return
	}
	var text bytes.Buffer
	if l.shown != "" {
		text.WriteString("\r\x1b[J")
	}
	_, _ = l.pending.WriteTo(&text)
	_, _ = l.out.Write(text.Bytes())
	l.shown = ""
}

// redraw writes pending lines and the block, at once so that nothing flickers, unless
// all is on the screen already.
func (l *Live) redraw() {
	width, height := l.size()
	lines := l.draw(width, height)
	lines = lines[:min(len(lines), max(height-1, 1))]
	var block strings.Builder
	for i, line := range lines {
		if i > 0 {
			block.WriteByte('\n')
		}
		block.WriteString(Fit(line, max(width-1, 1))) // a full line would be folded by some
		block.WriteString("\x1b[K")
	}
	if len(lines) > 0 {
		block.WriteString("\x1b[J\r")
	}
	if len(lines) > 1 {
		fmt.Fprintf(&block, "\x1b[%dA", len(lines)-1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.asides > 0 || l.pending.Len() == 0 && block.String() == l.shown {
		return
	}
	var text bytes.Buffer
	switch {
	case l.pending.Len() > 0 || len(lines) == 0:
		text.WriteString("\r\x1b[J")
	default:
		text.WriteByte('\r')
	}
	_, _ = l.pending.WriteTo(&text)
	text.WriteString(block.String())
	_, _ = l.out.Write(text.Bytes())
	l.shown = block.String()
}
