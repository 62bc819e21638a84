package publish

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// JSONSchema returns the JSON schema (draft 2020-12) of root's type, indented.
func (s *Source) JSONSchema(title string, root any) ([]byte, error) {
	builder := &schemaBuilder{source: s, defs: map[string]any{}}
	top := builder.of(reflect.TypeOf(root))
	document := map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   title,
		"$defs":   builder.defs,
		"$ref":    top["$ref"],
	}
	data, err := json.MarshalIndent(document, "", "  ")
	return append(data, '\n'), err
}

type schemaBuilder struct {
	source *Source
	defs   map[string]any
}

func (b *schemaBuilder) of(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[[]byte]():
		return map[string]any{"type": "string", "contentEncoding": "base64"}
	case t.Kind() == reflect.Pointer:
		return b.of(t.Elem())
	case t.Name() != "" && (t.Kind() == reflect.Struct || t.Kind() == reflect.String && t.PkgPath() != ""):
		return b.named(t)
	}
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": b.of(t.Elem())}
	case reflect.Map:
		schema := map[string]any{"type": "object", "additionalProperties": b.of(t.Elem())}
		if t.Key().Name() != "string" {
			schema["propertyNames"] = b.of(t.Key())
		}
		return schema
	}
	panic(fmt.Sprintf("internal error: no schema for %s", t))
}

func (b *schemaBuilder) named(t reflect.Type) map[string]any {
	ref := map[string]any{"$ref": "#/$defs/" + t.Name()}
	if _, done := b.defs[t.Name()]; done {
		return ref
	}
	def := map[string]any{"description": b.source.Types[t.Name()]}
	b.defs[t.Name()] = def // before the fields, so that a recursive type ends
	if t.Kind() == reflect.String {
		def["type"] = "string"
		if pattern := b.source.Patterns[strings.ToLower(t.Name())]; pattern != "" {
			def["pattern"] = pattern
		} else if enum := b.source.Enums[t.Name()]; enum != nil {
			def["enum"] = enum
		}
		return ref
	}
	properties, required := map[string]any{}, []string{}
	for _, f := range b.source.fieldsOf(t) {
		property := b.of(f.field.Type)
		if text := b.source.Fields[f.owner+"."+f.field.Name]; text != "" {
			property["description"] = text
		}
		properties[f.name] = property
		if !f.optional {
			required = append(required, f.name)
		}
	}
	def["type"] = "object"
	def["properties"] = properties
	def["required"] = required
	def["additionalProperties"] = false
	return ref
}

type jsonField struct {
	owner    string
	name     string
	optional bool
	field    reflect.StructField
}

// fieldsOf returns the fields of a struct as encoding/json sees them.
func (s *Source) fieldsOf(t reflect.Type) []jsonField {
	var fields []jsonField
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			fields = append(fields, s.fieldsOf(f.Type)...)
			continue
		}
		if wire, ok := s.Wire[f.Type]; ok {
			f.Type = wire
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields = append(fields, jsonField{t.Name(), name, strings.Contains(options, "omitempty"), f})
	}
	return fields
}
