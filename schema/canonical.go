package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Canonical returns v in the canonical JSON of RFC 8785: no white space, keys
// sorted by UTF-16 code units, strings escaped minimally. Numbers must be
// integers of at most 2^53, as all of ours are.
func Canonical(v any) ([]byte, error) {
	var e encoder
	err := e.value(reflect.ValueOf(v))
	return e.out, err
}

// WriteCanonical writes what [Canonical] returns.
func WriteCanonical(to io.Writer, v any) error {
	e := encoder{to: to}
	if err := e.value(reflect.ValueOf(v)); err != nil {
		return err
	}
	return e.pass()
}

// WriteIndented writes v in canonical order, indented, with a newline at the end.
func WriteIndented(to io.Writer, v any) error {
	e := encoder{to: to, lines: true}
	if err := e.value(reflect.ValueOf(v)); err != nil {
		return err
	}
	e.out = append(e.out, '\n')
	return e.pass()
}

// encoder writes canonical JSON in one pass over a value: plans have tens of
// megabytes, and all of it is hashed.
type encoder struct {
	out []byte
	// lines spreads the members over lines, indented for people.
	lines bool
	depth int
	// to takes what is written as it grows, where it is not kept in out.
	to io.Writer
}

func (e *encoder) value(v reflect.Value) error {
	if !v.IsValid() {
		e.out = append(e.out, "null"...)
		return nil
	}
	return shapeOf(v.Type()).encode(e, v)
}

var (
	ourMarshalerType = reflect.TypeFor[Marshaler]()
	marshalerType    = reflect.TypeFor[json.Marshaler]()
)

func encodeFuncOf(t reflect.Type) func(*encoder, reflect.Value) error {
	switch {
	case t.Implements(ourMarshalerType):
		return func(e *encoder, v reflect.Value) error {
			return e.value(reflect.ValueOf(v.Interface().(Marshaler).WireValue()))
		}
	case t.Kind() != reflect.Pointer && t.Implements(marshalerType):
		return (*encoder).foreign
	}
	switch t.Kind() {
	case reflect.String:
		return func(e *encoder, v reflect.Value) error {
			e.out = appendCanonicalString(e.out, v.String())
			return nil
		}
	case reflect.Bool:
		return func(e *encoder, v reflect.Value) error {
			e.out = strconv.AppendBool(e.out, v.Bool())
			return nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(e *encoder, v reflect.Value) error { return e.integer(v.Int()) }
	case reflect.Pointer, reflect.Interface:
		return func(e *encoder, v reflect.Value) error { return e.value(v.Elem()) }
	case reflect.Slice:
		return (*encoder).list
	case reflect.Map:
		return (*encoder).table
	case reflect.Struct:
		return (*encoder).record
	}
	return func(*encoder, reflect.Value) error {
		return fmt.Errorf("internal error: a %s has no canonical form", t)
	}
}

func (e *encoder) integer(n int64) error {
	if n > 1<<53 || n < -1<<53 {
		return fmt.Errorf("number %d is not an integer of at most 2^53", n)
	}
	e.out = strconv.AppendInt(e.out, n, 10)
	return nil
}

// foreign is a type whose package writes it, as a string.
func (e *encoder) foreign(v reflect.Value) error {
	data, err := json.Marshal(v.Interface())
	if err != nil {
		return err
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("internal error: a %s has no canonical form: %w", v.Type(), err)
	}
	e.out = appendCanonicalString(e.out, text)
	return nil
}

func (e *encoder) list(v reflect.Value) error {
	if v.IsNil() {
		e.out = append(e.out, "null"...)
		return nil
	}
	item := shapeOf(v.Type().Elem())
	e.open('[')
	for i := range v.Len() {
		e.member(i)
		if err := item.encode(e, v.Index(i)); err != nil {
			return err
		}
	}
	return e.close(']', v.Len())
}

func (e *encoder) record(v reflect.Value) error {
	e.open('{')
	n := 0
	fields := shapeOf(v.Type()).fields
	for i := range fields {
		f := &fields[i]
		value := f.of(v)
		if f.optional && isEmpty(value) {
			continue
		}
		e.member(n)
		e.out = append(e.out, f.quoted...)
		e.space()
		if err := f.shape.encode(e, value); err != nil {
			return err
		}
		n++
	}
	return e.close('}', n)
}

// entry is an entry of a map.
type entry struct {
	key   string
	value reflect.Value
}

func (e *encoder) table(v reflect.Value) error {
	if v.IsNil() {
		e.out = append(e.out, "null"...)
		return nil
	}
	if v.Type().Key().Kind() != reflect.String {
		return fmt.Errorf("internal error: a %s has no canonical form", v.Type())
	}
	entries := make([]entry, 0, v.Len())
	for each := v.MapRange(); each.Next(); {
		entries = append(entries, entry{valid(each.Key().String()), each.Value()})
	}
	slices.SortFunc(entries, func(a, b entry) int { return compareUTF16(a.key, b.key) })
	item := shapeOf(v.Type().Elem())
	e.open('{')
	for i, entry := range entries {
		e.member(i)
		e.out = append(appendCanonicalString(e.out, entry.key), ':')
		e.space()
		if err := item.encode(e, entry.value); err != nil {
			return err
		}
	}
	return e.close('}', len(entries))
}

func (e *encoder) open(bracket byte) {
	e.out = append(e.out, bracket)
	e.depth++
}

// member begins a member of a list, a record or a table.
func (e *encoder) member(i int) {
	if i > 0 {
		e.out = append(e.out, ',')
	}
	e.line()
}

// enough is how much is kept back before it is passed on.
const enough = 1 << 16

func (e *encoder) close(bracket byte, members int) error {
	e.depth--
	if members > 0 {
		e.line()
	}
	e.out = append(e.out, bracket)
	if e.to == nil || len(e.out) < enough {
		return nil
	}
	return e.pass()
}

func (e *encoder) pass() error {
	_, err := e.to.Write(e.out)
	e.out = e.out[:0]
	return err
}

func (e *encoder) line() {
	if !e.lines {
		return
	}
	e.out = append(e.out, '\n')
	for range e.depth {
		e.out = append(e.out, "  "...)
	}
}

func (e *encoder) space() {
	if e.lines {
		e.out = append(e.out, ' ')
	}
}

// compareUTF16 orders valid texts by UTF-16 code units. That is the order of their
// bytes, but that characters beyond the basic plane, which begin with 0xF0 or more,
// are before U+E000 to U+FFFF, which begin with 0xEE and 0xEF.
func compareUTF16(a, b string) int {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x >= 0xEE && y >= 0xEE && (x >= 0xF0) != (y >= 0xF0) {
			return cmp.Compare(y, x)
		}
		return cmp.Compare(x, y)
	}
	return cmp.Compare(len(a), len(b))
}

// valid returns text as encoding/json would write it: with U+FFFD for each byte
// that is no UTF-8.
func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}

func appendCanonicalString(out []byte, s string) []byte {
	const hex = "0123456789abcdef"
	s = valid(s)
	out = append(out, '"')
	plain := 0 // where what is copied as it is begins
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		out = append(out, s[plain:i]...)
		plain = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\b':
			out = append(out, `\b`...)
		case '\t':
			out = append(out, `\t`...)
		case '\n':
			out = append(out, `\n`...)
		case '\f':
			out = append(out, `\f`...)
		case '\r':
			out = append(out, `\r`...)
		default:
			out = append(out, `\u00`...)
			out = append(out, hex[c>>4], hex[c&15])
		}
	}
	return append(append(out, s[plain:]...), '"')
}
