package schema

import (
	"fmt"
	"math/bits"
	"reflect"
	"strconv"
)

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
