package rollout

import (
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/intent"
)

// parse reads an amount: a number, and whether it is in percent.
func parse(amount intent.Amount) (n int, percent, ok bool) {
	digits, percent := strings.CutSuffix(string(amount), "%")
	n, err := strconv.Atoi(digits)
	return n, percent, err == nil && n >= 0 && (!percent || n <= 100)
}

// share is an amount of so many hosts, rounded up, and no more than there are.
func share(amount intent.Amount, of int) int {
	n, percent, _ := parse(amount)
	if percent {
		n = (n*of + 99) / 100
	}
	return min(n, of)
}

// budget is an amount of so many hosts, rounded down, and no more than there are.
func budget(amount intent.Amount, of int) int {
	n, percent, _ := parse(amount)
	if percent {
		n = n * of / 100
	}
	return min(n, of)
}

// limit is an amount of so many hosts, rounded down to one at least.
func limit(amount intent.Amount, of int) int {
	n, percent, _ := parse(amount)
	if percent {
		n = n * of / 100
	}
	return max(n, 1)
}
