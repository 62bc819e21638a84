// Package batch evaluates the hosts of a fleet in as few processes as memory
// allows: one for a fleet of ordinary size, bounded parts side by side for more.
//
// A host that fails does not hide the others: what comes after it, and before, is
// evaluated again without it. The package starts no process itself and decides
// nothing by the clock, so the same fleet gives the same findings everywhere.
package batch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// Evaluate evaluates a part of the selected hosts in one process. Its errors are
// diagnostics, with the host where one is to blame; [diagnostic.EvalMemory] says
// that the part was too large.
type Evaluate func(ctx context.Context, part intent.Part) (*intent.Result, error)

// Options say how much is done at once.
type Options struct {
	// Light and Heavy are how many hosts one process evaluates, of those without
	// and with a NixOS or nixpkgs of their own.
	Light, Heavy int
	// Workers is how many processes run side by side. Another one is started where it
	// has as many hosts as are Worthwhile.
	Workers, Worthwhile int
	// Expected is about how many hosts there are; 0 where that is not known. It
	// decides how long a large fleet takes, and nothing else.
	Expected int
	// Explained bounds how many failing hosts are told of one by one.
	Explained int
	// Progress is told what is being done.
	Progress func(string)
}

// Run evaluates all selected hosts. With findings, the result holds the hosts
// that did evaluate, for looking for further faults.
func Run(ctx context.Context, options Options, evaluate Evaluate) (*intent.Result, diagnostic.List, error) {
	options.Progress("evaluating")
	first, failed, err := attempt(ctx, options, evaluate)
	if err != nil || first != nil && first.Part.Complete {
		return first, nil, err
	}
	if failed != nil {
		// Where not even the list of hosts evaluates, no single host is to blame.
		if first, failed, err = explain(ctx, options, evaluate, failed); first == nil {
			return nil, failed, err
		}
	}
	r := run{Options: options, evaluate: evaluate, result: first, names: first.Part.Selected}
	if len(failed) > 0 && len(r.names) <= options.Light && len(first.Part.Heavy) <= options.Heavy {
		r.next = r.after(span{0, len(r.names), true}, failed)
	} else {
		r.next = r.chunks(first.Part.Heavy)
	}
	err = r.rounds(ctx)
	return r.result, r.found, err
}

// explain evaluates once more what failed: the list of hosts alone, and all hosts
// with errors that say all they can.
func explain(ctx context.Context, options Options, evaluate Evaluate, failed diagnostic.List) (*intent.Result, diagnostic.List, error) {
	var list *intent.Result
	var notListed error
	var group sync.WaitGroup
	group.Go(func() { list, notListed = evaluate(ctx, intent.Part{}) })
	if !isTooLarge(failed) {
		if _, err := evaluate(ctx, intent.Part{Light: options.Light, Heavy: options.Heavy, Explain: true}); err != nil {
			if better, ok := diagnostic.Of(err); ok {
				failed = better
			}
		}
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	if notListed != nil {
		return nil, failed, nil
	}
	return list, failed, nil
}

func isTooLarge(failed diagnostic.List) bool {
	return slices.ContainsFunc(failed, func(d diagnostic.Diagnostic) bool { return d.Code == diagnostic.EvalMemory })
}

// span is the hosts from one place of the list up to another. Whether errors say
// all they can is dear, so it is asked for once there are any.
type span struct {
	from, to int
	explain  bool
}

func (s span) size() int { return s.to - s.from }

// counted is how many hosts there are at least where it is told how many are done:
// fewer are done before anybody reads of it.
const counted = 200

// run is one run that takes more than one process. It goes in rounds, and what a
// round does depends on the one before only: so the order in which processes end
// decides nothing.
type run struct {
	Options
	evaluate  Evaluate
	names     []string
	result    *intent.Result
	found     diagnostic.List
	explained int
	done      int
	next      []span
}

// chunks cuts the list where a process has enough.
func (r *run) chunks(heavy []string) []span {
	isHeavy := map[string]bool{}
	for _, name := range heavy {
		isHeavy[name] = true
	}
	var spans []span
	from, light, heavies := 0, 0, 0
	for i, name := range r.names {
		if isHeavy[name] {
			heavies++
		} else {
			light++
		}
		if light > r.Light || heavies > r.Heavy {
			spans = append(spans, span{from: from, to: i})
			from, light, heavies = i, 0, 0
			if isHeavy[name] {
				heavies = 1
			} else {
				light = 1
			}
		}
	}
	return append(spans, span{from: from, to: len(r.names)})
}

func (r *run) rounds(ctx context.Context) error {
	for len(r.next) > 0 {
		spans := r.next
		r.next = nil
		left := max(0, r.Explained-r.explained)
		if left == 0 {
			return r.survey(ctx, spans)
		}
		if len(spans) > left && r.explained > 0 {
			spans, r.next = spans[:left], slices.Clone(spans[left:])
		}
		parts := make([]intent.Part, len(spans))
		for i, s := range spans {
			parts[i] = intent.Part{From: s.from, To: s.to, Explain: s.explain, Alone: r.Workers <= 1}
		}
		results, err := r.parallel(ctx, parts, func(i int) int { return spans[i].size() })
		if err != nil {
			return err
		}
		for i, outcome := range results {
			if outcome.failed != nil {
				r.next = append(r.next, r.after(spans[i], outcome.failed)...)
				continue
			}
			r.add(outcome.result)
		}
	}
	return nil
}

type outcome struct {
	result *intent.Result
	failed diagnostic.List
}

// parallel evaluates parts of such sizes side by side. An error is one that is
// nobody's fault, a cancel for one.
func (r *run) parallel(ctx context.Context, parts []intent.Part, size func(i int) int) ([]outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	outcomes := make([]outcome, len(parts))
	var mu sync.Mutex
	var group sync.WaitGroup
	slots := make(chan struct{}, max(1, r.Workers))
	for i, part := range parts {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() {
			defer func() { <-slots }()
			result, err := r.evaluate(ctx, part)
			mu.Lock()
			defer mu.Unlock()
			failed, ok := diagnostic.Of(err)
			if err != nil && !ok {
				cancel(err)
			}
			outcomes[i] = outcome{result, failed}
			if err == nil {
				r.done += size(i)
			}
			if err == nil && len(r.names) > counted {
				r.Progress(fmt.Sprintf("evaluating: %d of %d hosts", min(r.done, len(r.names)), len(r.names)))
			}
		})
	}
	group.Wait()
	return outcomes, context.Cause(ctx)
}

