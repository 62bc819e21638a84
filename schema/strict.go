package schema

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"reflect"
	"strconv"
)

// DecodeStrict decodes one JSON document into target and refuses whatever target
// would not be encoded as again: an unknown field, a field that is missing, null,
// empty where it may be left out, or written in another case, a key that stands
// twice, text that is not UTF-8, anything after the document.
func DecodeStrict(data []byte, target any) error {
	return (&reader{in: data}).document(target)
}

// DecodeKnown decodes one JSON document into target and refuses an unknown field, a
// key that stands twice and anything after the document. What is null or missing
// is target's zero value.
func DecodeKnown(data []byte, target any) error {
	return (&reader{in: data, lenient: true}).document(target)
}

func (d *reader) document(target any) error {
	err := d.value(reflect.ValueOf(target).Elem())
	if d.next(); err == nil && d.pos < len(d.in) {
		err = d.fault("there is something after the end of the document")
	}
	if errors.Is(err, errCutShort) {
		err = fmt.Errorf("the document is cut short: it ends after %d bytes", len(d.in))
	}
	return err
}

// reader reads JSON into values in one pass.
type reader struct {
	in  []byte
	pos int
	// lenient takes null and nothing for any value.
	lenient bool
	// scratch holds a text in which something is escaped.
	scratch []byte
}

var errCutShort = io.ErrUnexpectedEOF

// fault is an error with its line.
func (d *reader) fault(format string, args ...any) error {
	if d.pos >= len(d.in) {
		return errCutShort
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(d.in[:d.pos], []byte("\n")), fmt.Errorf(format, args...))
}

// placed is an error with its place in the document.
type placed struct {
	path string
	err  error
}

func (p *placed) Error() string { return "at " + p.path + ": " + p.err.Error() }
func (p *placed) Unwrap() error { return p.err }

// inside says that an error is in a member.
func inside(name string, err error) error {
	if inner, ok := err.(*placed); ok {
		return &placed{"/" + name + inner.path, inner.err}
	}
	return &placed{"/" + name, err}
}

func (d *reader) expected(what string) error {
	end := min(len(d.in), d.pos+20)
	return d.fault("expected %s, found %q", what, d.in[d.pos:max(d.pos, end)])
}

// next skips white space and returns the next byte; 0 at the end.
func (d *reader) next() byte {
	for d.pos < len(d.in) {
		switch b := d.in[d.pos]; b {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return b
		}
	}
	return 0
}

func (d *reader) value(v reflect.Value) error { return d.decode(shapeOf(v.Type()), v) }

func (d *reader) decode(s *shape, v reflect.Value) error {
	if d.lenient && d.next() == 'n' && bytes.HasPrefix(d.in[d.pos:], []byte("null")) {
		d.pos += len("null")
		v.SetZero()
		return nil
	}
	return s.decode(d, v)
}

var (
	readAsType = reflect.TypeFor[readAs]()
	textType   = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonType   = reflect.TypeFor[json.Unmarshaler]()
	closedType = reflect.TypeFor[closed]()
)

func decodeFuncOf(t reflect.Type) func(*reader, reflect.Value) error {
	p := reflect.PointerTo(t)
	switch {
	case p.Implements(readAsType):
		return (*reader).written
	case p.Implements(jsonType):
		return (*reader).foreign
	case p.Implements(textType):
		return (*reader).checked
	case t.Implements(closedType):
		return (*reader).closed
	}
	switch t.Kind() {
	case reflect.String:
		return (*reader).plain
	case reflect.Bool:
		return (*reader).truth
	case reflect.Int, reflect.Int64:
		return (*reader).integer
	case reflect.Float64:
		return (*reader).number
	case reflect.Pointer:
		return func(d *reader, v reflect.Value) error {
			v.Set(reflect.New(v.Type().Elem()))
			return d.value(v.Elem())
		}
	case reflect.Slice:
		return (*reader).list
	case reflect.Map:
		return (*reader).table
	case reflect.Struct:
		return (*reader).record
	}
	return func(*reader, reflect.Value) error { return fmt.Errorf("internal error: a %s cannot be read", t) }
}

// written reads a type of ours that stands in JSON as another.
func (d *reader) written(v reflect.Value) error {
	start := d.pos
	raw, err := d.skip()
	if err != nil {
		return err
	}
	end := d.pos
	err = v.Addr().Interface().(readAs).readWritten(raw, func(target any) error {
		d.pos = start
		return d.value(reflect.ValueOf(target).Elem())
	})
	d.pos = end
	return err
}

// foreign is a type whose package reads it.
func (d *reader) foreign(v reflect.Value) error {
	raw, err := d.skip()
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v.Addr().Interface())
}

// skip returns the value that comes, unread.
func (d *reader) skip() ([]byte, error) {
	d.next()
	start := d.pos
	for depth := 0; ; {
		switch d.next() {
		case 0:
			return nil, errCutShort
		case '{', '[':
			depth++
			d.pos++
		case '}', ']':
			depth--
			d.pos++
		case '"':
			if _, err := d.text(); err != nil {
				return nil, err
			}
		default:
			d.pos++
			if depth == 0 {
				d.word()
			}
		}
		if depth <= 0 {
			return d.in[start:d.pos], nil
		}
	}
}

