package schema

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
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
	ourUnmarshalerType = reflect.TypeFor[Unmarshaler]()
	textType           = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonType           = reflect.TypeFor[json.Unmarshaler]()
	closedType         = reflect.TypeFor[closed]()
)

func decodeFuncOf(t reflect.Type) func(*reader, reflect.Value) error {
	p := reflect.PointerTo(t)
	switch {
	case p.Implements(ourUnmarshalerType):
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
		if t.Elem().Kind() == reflect.Uint8 { // bytes stand in JSON as base64
			return (*reader).foreign
		}
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
	err = v.Addr().Interface().(Unmarshaler).ReadWire(raw, func(target any) error {
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
