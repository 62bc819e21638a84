package resolve

import (
	"fmt"
	"strconv"
)

// option is the path of an attribute of a nixfleet option, as people write it:
// nixfleet.files."/etc/x".mode.
func option(set, name string, fields ...string) string {
	path := fmt.Sprintf("nixfleet.%s.%s", set, attribute(name))
	for _, field := range fields {
		path += "." + field
	}
	return path
}

// attribute quotes a name where Nix needs quotes.
func attribute(name string) string {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || (r < '0' || r > '9') && r != '-' && r != '\'') {
			return strconv.Quote(name)
		}
	}
	if name == "" {
		return `""`
	}
	return name
}
