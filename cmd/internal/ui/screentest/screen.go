// Package screentest is a terminal for tests: what somebody would see of what was
// written to it.
package screentest

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Screen is a terminal of a size. Lines that leave it at the top are kept.
type Screen struct {
	mu            sync.Mutex
	width, height int
	gone, lines   [][]rune
	row, column   int
	rest          []byte // the beginning of a sequence
	folded        int
	writes        int
	strange       []string
}

// New returns an empty screen.
func New(width, height int) *Screen {
	return &Screen{width: width, height: height, lines: make([][]rune, 1)}
}

// Size returns the screen's size.
func (s *Screen) Size() (width, height int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.width, s.height
}

// Resize gives the screen another width, and folds its lines anew as most terminals
// do: the cursor stays on its letter.
func (s *Screen) Resize(width int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.lines
	row, column := 0, 0
	s.lines, s.width = nil, width
	for i, line := range old {
		if i == s.row {
			row, column = len(s.lines)+s.column/width, s.column%width
		}
		for len(line) > width {
			s.lines, line = append(s.lines, line[:width:width]), line[width:]
		}
		s.lines = append(s.lines, line)
	}
	s.row, s.column = row, column
	s.scroll()
}

// Write takes what a program writes. A line feed also returns the carriage, as the
// terminal of a process does.
func (s *Screen) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	text := append(s.rest, data...)
	s.rest = nil
	for len(text) > 0 {
		n := s.take(text)
		if n == 0 {
			s.rest = append([]byte(nil), text...)
			break
		}
		text = text[n:]
	}
	return len(data), nil
}

// take takes a letter or a sequence, and returns its length; 0 where more is to come.
func (s *Screen) take(text []byte) int {
	switch {
	case text[0] == '\r':
		s.column = 0
		return 1
	case text[0] == '\n':
		s.feed()
		return 1
	case text[0] == 0x1b:
		return s.sequence(text)
	case text[0] < ' ':
		s.strange = append(s.strange, fmt.Sprintf("%q", text[0]))
		return 1
	case !utf8.FullRune(text):
		return 0
	}
	r, size := utf8.DecodeRune(text)
	s.put(r)
	return size
}

func (s *Screen) put(r rune) {
	if s.column == s.width {
		s.folded++
		s.feed()
	}
	line := s.lines[s.row]
	for len(line) <= s.column {
		line = append(line, ' ')
	}
	line[s.column] = r
	s.lines[s.row] = line
	s.column++
}

func (s *Screen) feed() {
	s.row, s.column = s.row+1, 0
	if s.row == len(s.lines) {
		s.lines = append(s.lines, nil)
	}
	s.scroll()
}

func (s *Screen) scroll() {
	for len(s.lines) > s.height {
		s.gone, s.lines = append(s.gone, s.lines[0]), s.lines[1:]
		s.row = max(s.row-1, 0)
	}
}

func (s *Screen) sequence(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	end := 2
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || text[end] == ';') {
		end++
	}
	if end == len(text) {
		return 0
	}
	n, _ := strconv.Atoi(string(text[2:end]))
	switch name := string(text[1]) + string(text[end]); {
	case name == "[m":
	case name == "[A":
		s.row = max(s.row-max(n, 1), 0)
	case name == "[K" && n == 0:
		s.cut(s.row)
	case name == "[J" && n == 0:
		s.cut(s.row)
		s.lines = s.lines[:s.row+1]
	default:
		s.strange = append(s.strange, fmt.Sprintf("%q", text[:end+1]))
	}
	return end + 1
}

// cut erases from the cursor; a cursor that waits to fold stands on the last letter.
func (s *Screen) cut(row int) {
	s.lines[row] = s.lines[row][:min(len(s.lines[row]), min(s.column, s.width-1))]
}

// Text is all that is to be seen, with what has left the screen.
func (s *Screen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out strings.Builder
	for _, line := range append(s.gone[:len(s.gone):len(s.gone)], s.lines...) {
		out.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// Visible is what is on the screen.
func (s *Screen) Visible() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := make([]string, len(s.lines))
	for i, line := range s.lines {
		lines[i] = string(line)
	}
	return lines
}

// Folded is how often a line did not fit, and Writes how often was written.
func (s *Screen) Folded() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.folded
}

// Writes is described with [Screen.Folded].
func (s *Screen) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// Strange are the control characters and sequences that the screen does not know.
func (s *Screen) Strange() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.strange
}
