package inventory

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// parsedAtMost bounds, in bytes, what is parsed to find the place of a fault.
const parsedAtMost = 16 << 20

// endOfSense returns where a text stops being YAML: the place up to which it is
// some. The parser tells of no columns, and of lines it tells now the one before,
// now the one where a bracket is missed that was opened far above. Zero where it
// would take long to find out; near is the line that the parser tells.
func endOfSense(data []byte, near int) (line, column int) {
	ends := []int{0} // of the lines, with their newlines
	for i, c := range data {
		if c == '\n' {
			ends = append(ends, i+1)
		}
	}
	if ends[len(ends)-1] != len(data) {
		ends = append(ends, len(data))
	}
	left := parsedAtMost
	sensible := func(end int) bool {
		left -= end
		var document yaml.Node
		return left >= 0 && yaml.Unmarshal(data[:end], &document) == nil
	}
	// A fault is known by the next line at the latest; whatever is sensible later would
	// have to be so as a whole.
	good := min(near+2, len(ends)-1)
	for good > 0 && left > 0 && !sensible(ends[good]) {
		good--
	}
	if left <= 0 || good == len(ends)-1 {
		return 0, 0
	}
	text := bytes.TrimRight(data[ends[good]:ends[good+1]], "\r\n")
	column = len(text)
	for column > 0 && left > 0 && !sensible(ends[good]+column) {
		column--
	}
	if left <= 0 {
		return good + 1, 0
	}
	return good + 1, column + 1
}
