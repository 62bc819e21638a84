package ui

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fit cuts a line that takes more columns of a terminal than there are, and says so
// with "…". Colours take none; other control characters are left out.
func Fit(line string, columns int) string {
	var out strings.Builder
	used, whole, coloured := 0, 0, false // whole is where the line ends that leaves a column for "…"
	for len(line) > 0 {
		if n := colour(line); n > 0 {
			out.WriteString(line[:n])
			line, coloured = line[n:], true
			continue
		}
		r, size := utf8.DecodeRuneInString(line)
		line = line[size:]
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			continue
		}
		if used += columnsOf(r); used > columns {
			text := out.String()[:whole]
			if columns > 0 {
				text += "…"
			}
			if coloured {
				text += "\x1b[0m"
			}
			return text
		}
		out.WriteRune(r)
		if used < columns {
			whole = out.Len()
		}
	}
	return out.String()
}

// colour returns the length of the sequence at the beginning of a text that sets a
// colour; 0 where there is none.
func colour(text string) int {
	after, found := strings.CutPrefix(text, "\x1b[")
	if !found {
		return 0
	}
	if after = strings.TrimLeft(after, "0123456789;"); !strings.HasPrefix(after, "m") {
		return 0
	}
	return len(text) - len(after) + 1
}

// columnsOf is how many columns a letter takes at most: those of scripts with wide ones
// are taken to be wide.
func columnsOf(r rune) int {
	if r >= 0x1100 && (r < 0x2010 || r > 0x2027) {
		return 2
	}
	return 1
}
