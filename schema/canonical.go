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

func canonicalBytes(plain []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(plain))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, err
	}
	return appendCanonical(make([]byte, 0, len(plain)), tree)
}

func appendCanonical(out []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(out, "null"...), nil
	case bool:
		return strconv.AppendBool(out, v), nil
	case string:
		return appendCanonicalString(out, v), nil
	case json.Number:
		return appendCanonicalNumber(out, v)
	case []any:
		return appendCanonicalArray(out, v)
	case map[string]any:
		return appendCanonicalObject(out, v)
	}
	return nil, fmt.Errorf("internal error: cannot encode a %T", v)
}

func appendCanonicalNumber(out []byte, n json.Number) ([]byte, error) {
	i, err := n.Int64()
	if err != nil || i > 1<<53 || i < -1<<53 {
		return nil, fmt.Errorf("number %s is not an integer of at most 2^53", n)
	}
	return strconv.AppendInt(out, i, 10), nil
}

func appendCanonicalArray(out []byte, list []any) ([]byte, error) {
	var err error
	out = append(out, '[')
	for i, item := range list {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = appendCanonical(out, item); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

func appendCanonicalObject(out []byte, object map[string]any) ([]byte, error) {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compareUTF16)
	var err error
	out = append(out, '{')
	for i, key := range keys {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendCanonicalString(out, key), ':')
		if out, err = appendCanonical(out, object[key]); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
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
