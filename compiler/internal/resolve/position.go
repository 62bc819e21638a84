package resolve

import "strconv"

// option is the path of an entry of an option, as people write it:
// nixfleet.files."/etc/x".
func (e entry) option() string { return "nixfleet." + e.set + "." + attribute(e.name) }

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
