package packages

import (
	"cmp"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// Downgrade reports whether a package goes back to an older version.
func Downgrade(c schema.PackageChange) bool {
	return len(c.Old) == 1 && len(c.New) == 1 && c.Old[0] != "" && c.New[0] != "" && compareVersions(c.New[0], c.Old[0]) < 0
}

// compareVersions orders versions as Nix does: part by part, numbers as numbers, a
// "pre" before the version itself, words before numbers.
func compareVersions(a, b string) int {
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
