package schema

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
)

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

// closed is a string type with a fixed set of values; strict readers refuse others.
type closed interface{ IsKnown() bool }

func (d *reader) closed(v reflect.Value) error {
	if err := d.plain(v); err != nil {
		return err
	}
	if !v.Interface().(closed).IsKnown() {
		return d.fault("%q is none of the words for it", v.String())
	}
	return nil
}
