package diff

import (
	"bytes"
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
	var fields, details []string
	short := true
	for _, key := range keys {
		if old[key] == now[key] || key == "name" {
			continue
		}
		fields = append(fields, words(key))
		change := old[key] + " -> " + now[key]
		switch {
		case made.Action == schema.Create:
			change = now[key]
		case made.Action == schema.Remove:
			continue
		case old[key] == "":
			change = "none -> " + now[key]
		case now[key] == "":
			change = old[key] + " -> none"
		}
		if strings.Contains(change, "\n") || len(change) > brief {
			short = false
			details = append(details, words(key))
			continue
		}
		details = append(details, words(key)+" "+change)
	}
	if len(fields) == 0 {
		return nil
	}
	if made.Detail = strings.Join(details, ", "); made.Action == schema.Update {
		made.fields = strings.Join(fields, ",")
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
