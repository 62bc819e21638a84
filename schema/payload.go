package schema

import (
	"bytes"
	"encoding/base64"
	"errors"
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

// Encode returns the plan as it stands in plan.json.
func (p *Plan) Encode() ([]byte, error) {
	var out bytes.Buffer
	err := p.Write(&out)
	return out.Bytes(), err
}

// Write writes the plan as it stands in plan.json. The digest is over the
// canonical form, so white space is for people.
func (p *Plan) Write(to io.Writer) error { return WriteIndented(to, p) }
