package lab

import (
	"fmt"
	"io"
	"sync"
)

// logger writes whole lines, from any goroutine.
type logger struct {
	mu  sync.Mutex
	out io.Writer
}

func newLogger(out io.Writer) *logger {
	if out == nil {
		out = io.Discard
	}
	return &logger{out: out}
}

func (l *logger) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(l.out, format+"\n", args...)
}
