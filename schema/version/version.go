// Package version splits the names of packages from their versions, and orders
// versions as Nix does.
package version

import (
	"cmp"
	"regexp"
	"strings"
)

// versioned splits the name of a store path: the version begins with the first
// hyphen that a digit follows; a further output of a package has its name behind.
var versioned = regexp.MustCompile(`^(.+?)-([0-9].*?)(-(?:bin|dev|doc|info|lib|man|out|debug|data|static))?$`)

// Split returns a package's name, with the output that is not the usual one, and its
// version, "" where it has none, of the name of a store path.
func Split(path string) (name, version string) {
	match := versioned.FindStringSubmatch(path)
	if match == nil {
		return path, ""
	}
	return match[1] + match[3], match[2]
}

// Compare orders two versions as Nix does: part by part, numbers as numbers, a
// "pre" before the version itself, words before numbers.
func Compare(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a = component(a)
		y, b = component(b)
		if c := compareComponents(x, y); c != 0 {
			return c
		}
	}
	return 0
}

// component takes the next part off a version.
func component(version string) (part, rest string) {
	version = strings.TrimLeft(version, ".-")
	isDigit := func(r byte) bool { return r >= '0' && r <= '9' }
	end := 0
	for end < len(version) && version[end] != '.' && version[end] != '-' && isDigit(version[end]) == isDigit(version[0]) {
		end++
	}
	return version[:end], version[end:]
}

func compareComponents(x, y string) int {
	isNumber := func(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }
	rank := func(s string) int {
		switch {
		case s == "pre":
			return 0
		case s == "":
			return 1
		case !isNumber(s):
			return 2
		}
		return 3
	}
	if isNumber(x) && isNumber(y) {
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	}
	return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(x, y))
}
