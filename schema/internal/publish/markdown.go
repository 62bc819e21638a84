package publish

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Markdown returns a reference of root's type and all types it is made of, a
// table a type, in the order in which a reader meets them.
func (s *Source) Markdown(root any) string {
	var out strings.Builder
	queue := []reflect.Type{reflect.TypeOf(root)}
	seen := map[reflect.Type]bool{queue[0]: true}
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		s.writeType(&out, t)
		if t.Kind() != reflect.Struct {
			continue
		}
		for _, f := range s.fieldsOf(t) {
			for _, inner := range namedIn(f.field.Type) {
				if !seen[inner] {
					seen[inner] = true
					queue = append(queue, inner)
				}
			}
		}
	}
	return out.String()
}

func (s *Source) writeType(out *strings.Builder, t reflect.Type) {
	fmt.Fprintf(out, "\n## %s\n\n%s\n", t.Name(), s.Types[t.Name()])
	if t.Kind() != reflect.Struct {
		if pattern := s.Patterns[strings.ToLower(t.Name())]; pattern != "" {
			fmt.Fprintf(out, "\nPattern: `%s`\n", pattern)
		} else if enum := s.Enums[t.Name()]; enum != nil {
			fmt.Fprintf(out, "\nOne of: `%s`\n", strings.Join(enum, "`, `"))
		}
		return
	}
	out.WriteString("\n| field | type | meaning |\n| --- | --- | --- |\n")
	for _, f := range s.fieldsOf(t) {
		optional := ""
		if f.optional {
			optional = ", optional"
		}
		text := strings.ReplaceAll(s.Fields[f.owner+"."+f.field.Name], "|", `\|`)
		fmt.Fprintf(out, "| `%s` | %s%s | %s |\n", f.name, describe(f.field.Type), optional, text)
	}
}

func describe(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "RFC 3339 time"
	case t.Kind() == reflect.Pointer:
		return describe(t.Elem())
	case t == reflect.TypeFor[[]byte]():
		return "bytes in base64"
	case t.Kind() == reflect.Slice:
		return "list of " + describe(t.Elem())
	case t.Kind() == reflect.Map:
		return "map from " + describe(t.Key()) + " to " + describe(t.Elem())
	case t.PkgPath() != "":
		return fmt.Sprintf("[%s](#%s)", t.Name(), strings.ToLower(t.Name()))
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return "integer"
	case t.Kind() == reflect.Float64:
		return "number"
	}
	return t.Kind().String()
}

func namedIn(t reflect.Type) []reflect.Type {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return namedIn(t.Elem())
	case reflect.Map:
		return append(namedIn(t.Key()), namedIn(t.Elem())...)
	}
	if t.PkgPath() == "" || t == reflect.TypeFor[time.Time]() {
		return nil
	}
	return []reflect.Type{t}
}
