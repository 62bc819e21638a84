package ui

import (
	"encoding/json"
	"io"
)

// WriteJSON writes a value as commands print it with --json.
func WriteJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