// word returns the rest of a number or a name.
func (d *reader) word() []byte {
	start := d.pos
	for d.pos < len(d.in) {
		switch b := d.in[d.pos]; {
		case b >= '0' && b <= '9', b >= 'a' && b <= 'z', b == '-', b == '+', b == '.', b == 'E':
			d.pos++
			continue
		}
		break
	}
	return d.in[start:d.pos]
}

func (d *reader) truth(v reflect.Value) error {
	d.next()
	start := d.pos
	switch string(d.word()) {
	case "true":
		v.SetBool(true)
	case "false":
		v.SetBool(false)
	default:
		d.pos = start
		return d.expected("true or false")
	}
	return nil
}

func (d *reader) integer(v reflect.Value) error {
	d.next()
	start := d.pos
	word := d.word()
	n, err := strconv.ParseInt(string(word), 10, 64)
	// Nothing but the one way to write it: no 007, no -0, no +1.
	if err != nil || n > 1<<53 || n < -1<<53 || strconv.FormatInt(n, 10) != string(word) {
		d.pos = start
		return d.expected("an integer of at most 2^53")
	}
	v.SetInt(n)
	return nil
}

func (d *reader) number(v reflect.Value) error {
	d.next()
	start := d.pos
	var n float64
	if err := json.Unmarshal(d.word(), &n); err != nil {
		d.pos = start
		return d.expected("a number")
	}
	v.SetFloat(n)
	return nil
}

func (d *reader) plain(v reflect.Value) error {
	text, err := d.text()
	if err == nil {
		v.SetString(string(text))
	}
	return err
}

// checked is a text whose type takes not every one.
func (d *reader) checked(v reflect.Value) error {
	text, err := d.text()
	if err != nil {
		return err
	}
	if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(text); err != nil {
		return d.fault("%w", err)
	}
	return nil
}

func (d *reader) closed(v reflect.Value) error {
	if err := d.plain(v); err != nil {
		return err
	}
	if !v.Interface().(closed).isKnown() {
		return d.fault("%q is none of the words for it", v.String())
	}
	return nil
}

func (d *reader) list(v reflect.Value) error {
	if d.next() != '[' {
		return d.expected("a list")
	}
	d.pos++
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	item := shapeOf(v.Type().Elem())
	for n := 0; ; n++ {
		if more, err := d.more(n, ']'); !more {
			return err
		}
		v.Grow(1)
		v.SetLen(n + 1)
		v.Index(n).SetZero()
		if err := d.decode(item, v.Index(n)); err != nil {
			return inside(strconv.Itoa(n), err)
		}
	}
}

// more reports whether another member comes, and goes to it.
func (d *reader) more(n int, end byte) (bool, error) {
	switch b := d.next(); {
	case b == end:
		d.pos++
		return false, nil
	case n > 0 && b != ',':
		return false, d.expected(fmt.Sprintf(`"," or %q`, string(end)))
	case n > 0:
		d.pos++
		d.next()
	}
	return true, nil
}

// key reads the key of a member with its colon.
func (d *reader) key() ([]byte, error) {
	key, err := d.text()
	if err != nil {
		return nil, err
	}
	if d.next() != ':' {
		return nil, d.expected(`":"`)
	}
	d.pos++
	return key, nil
}

func (d *reader) table(v reflect.Value) error {
	if d.next() != '{' {
		return d.expected("an object")
	}
	d.pos++
	t := v.Type()
	v.Set(reflect.MakeMap(t))
	keys, item := shapeOf(t.Key()), shapeOf(t.Elem())
	for n := 0; ; n++ {
		if more, err := d.more(n, '}'); !more {
			return err
		}
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		if err := keys.decode(d, key); err != nil {
			return err
		}
		if d.next() != ':' {
			return d.expected(`":"`)
		}
		d.pos++
		if err := d.decode(item, value); err != nil {
			return inside(key.String(), err)
		}
		v.SetMapIndex(key, value)
		if v.Len() == n {
			return d.fault("the key %q stands twice", key)
		}
	}
}

func (d *reader) record(v reflect.Value) error {
	if d.next() != '{' {
		return d.expected("an object")
	}
	d.pos++
	s := shapeOf(v.Type())
	var seen uint64 // no type of ours has as many as 64 fields
	hint := 0
	for n := 0; ; n++ {
		if more, err := d.more(n, '}'); !more {
			return d.orMissing(err, s, seen)
		}
		key, err := d.key()
		if err != nil {
			return err
		}
		i := hint // fields mostly come in order
		if i >= len(s.fields) || s.fields[i].name != string(key) {
			var known bool
			if i, known = s.byName[string(key)]; !known {
				return d.fault("unknown field %q", key)
			}
		}
		hint = i + 1
		f := &s.fields[i]
		if seen&(1<<i) != 0 {
			return d.fault("the key %q stands twice", key)
		}
		seen |= 1 << i
		value := f.of(v)
		if err := d.decode(f.shape, value); err != nil {
			return inside(f.name, err)
		}
		if f.optional && !d.lenient && isEmpty(value) {
			return inside(f.name, d.fault("it is empty, and must be left out"))
		}
	}
}

// orMissing ends a record, of which these fields were seen.
func (d *reader) orMissing(err error, s *shape, seen uint64) error {
	if err != nil || d.lenient || bits.OnesCount64(seen) == len(s.fields) {
		return err
	}
	for i := range s.fields {
		if seen&(1<<i) == 0 && !s.fields[i].optional {
			return fmt.Errorf("the field %q is missing", s.fields[i].name)
		}
	}
	return nil
}
