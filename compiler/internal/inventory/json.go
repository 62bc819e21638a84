package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// parseJSON reads the places of a JSON file's values.
func parseJSON(data []byte, file string) (*node, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, empty(file)
	}
	reader := jsonReader{file: file, data: data, decoder: json.NewDecoder(bytes.NewReader(data))}
	reader.decoder.UseNumber()
	tree, err := reader.value()
	if err == nil {
		if _, err = reader.decoder.Token(); err == nil {
			err = errors.New("there is something after the end of the document")
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return nil, reader.syntax(err)
	}
	return tree, reader.found.Err()
}

type jsonReader struct {
	file    string
	data    []byte
	decoder *json.Decoder
	found   diagnostic.List
	// at is how far lines have been counted: to count from the beginning for every
	// value would take forever.
	at struct{ offset, line, begin int }
}

func (r *jsonReader) syntax(err error) error {
	offset := r.decoder.InputOffset()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = max(0, syntax.Offset-1)
		for offset < int64(len(r.data)) && bytes.IndexByte([]byte(" \t\r\n"), r.data[offset]) >= 0 {
			offset++ // the decoder names now the last byte it took, now the one before
		}
	}
	text := err.Error()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || offset >= int64(len(r.data)) {
		text, offset = "it ends in the middle", int64(len(r.data))
	}
	return diagnostic.List{{
		Code: diagnostic.InventorySyntax, Severity: diagnostic.Error, Position: r.place(offset),
		Summary: "cannot read the inventory as JSON: " + text,
	}}
}

func (r *jsonReader) place(offset int64) diagnostic.Position {
	end := int(offset)
	if end < r.at.offset {
		r.at.offset, r.at.line, r.at.begin = 0, 0, 0
	}
	passed := r.data[r.at.offset:end]
	if last := bytes.LastIndexByte(passed, '\n'); last >= 0 {
		r.at.line += bytes.Count(passed, []byte("\n"))
		r.at.begin = r.at.offset + last + 1
	}
	r.at.offset = end
	return diagnostic.Position{File: r.file, Line: r.at.line + 1, Column: end - r.at.begin + 1}
}

// next returns where the next token begins.
func (r *jsonReader) next() diagnostic.Position {
	offset := r.decoder.InputOffset()
	for offset < int64(len(r.data)) && bytes.IndexByte([]byte(" \t\r\n,:"), r.data[offset]) >= 0 {
		offset++
	}
	return r.place(offset)
}

func (r *jsonReader) value() (*node, error) {
	at := r.next()
	n := &node{line: at.Line, column: at.Column}
	token, err := r.decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			err = r.fields(n)
		} else {
			err = r.items(n)
		}
		if err != nil {
			return nil, err
		}
		_, err = r.decoder.Token() // the closing bracket
	case json.Number:
		if i, bad := strconv.ParseInt(token.String(), 10, 64); bad == nil && (i > 1<<53 || i < -1<<53) || errors.Is(bad, strconv.ErrRange) {
			r.report(diagnostic.InventoryValue, at, fmt.Sprintf("the number %s is too large to be exact", token), "write it as a string, in quotes")
		}
	}
	return n, err
}

func (r *jsonReader) fields(n *node) error {
	n.fields = map[string]*node{}
	for r.decoder.More() {
		at := r.next()
		token, err := r.decoder.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		value, err := r.value()
		if err != nil {
			return err
		}
		if other := n.fields[key]; other != nil {
			r.report(diagnostic.InventoryDuplicateKey, at, fmt.Sprintf("the key %q stands twice: in line %d and in line %d", key, other.line, at.Line),
				"keep one of the two; two hosts need two names")
			continue
		}
		n.fields[key] = &node{at.Line, at.Column, value.fields, value.items}
	}
	return nil
}

func (r *jsonReader) items(n *node) error {
	n.items = []*node{}
	for r.decoder.More() {
		item, err := r.value()
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	return nil
}

func (r *jsonReader) report(code diagnostic.Code, at diagnostic.Position, summary, hint string) {
	r.found = append(r.found, diagnostic.Diagnostic{Code: code, Severity: diagnostic.Error, Summary: summary, Hint: hint, Position: at})
}
