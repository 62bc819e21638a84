package parallel

import "testing"

func TestEach(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		calls := make([]int, n)
		Each(n, func(i int) { calls[i]++ })
		for i, count := range calls {
			if count != 1 {
				t.Errorf("of %d, %d was done %d times", n, i, count)
			}
		}
	}
}
