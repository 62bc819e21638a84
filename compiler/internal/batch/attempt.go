package batch

import (
	"context"
	"sync"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
)

// attempt evaluates all hosts on the supposition that nothing is wrong with any and
// that they are not too many: in slices side by side, which for a small fleet are
// one. Where that is not so, the result has the list of hosts only, or what failed says
// what went wrong.
func attempt(ctx context.Context, options Options, evaluate Evaluate) (*intent.Result, diagnostic.List, error) {
	of := 2
	if options.Expected > 0 {
		of = max(1, options.Expected/options.Worthwhile)
	}
	of = max(min(of, options.Workers), (options.Expected+options.Light-1)/options.Light)
	parts := make([]intent.Part, of)
	for i := range parts {
		parts[i] = intent.Part{Slice: i, Of: of, Least: of * options.Worthwhile, Light: options.Light, Heavy: options.Heavy, Alone: i == 0}
	}
	var mu sync.Mutex
	gaveUp := of // the first slice that does not come to its end; later ones need not begin
	r := run{Options: options, names: make([]string, options.Expected)}
	if options.Expected == 0 {
		r.Progress = func(string) {} // of how many is not known
	}
	r.evaluate = func(ctx context.Context, part intent.Part) (*intent.Result, error) {
		mu.Lock()
		late := part.Slice > gaveUp
		mu.Unlock()
		if late {
			return &intent.Result{}, nil
		}
		result, err := evaluate(ctx, part)
		if err != nil || !result.Part.Complete {
			mu.Lock()
			gaveUp = min(gaveUp, part.Slice)
			mu.Unlock()
		}
		return result, err
	}
	outcomes, err := r.parallel(ctx, parts, func(int) int { return options.Expected / of })
	if err != nil {
		return nil, nil, err
	}
	switch {
	case gaveUp == of:
	case gaveUp == 0 || outcomes[gaveUp].failed != nil:
		return outcomes[gaveUp].result, outcomes[gaveUp].failed, nil
	default:
		list, err := evaluate(ctx, intent.Part{})
		return list, nil, err
	}
	r.result = outcomes[0].result
	for _, outcome := range outcomes[1:] {
		r.add(outcome.result)
	}
	return r.result, nil, nil
}
