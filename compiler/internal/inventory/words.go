package inventory

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nixfleet/nixfleet/schema/validate"
)

var rawSchema = sync.OnceValue(func() (tree any) {
	_ = json.Unmarshal([]byte(validate.InventorySchema), &tree) // compileSchema reports what is wrong with it
	return tree
})

// schemaAt returns the part of the schema that holds the keyword at location
// ("inventory.schema.json#/$defs/fields/additionalProperties").
func schemaAt(location string) map[string]any {
	_, fragment, _ := strings.Cut(location, "#")
	path := pointer(fragment)
	part, _ := valueAt(rawSchema(), path[:max(0, len(path)-1)]).(map[string]any)
	return part
}

// pointer splits a JSON pointer as the validator writes it.
func pointer(s string) []string {
	s = strings.TrimPrefix(s, "/")
	if s == "" {
		return nil
	}
	parts := strings.Split(s, "/")
	for i := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(unescapePercent(parts[i]), "~1", "/"), "~0", "~")
	}
	return parts
}

func unescapePercent(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if b, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out.WriteByte(byte(b))
				i += 2
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

func valueAt(tree any, path []string) any {
	for _, step := range path {
		switch at := tree.(type) {
		case map[string]any:
			tree = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return nil
			}
			tree = at[i]
		default:
			return nil
		}
	}
	return tree
}

// named calls the value at path what people call it.
func named(path []string) string {
	if len(path) == 0 {
		return "the inventory"
	}
	if len(path) == 2 {
		switch path[0] {
		case "hosts":
			return fmt.Sprintf("host %q", path[1])
		case "groups":
			return fmt.Sprintf("group %q", path[1])
		}
	}
	return dotted(path)
}

func dotted(path []string) string {
	var out strings.Builder
	for i, step := range path {
		if i > 0 {
			out.WriteByte('.')
		}
		if strings.ContainsAny(step, ". \"") || step == "" {
			step = strconv.Quote(step)
		}
		out.WriteString(step)
	}
	return out.String()
}

// expected says what a part of the schema asks for.
func expected(rule map[string]any) string {
	if title, ok := rule["title"].(string); ok && rule["$schema"] == nil {
		return title
	}
	var types []string
	switch t := rule["type"].(type) {
	case string:
		types = []string{t}
	case []any:
		for _, item := range t {
			types = append(types, fmt.Sprint(item))
		}
	}
	words := map[string]string{
		"string": "a text", "integer": "a whole number", "boolean": "true or false",
		"object": "fields with values", "array": "a list", "null": "null",
	}
	for i := range types {
		types[i] = words[types[i]]
	}
	return strings.Join(types, " or ")
}

// shownValue shows a wrong value, shortened.
func shownValue(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		return "another value"
	}
	const longest = 60
	if text := []rune(string(data)); len(text) > longest {
		return string(text[:longest]) + "…"
	}
	return string(data)
}
