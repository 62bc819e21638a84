package inventory

import (
	"encoding/json"
	"fmt"
	"path"
)

// Parsers call themselves for each level, so input without bounds would end the process
// with a stack overflow, which cannot be reported as an error.
const (
	maxDepth   = 500       // levels, as Jsonnet itself has
	maxProgram = 512 << 10 // bytes of Jsonnet; of data there may be more
	maxSigns   = 1000      // signs in front of one value: a line of a comment has fewer
)

// checkBounds refuses texts that are too deep to be read. Brackets in strings and
// comments count as well; nobody has five hundred of them unclosed.
func checkBounds(name string, data []byte) error {
	depth, signs := 0, 0
	for _, c := range data {
		switch c {
		case '[', '{', '(':
			depth++
		case ']', '}', ')':
			depth--
		case '!', '~', '+', '-':
			signs++
		case ' ', '\t', '\r', '\n':
		default:
			signs = 0
		}
		if depth > maxDepth || signs > maxSigns && !isYAML(name) {
			return fmt.Errorf("it is nested more than %d levels deep", maxDepth)
		}
	}
	switch path.Ext(name) {
	case ".jsonnet", ".libsonnet":
	case ".json":
		if json.Valid(data) {
			return nil
		}
	default:
		return nil
	}
	if len(data) > maxProgram {
		return fmt.Errorf("it is a Jsonnet program of %d bytes: expected at most %d; keep data in a file of JSON, and import that", len(data), maxProgram)
	}
	return nil
}
