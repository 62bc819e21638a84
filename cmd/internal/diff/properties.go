package diff

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/nixfleet/nixfleet/schema"
)

// brief is how long a value may be that is told in a line.
const brief = 48

// compareProperties compares one object's properties; nil is an object that is not there.
func compareProperties(kind, name string, before, after any) []change {
	old, now := properties(before), properties(after)
	made := change{PlannedChange: schema.PlannedChange{Change: schema.Change{Action: schema.Update, Kind: kind, Object: name}, Inert: true}}
	switch {
	case before == nil:
		made.Action = schema.Create
	case after == nil:
		made.Action = schema.Remove
	}
	keys := slices.Compact(slices.Sorted(slices.Values(slices.Concat(slices.Collect(maps.Keys(old)), slices.Collect(maps.Keys(now))))))
	var details []string
	short := true
	for _, key := range keys {
		was, is := old[key], now[key]
		if was == is || key == "name" {
			continue
		}
		field := schema.Difference{Property: words(key)}
		multiline := strings.Contains(was+is, "\n")
		if !multiline {
			field.Was, field.Is = was, is
		}
		made.Fields = append(made.Fields, field)
		text := cmp.Or(was, "none") + " -> " + cmp.Or(is, "none")
		if made.Action == schema.Create {
			text = is
		}
		switch {
		case made.Action == schema.Remove:
		case multiline || len(text) > brief:
			short = false
			details = append(details, field.Property)
		default:
			details = append(details, field.Property+" "+text)
		}
	}
	if len(made.Fields) == 0 {
		return nil
	}
	made.Detail = strings.Join(details, ", ")
	if made.fields = names(made.Fields); made.Action != schema.Update {
		made.Fields, made.fields = nil, "" // the detail has them, or they are gone
	}
	if !short {
		made.diff = udiff.Unified(name, name, listing(old), listing(now))
	}
	return []change{made}
}

// properties are the fields of a value as texts, by their names in the plan.
func properties(value any) map[string]string {
	table := map[string]string{}
	if value == nil {
		return table
	}
	data, err := json.Marshal(value)
	var fields map[string]json.RawMessage
	if err != nil || json.Unmarshal(data, &fields) != nil {
		return map[string]string{"value": fmt.Sprint(value)} // no type of the plan's
	}
	for name, raw := range fields {
		table[name] = inWords(raw)
	}
	return table
}

// inWords writes a JSON value as people would.
func inWords(raw json.RawMessage) string {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return string(raw)
	}
	switch value := value.(type) {
	case string:
		return value
	case []any:
		texts := make([]string, len(value))
		for i, item := range value {
			texts[i] = fmt.Sprint(item)
		}
		return strings.Join(texts, ", ")
	case map[string]any:
		var texts []string
		for _, key := range slices.Sorted(maps.Keys(value)) {
			texts = append(texts, fmt.Sprintf("%s=%v", key, value[key]))
		}
		return strings.Join(texts, " ")
	}
	return fmt.Sprint(value)
}

// words writes the name of a field as words: "confirmWindow" is "confirm window".
func words(name string) string {
	var out strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' && i > 0 && name[i-1] >= 'a' && name[i-1] <= 'z' {
			out.WriteByte(' ')
			r += 'a' - 'A'
		}
		out.WriteRune(r)
	}
	return out.String()
}

// listing writes properties a line each, to be compared line by line.
func listing(properties map[string]string) string {
	var out strings.Builder
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		for i, line := range strings.Split(strings.TrimRight(properties[key], "\n"), "\n") {
			if i == 0 {
				line = words(key) + ": " + line
			} else {
				line = "  " + line
			}
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}
