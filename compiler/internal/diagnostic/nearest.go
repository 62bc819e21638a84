package diagnostic

import (
	"slices"
	"strings"
)

// Nearest returns the candidate that is most likely meant by name; empty where
// none is close.
func Nearest(name string, candidates []string) string {
	best, bestDistance := "", max(1, len(name)/3)+1
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		d := distance(strings.ToLower(name), strings.ToLower(candidate))
		if d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	if best == "" {
		return samePrefix(name, candidates)
	}
	return best
}

// samePrefix returns the one candidate that shares the longest beginning with name,
// of two letters at least: people abbreviate, and write abbreviations out.
func samePrefix(name string, candidates []string) string {
	best, longest := "", 1
	for _, candidate := range candidates {
		n := 0
		for n < len(name) && n < len(candidate) && name[n] == candidate[n] {
			n++
		}
		switch {
		case n > longest:
			best, longest = candidate, n
		case n == longest && candidate != best:
			best = ""
		}
	}
	return best
}

// distance is the number of edits (insert, delete, replace, swap neighbours)
// that make b of a.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
