package schema

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// shape is what the encoder and the strict reader must know of a type; looking it
// up once a type is what makes both fast.
type shape struct {
	encode func(e *encoder, v reflect.Value) error
	decode func(d *reader, v reflect.Value) error
	// fields are those of a struct in the order of their names, embedded ones among them.
	fields []fieldShape
	byName map[string]int
}

type fieldShape struct {
	name     string
	quoted   string // the name as it is written, with the colon
	index    []int
	optional bool // absent where it is empty
	shape    *shape
}

// Marshaler is a type of ours that is encoded as another.
type Marshaler interface {
	// WireValue returns the value that is encoded in its place.
	WireValue() any
}

// Unmarshaler is the other direction of [Marshaler].
type Unmarshaler interface {
	// ReadWire sets the value from its encoding, raw. decode decodes raw into a
	// target and may be called more than once.
	ReadWire(raw []byte, decode func(target any) error) error
}

var shapes sync.Map // of *shape by reflect.Type

func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	s := &shape{encode: encodeFuncOf(t), decode: decodeFuncOf(t)}
	if t.Kind() == reflect.Struct {
		s.addFields(t, nil)
		slices.SortFunc(s.fields, func(a, b fieldShape) int { return cmp.Compare(a.name, b.name) })
		s.byName = map[string]int{}
		for i, field := range s.fields {
			s.byName[field.name] = i
		}
	}
	known, _ := shapes.LoadOrStore(t, s)
	return known.(*shape)
}

func (s *shape) addFields(t reflect.Type, within []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(slices.Clone(within), i)
		if f.Anonymous {
			s.addFields(f.Type, index)
			continue
		}
		if !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		name = cmp.Or(name, f.Name)
		s.fields = append(s.fields, fieldShape{
			name: name, quoted: string(appendCanonicalString(nil, name)) + ":", index: index,
			optional: strings.Contains(options, "omitempty"), shape: shapeOf(f.Type),
		})
	}
}

func (f *fieldShape) of(v reflect.Value) reflect.Value {
	if len(f.index) == 1 {
		return v.Field(f.index[0])
	}
	return v.FieldByIndex(f.index)
}

// isEmpty reports whether an optional field is left out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Struct, reflect.Array:
		return false
	}
	return v.IsZero()
}