// add takes over the hosts that evaluated.
func (r *run) add(part *intent.Result) {
	if r.result.Hosts == nil {
		r.result.Hosts = map[string]intent.Host{}
	}
	maps.Copy(r.result.Hosts, part.Hosts)
	r.result.Texts = append(r.result.Texts, part.Texts...)
	r.result.Problems = append(r.result.Problems, part.Problems...)
	r.result.Warnings = append(r.result.Warnings, part.Warnings...)
}

// after notes what failed in a span, and returns what is left to evaluate of it.
func (r *run) after(s span, failed diagnostic.List) []span {
	tooLarge := isTooLarge(failed)
	i := s.from + slices.Index(r.names[s.from:s.to], string(failed[0].Host))
	switch {
	case tooLarge && s.size() > 1:
		r.Workers = 1 // so that the smaller parts have the memory to themselves
		return halves(s)
	case !tooLarge && !s.explain:
		s.explain = true
		return []span{s}
	case tooLarge || s.size() == 1:
		i = s.from
	case i < s.from:
		return halves(s)
	}
	r.explained++
	for _, d := range failed {
		d.Host = schema.HostName(r.names[i])
		r.found = append(r.found, d)
	}
	return append(whole(span{s.from, i, false}), halves(span{i + 1, s.to, true})...)
}

func whole(s span) []span {
	if s.size() == 0 {
		return nil
	}
	return []span{s}
}

// halves spreads the search over the list: hosts of one kind often stand together.
func halves(s span) []span {
	middle := s.from + (s.size()+1)/2
	return append(whole(span{s.from, middle, s.explain}), whole(span{middle, s.to, s.explain})...)
}

// survey names the hosts of spans that fail, without saying why: each reason
// takes a process of its own.
func (r *run) survey(ctx context.Context, spans []span) error {
	r.Progress("looking for further hosts that fail")
	var failing, unknown []string
	for _, s := range spans {
		result, err := r.evaluate(ctx, intent.Part{From: s.from, To: s.to, Survey: true, Alone: true})
		if _, ok := diagnostic.Of(err); ok {
			unknown = append(unknown, r.names[s.from:s.to]...)
			continue
		}
		if err != nil {
			return err
		}
		failing = append(failing, result.Part.Failing...)
	}
	slices.Sort(failing)
	slices.Sort(unknown)
	hint := "fix the errors of the other hosts first; --host NAME checks one host alone"
	r.tell(failing, "%d more hosts do not evaluate", hint)
	r.tell(unknown, "%d more hosts were not looked at", hint)
	return nil
}

func (r *run) tell(hosts []string, format, hint string) {
	if len(hosts) == 0 {
		return
	}
	d := diagnostic.Diagnostic{
		Code: diagnostic.EvalFailed, Severity: diagnostic.Error, Host: schema.HostName(hosts[0]),
		Summary: fmt.Sprintf(format, len(hosts)), Hint: hint,
	}
	for _, host := range hosts[1:] {
		d.Others = append(d.Others, schema.HostName(host))
	}
	r.found = append(r.found, d)
}
