package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Kind returns the "kind" and "version" that head a document of ours.
func Kind(data []byte) (kind string, version int, err error) {
	tree, err := Parse(data)
	if err != nil {
		return "", 0, err
	}
	kind, version = KindOf(tree)
	return kind, version, nil
}

// KindOf returns the same of a parsed document, wherever in its tree they stand:
// at its top or, for a plan, in its index.
func KindOf(tree any) (kind string, version int) {
	top, _ := tree.(map[string]any)
	if index, ok := top["index"].(map[string]any); ok {
		top = index
	}
	kind, _ = top["kind"].(string)
	if number, ok := top["version"].(json.Number); ok {
		if n, err := strconv.Atoi(number.String()); err == nil {
			version = n
		}
	}
	return kind, version
}

// Parse reads one JSON document as a tree of maps, slices, strings, bools and
// [json.Number]s. Unlike encoding/json it refuses a key that stands twice.
func Parse(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	tree, err := parseValue(decoder, "", 0)
	if err == nil {
		if _, err = decoder.Token(); err == io.EOF {
			return tree, nil
		} else if err == nil {
			err = errors.New("there is something after the end of the document")
		}
	}
	return nil, describeSyntax(data, err)
}

// Decode decodes a document that [Parse] accepts into target and refuses a field
// that target does not have. It forgives what encoding/json forgives: a key in
// another case, a null or nothing for a value. A document that was checked
// against its schema has none of these.
func Decode(data []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(target); err != nil {
		return describeSyntax(data, err)
	}
	return nil
}

// describeSyntax says where in data a JSON error is, and that a document which
// merely ends is cut short.
func describeSyntax(data []byte, err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF),
		errors.As(err, &syntax) && syntax.Offset >= int64(len(data)):
		return fmt.Errorf("the document is cut short: it ends after %d bytes", len(data))
	case errors.As(err, &syntax):
		line := 1 + bytes.Count(data[:syntax.Offset], []byte("\n"))
		return fmt.Errorf("line %d: %w", line, err)
	}
	return err
}

// maxDepth is more levels than any document of ours has. Without a bound, one that
// is nothing but brackets would end the process, which no error can tell of.
const maxDepth = 200

func parseValue(decoder *json.Decoder, at string, depth int) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("the document is nested more than %d levels deep", maxDepth)
	}
	var value any
	switch token {
	case json.Delim('{'):
		value, err = parseObject(decoder, at, depth+1)
	case json.Delim('['):
		value, err = parseArray(decoder, at, depth+1)
	default:
		return token, nil
	}
	if err == nil {
		_, err = decoder.Token() // the closing bracket
	}
	return value, err
}

func parseArray(decoder *json.Decoder, at string, depth int) (any, error) {
	list := []any{}
	for decoder.More() {
		item, err := parseValue(decoder, at+"/…", depth)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

func parseObject(decoder *json.Decoder, at string, depth int) (any, error) {
	object := map[string]any{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		if _, twice := object[key]; twice {
			return nil, fmt.Errorf("%s has the key %q twice", orTop(at), key)
		}
		if object[key], err = parseValue(decoder, at+"/"+key, depth); err != nil {
			return nil, err
		}
	}
	return object, nil
}

func orTop(at string) string {
	if at == "" {
		return "the document"
	}
	return at
}
