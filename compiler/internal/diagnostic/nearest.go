package diagnostic

import (
	"slices"
	"strings"

	"github.com/xrash/smetrics"
)

// Nearest returns the candidate that is most likely meant by name; empty where
// none is close.
func Nearest(name string, candidates []string) string {
	// Of equals, the one that begins alike is meant.
	best, bestDistance := "", max(len(name)/3, min(len(name)-2, 2), 1)+1
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		d := distance(strings.ToLower(name), strings.ToLower(candidate))
		if d < bestDistance || d == bestDistance && best != "" && commonPrefix(name, candidate) > commonPrefix(name, best) {
			best, bestDistance = candidate, d
		}
	}
	if best == "" {
		return samePrefix(name, candidates)
	}
	return best
}

// distance counts edits; letters that are swapped are one.
func distance(a, b string) int {
	d := smetrics.WagnerFischer(a, b, 1, 1, 1)
	if d == 2 && sorted(a) == sorted(b) {
		return 1
	}
	return d
}

func sorted(s string) string {
	letters := []byte(s)
	slices.Sort(letters)
	return string(letters)
}

// samePrefix returns the one candidate that shares the longest beginning with name,
// of two letters at least: people abbreviate, and write abbreviations out.
func samePrefix(name string, candidates []string) string {
	best, longest := "", 1
	for _, candidate := range candidates {
		switch n := commonPrefix(name, candidate); {
		case n > longest:
			best, longest = candidate, n
		case n == longest && candidate != best:
			best = ""
		}
	}
	return best
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
