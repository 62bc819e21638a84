package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Canonical returns v in the canonical JSON of RFC 8785: no white space, keys
// sorted by UTF-16 code units, strings escaped minimally. Numbers must be
// integers of at most 2^53, as all of ours are.
func Canonical(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return canonicalBytes(plain)
}

// DigestOfValue returns the digest of v's canonical form.
func DigestOfValue(v any) (Digest, error) {
	data, err := Canonical(v)
	if err != nil {
		return "", err
	}
	return DigestOf(data), nil
}

// canonicalBytes returns the canonical form of a valid JSON document.
func canonicalBytes(plain []byte) ([]byte, error) {
	c := &canonizer{in: plain, out: make([]byte, 0, len(plain))}
	if err := c.value(); err != nil {
		return nil, err
	}
	return c.out, nil
}

// canonizer rewrites valid JSON in one pass, without a tree: plans have tens of
// megabytes and are hashed several times.
type canonizer struct {
	in  []byte
	pos int
	out []byte
}

// next skips white space and returns the next byte.
func (c *canonizer) next() byte {
	for c.pos < len(c.in) {
		switch b := c.in[c.pos]; b {
		case ' ', '\t', '\n', '\r':
			c.pos++
		default:
			return b
		}
	}
	return 0
}

func (c *canonizer) value() error {
	switch b := c.next(); {
	case b == '{':
		return c.object()
	case b == '[':
		return c.array()
	case b == '"':
		text, err := c.text()
		c.out = appendCanonicalString(c.out, text)
		return err
	case b == '-' || b >= '0' && b <= '9':
		return c.number()
	case b == 't' || b == 'f' || b == 'n':
		start := c.pos
		for c.pos < len(c.in) && c.in[c.pos] >= 'a' && c.in[c.pos] <= 'z' {
			c.pos++
		}
		c.out = append(c.out, c.in[start:c.pos]...)
		return nil
	}
	return fmt.Errorf("internal error: no JSON value at byte %d", c.pos)
}

func (c *canonizer) array() error {
	c.pos++
	c.out = append(c.out, '[')
	for first := true; ; first = false {
		switch c.next() {
		case ']':
			c.pos++
			c.out = append(c.out, ']')
			return nil
		case ',':
			c.pos++
		}
		if !first {
			c.out = append(c.out, ',')
		}
		if err := c.value(); err != nil {
			return err
		}
	}
}

// member is a member of an object, as it stands in the output.
type member struct {
	key        string
	start, end int
}

// object writes the members in the order in which they come, and puts them in
// order only where they are not.
func (c *canonizer) object() error {
	c.pos++
	c.out = append(c.out, '{')
	start := len(c.out)
	var members []member
	for {
		switch c.next() {
		case '}':
			c.pos++
			c.sort(start, members)
			c.out = append(c.out, '}')
			return nil
		case ',':
			c.pos++
			c.next()
		}
		if len(members) > 0 {
			c.out = append(c.out, ',')
		}
		m := member{start: len(c.out)}
		var err error
		if m.key, err = c.text(); err != nil {
			return err
		}
		c.out = append(appendCanonicalString(c.out, m.key), ':')
		if c.next() != ':' {
			return fmt.Errorf("internal error: no colon at byte %d", c.pos)
		}
		c.pos++
		if err := c.value(); err != nil {
			return err
		}
		m.end = len(c.out)
		members = append(members, m)
	}
}

func (c *canonizer) sort(start int, members []member) {
	byKey := func(a, b member) int { return compareUTF16(a.key, b.key) }
	if slices.IsSortedFunc(members, byKey) {
		return
	}
	written := slices.Clone(c.out[start:])
	slices.SortFunc(members, byKey)
	c.out = c.out[:start]
	for i, m := range members {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out = append(c.out, written[m.start-start:m.end-start]...)
	}
}

// text reads a string.
func (c *canonizer) text() (string, error) {
	start := c.pos
	for c.pos++; c.pos < len(c.in); c.pos++ {
		switch c.in[c.pos] {
		case '\\':
			c.pos++
		case '"':
			c.pos++
			return unquote(c.in[start:c.pos])
		}
	}
	return "", fmt.Errorf("internal error: no end of the string at byte %d", start)
}

func unquote(quoted []byte) (string, error) {
	if bytes.IndexByte(quoted, '\\') < 0 && utf8.Valid(quoted) {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	var text string
	err := json.Unmarshal(quoted, &text)
	return text, err
}

func (c *canonizer) number() error {
	start := c.pos
	for c.pos < len(c.in) && bytes.IndexByte([]byte("+-.eE0123456789"), c.in[c.pos]) >= 0 {
		c.pos++
	}
	text := string(c.in[start:c.pos])
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil || i > 1<<53 || i < -1<<53 {
		return fmt.Errorf("number %s is not an integer of at most 2^53", text)
	}
	c.out = strconv.AppendInt(c.out, i, 10)
	return nil
}

// compareUTF16 orders strings by UTF-16 code units: unlike bytes, that puts
// characters beyond the basic plane before U+E000 to U+FFFF.
func compareUTF16(a, b string) int {
	for a != "" && b != "" {
		ra, na := utf8.DecodeRuneInString(a)
		rb, nb := utf8.DecodeRuneInString(b)
		if ra != rb {
			return cmp.Compare(utf16Head(ra), utf16Head(rb))*2 + cmp.Compare(ra, rb)
		}
		a, b = a[na:], b[nb:]
	}
	return cmp.Compare(len(a), len(b))
}

func utf16Head(r rune) rune {
	if head, _ := utf16.EncodeRune(r); head != utf8.RuneError {
		return head
	}
	return r
}

func appendCanonicalString(out []byte, s string) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c >= 0x20:
			out = append(out, c)
		case c == '\b':
			out = append(out, `\b`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\f':
			out = append(out, `\f`...)
		case c == '\r':
			out = append(out, `\r`...)
		default:
			out = append(out, `\u00`...)
			out = append(out, hex[c>>4], hex[c&15])
		}
	}
	return append(out, '"')
}
