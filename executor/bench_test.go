package executor

import (
	"context"
	"testing"
)

// BenchmarkUnchanged executes a plan on ten hosts that are as it says; the time
// is that of both ends.
func BenchmarkUnchanged(b *testing.B) {
	f := newFleet(b, 10)
	f.execute()
	f.deps.Observe = nil
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Execute(context.Background(), f.plan, f.options, f.deps); err != nil {
			b.Fatal(err)
		}
	}
}
