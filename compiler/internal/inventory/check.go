package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema/validate"
)

const schemaName = "inventory.schema.json"

var compileSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	return jsonschema.CompileString(schemaName, validate.InventorySchema)
})

// check checks the value against the published schema.
func (i *Inventory) check() error {
	var tree any
	decoder := json.NewDecoder(strings.NewReader(string(i.Value)))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return fmt.Errorf("internal error: cannot read the inventory's value: %w", err)
	}
	if tree == nil {
		return empty(i.File)
	}
	found := i.zeros(nil, nil, tree)
	compiled, err := compileSchema()
	if err != nil {
		return fmt.Errorf("internal error: the inventory's schema does not compile: %w", err)
	}
	err = compiled.Validate(tree)
	var invalid *jsonschema.ValidationError
	switch {
	case errors.As(err, &invalid):
		for _, leaf := range leaves(invalid, nil) {
			found = append(found, i.findings(leaf, tree)...)
		}
	case err != nil:
		return fmt.Errorf("cannot check the inventory: %w", err)
	}
	return found.Sorted().Err()
}

// zeros refuses NUL characters, at which Nix would cut a string off in silence.
func (i *Inventory) zeros(found diagnostic.List, path []string, value any) diagnostic.List {
	refuse := func(path []string, text string) {
		if strings.ContainsRune(text, 0) {
			found = append(found, i.finding(diagnostic.InventoryValue, path, "a text has a NUL character, which no file name, unit or account can hold"))
		}
	}
	switch value := value.(type) {
	case string:
		refuse(path, value)
	case []any:
		for n, item := range value {
			found = i.zeros(found, append(path, strconv.Itoa(n)), item)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			below := append(slices.Clone(path), key)
			refuse(below, key)
			found = i.zeros(found, below, value[key])
		}
	}
	return found
}

// leaves returns the faults proper, without the levels of schema above them.
func leaves(e *jsonschema.ValidationError, all []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return append(all, e)
	}
	for _, cause := range e.Causes {
		all = leaves(cause, all)
	}
	return all
}

func (i *Inventory) finding(code diagnostic.Code, path []string, summary string) diagnostic.Diagnostic {
	return diagnostic.Diagnostic{
		Code: code, Severity: diagnostic.Error, Option: dotted(path), Position: i.Locate(path...), Summary: summary,
	}
}

// findings says in words what one fault of the schema means.
func (i *Inventory) findings(leaf *jsonschema.ValidationError, tree any) diagnostic.List {
	path := pointer(leaf.InstanceLocation)
	rule := schemaAt(leaf.AbsoluteKeywordLocation)
	value := valueAt(tree, path)
	keyword := leaf.KeywordLocation[strings.LastIndexByte(leaf.KeywordLocation, '/')+1:]
	switch keyword {
	case "additionalProperties":
		return i.unknownFields(path, value, rule)
	case "type":
		return diagnostic.List{i.wrongType(path, value, rule)}
	case "minimum":
		return diagnostic.List{i.finding(diagnostic.InventoryValue, path,
			fmt.Sprintf("%s is %s: expected %v or more", named(path), shownValue(value), rule["minimum"]))}
	case "maximum":
		return diagnostic.List{i.finding(diagnostic.InventoryValue, path,
			fmt.Sprintf("%s is %s: expected %v or less", named(path), shownValue(value), rule["maximum"]))}
	case "enum":
		return diagnostic.List{i.enum(path, value, rule)}
	case "pattern", "minLength":
		if strings.Contains(leaf.KeywordLocation, "/propertyNames/") {
			return diagnostic.List{i.finding(diagnostic.InventoryValue, path,
				fmt.Sprintf("%q is not %s", path[len(path)-1], expected(rule)))}
		}
		want := expected(rule)
		if keyword == "minLength" {
			want = "a text that is not empty"
		}
		return diagnostic.List{i.finding(diagnostic.InventoryValue, path, fmt.Sprintf("%s is %s: expected %s", named(path), shownValue(value), want))}
	}
	return diagnostic.List{i.finding(diagnostic.InventoryValue, path, fmt.Sprintf("%s is %s: %s", named(path), shownValue(value), leaf.Message))}
}

// wrongType is the finding about a value of another kind, with how it is written.
func (i *Inventory) wrongType(path []string, value any, rule map[string]any) diagnostic.Diagnostic {
	want, hint := expected(rule), ""
	_, isList := value.([]any)
	text, isText := value.(string)
	_, isBool := value.(bool)
	section := len(path) == 1 && (path[0] == "hosts" || path[0] == "groups")
	switch {
	case isList && section:
		want = path[0] + " by name"
		hint = "a host's name is the key of its fields:\nhosts:\n  web-1: { base: ubuntu, addr: 10.0.1.11 }"
		if path[0] == "groups" {
			hint = "a group's name is the key of its fields:\ngroups:\n  web: { roles: [web] }"
		}
	case isText && len(path) == 2 && path[0] == "hosts":
		hint = fmt.Sprintf("write %s: { addr: %s }", path[1], text)
	case isBool && isYAML(i.File):
		hint = "YAML reads y, n, yes, no, on and off as true or false: write it in quotes"
	case isText && want == "a list":
		hint = fmt.Sprintf("write [%s]", text)
	}
	d := i.finding(diagnostic.InventoryValue, path, fmt.Sprintf("%s is %s: expected %s", named(path), shownValue(value), want))
	d.Hint = hint
	return d
}

func (i *Inventory) unknownFields(path []string, value any, rule map[string]any) diagnostic.List {
	properties, _ := rule["properties"].(map[string]any)
	allowed := slices.Sorted(maps.Keys(properties))
	fields, _ := value.(map[string]any)
	var found diagnostic.List
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if slices.Contains(allowed, field) {
			continue
		}
		d := i.finding(diagnostic.InventoryUnknownField, append(slices.Clone(path), field), fmt.Sprintf("unknown field %q in %s", field, named(path)))
		d.Hint = "the fields are: " + strings.Join(allowed, ", ")
		if near := diagnostic.Nearest(field, allowed); near != "" {
			d.Hint = fmt.Sprintf("did you mean %q?", near)
		}
		found = append(found, d)
	}
	return found
}

func (i *Inventory) enum(path []string, value any, rule map[string]any) diagnostic.Diagnostic {
	var words []string
	options, _ := rule["enum"].([]any)
	for _, option := range options {
		if option != nil { // which stands for what is left out
			words = append(words, fmt.Sprint(option))
		}
	}
	d := i.finding(diagnostic.InventoryValue, path,
		fmt.Sprintf("%s is %s: expected one of %s", named(path), shownValue(value), strings.Join(words, ", ")))
	if near := diagnostic.Nearest(fmt.Sprint(value), words); near != "" {
		d.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	return d
}
