package schema

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// NewPayload returns the payload for content: as text where that keeps every byte.
func NewPayload(content []byte) Payload {
	if utf8.Valid(content) && !bytes.ContainsRune(content, 0) {
		text := string(content)
		return Payload{Text: &text}
	}
	encoded := base64.StdEncoding.EncodeToString(content)
	return Payload{Base64: &encoded}
}

// Bytes returns the payload's content.
func (p Payload) Bytes() ([]byte, error) {
	switch {
	case p.Text != nil && p.Base64 == nil:
		return []byte(*p.Text), nil
	case p.Base64 != nil && p.Text == nil:
		return base64.StdEncoding.Strict().DecodeString(*p.Base64)
	}
	return nil, errors.New(`expected exactly one of "text" and "base64"`)
}

// Encode returns the plan as it stands in plan.json: canonical order, indented,
// with a newline at the end. The digest is over the canonical form, so white
// space is for people.
func (p *Plan) Encode() ([]byte, error) {
	data, err := Canonical(p)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// Kind returns the "kind" and "version" that head a document of ours, wherever
// in it they stand: at its top or, for a plan, in its index.
func Kind(data []byte) (kind string, version int, err error) {
	type head struct {
		Kind    string `json:"kind"`
		Version int    `json:"version"`
	}
	var doc struct {
		head
		Index head `json:"index"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return "", 0, describeSyntax(data, err)
	}
	if doc.Kind == "" {
		doc.head = doc.Index
	}
	return doc.Kind, doc.Version, nil
}

// DecodeStrict decodes one JSON document into target and refuses whatever
// target cannot hold: an unknown field, a key that stands twice or in another
// case, a null, anything after the document.
func DecodeStrict(data []byte, target any) error {
	if err := checkDuplicates(data); err != nil {
		return describeSyntax(data, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(target); err != nil {
		return describeSyntax(data, err)
	}
	// Whatever encoding/json forgives (case of keys, null for a value, a required
	// field left out) makes the two forms differ.
	given, err := canonicalBytes(data)
	if err != nil {
		return err
	}
	understood, err := Canonical(target)
	if err != nil {
		return err
	}
	if !bytes.Equal(given, understood) {
		return fmt.Errorf("a field is missing, null or written in another case: near %q", firstDifference(given, understood))
	}
	return nil
}

func firstDifference(a, b []byte) []byte {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return a[max(0, i-30):min(len(a), i+30)]
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

// checkDuplicates refuses an object that has a key twice, which encoding/json
// would resolve in silence, and anything after the document.
func checkDuplicates(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := checkValue(decoder, ""); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("there is something after the end of the document")
	}
	return nil
}

func checkValue(decoder *json.Decoder, at string) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		err = checkObject(decoder, at)
	case json.Delim('['):
		for i := 0; decoder.More() && err == nil; i++ {
			err = checkValue(decoder, fmt.Sprintf("%s/%d", at, i))
		}
	default:
		return nil
	}
	if err != nil {
		return err
	}
	_, err = decoder.Token() // the closing bracket
	return err
}

func checkObject(decoder *json.Decoder, at string) error {
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		if seen[key] {
			return fmt.Errorf("%s has the key %q twice", orTop(at), key)
		}
		seen[key] = true
		if err := checkValue(decoder, at+"/"+key); err != nil {
			return err
		}
	}
	return nil
}

func orTop(at string) string {
	if at == "" {
		return "the document"
	}
	return at
}
