package schema

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string. What it returns is good until the next.
func (d *reader) text() ([]byte, error) {
	if d.next() != '"' {
		return nil, d.expected("a string")
	}
	start := d.pos + 1
	length := bytes.IndexByte(d.in[start:], '"')
	if length < 0 {
		d.pos = len(d.in)
		return nil, errCutShort
	}
	text := d.in[start : start+length]
	d.pos = start
	if bytes.IndexByte(text, '\\') >= 0 {
		return d.escaped()
	}
	if err := d.checkText(text); err != nil {
		return nil, err
	}
	d.pos = start + length + 1
	return text, nil
}

// checkText refuses what no string may have as it is.
func (d *reader) checkText(text []byte) error {
	for i, b := range text {
		if b < 0x20 {
			d.pos += i
			return d.fault("invalid character %q in a string", b)
		}
	}
	if !utf8.Valid(text) {
		return d.fault("a string is not UTF-8")
	}
	return nil
}

// escaped reads the rest of a string in which something is escaped.
func (d *reader) escaped() ([]byte, error) {
	d.scratch = d.scratch[:0]
	for {
		n := bytes.IndexAny(d.in[d.pos:], `\"`)
		if n < 0 {
			d.pos = len(d.in)
			return nil, errCutShort
		}
		part := d.in[d.pos : d.pos+n]
		if err := d.checkText(part); err != nil {
			return nil, err
		}
		d.scratch = append(d.scratch, part...)
		d.pos += n + 1
		if d.in[d.pos-1] == '"' {
			return d.scratch, nil
		}
		if err := d.escape(); err != nil {
			return nil, err
		}
	}
}

// escape reads what is after a backslash.
func (d *reader) escape() error {
	if d.pos >= len(d.in) {
		return errCutShort
	}
	letter := d.in[d.pos]
	if i := bytes.IndexByte([]byte(`"\/bfnrt`), letter); i >= 0 {
		d.scratch = append(d.scratch, "\"\\/\b\f\n\r\t"[i])
		d.pos++
		return nil
	}
	first, ok := d.unit()
	if !ok {
		return d.expected("an escaped character")
	}
	r := rune(first)
	if utf16.IsSurrogate(r) {
		var second uint16
		if d.pos < len(d.in) && d.in[d.pos] == '\\' {
			d.pos++
			second, _ = d.unit()
		}
		if r = utf16.DecodeRune(r, rune(second)); r == utf8.RuneError {
			return d.fault("half of a pair of surrogates in a string")
		}
	}
	d.scratch = utf8.AppendRune(d.scratch, r)
	return nil
}

// unit reads "uXXXX" of an escaped UTF-16 code unit.
func (d *reader) unit() (uint16, bool) {
	if d.pos+5 > len(d.in) || d.in[d.pos] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(d.in[d.pos+1:d.pos+5]), 16, 16)
	d.pos += 5
	return uint16(n), err == nil
}
