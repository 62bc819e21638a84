package batch

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// fleet is a library of hosts h000, h001, …, some of which fail.
type fleet struct {
	hosts, expected int
	heavy           map[int]bool
	// fails are hosts that throw, breaks those that fail in a way Nix cannot catch,
	// silent those whose error does not say which host it is about.
	fails, breaks, silent map[int]bool
	// room is how many hosts a process has memory for; 0 for any number.
	room int

	mu    sync.Mutex
	parts []intent.Part
}

func name(i int) string { return fmt.Sprintf("h%03d", i) }

func (f *fleet) evaluate(_ context.Context, part intent.Part) (*intent.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.parts = append(f.parts, part)
	result := &intent.Result{Hosts: map[string]intent.Host{}}
	for i := range f.hosts {
		result.Part.Selected = append(result.Part.Selected, name(i))
		if f.heavy[i] {
			result.Part.Heavy = append(result.Part.Heavy, name(i))
		}
	}
	from, to := part.From, part.To
	if to == 0 {
		switch of := part.Of; {
		case of > 0 && f.hosts >= part.Least:
			from, to = f.hosts*part.Slice/of, f.hosts*(part.Slice+1)/of
		case part.Slice == 0:
			to = f.hosts
		}
		heavy := 0
		for i := from; i < to; i++ {
			if f.heavy[i] {
				heavy++
			}
		}
		if to-from > part.Light || heavy > part.Heavy {
			return result, nil
		}
	}
	result.Part.Complete = true
	if f.room > 0 && to-from > f.room {
		return nil, diagnostic.List{{Code: diagnostic.EvalMemory, Severity: diagnostic.Error, Summary: "killed"}}
	}
	for i := from; i < to; i++ {
		d := diagnostic.Diagnostic{Code: diagnostic.EvalFailed, Severity: diagnostic.Error, Summary: "no", Host: schema.HostName(name(i))}
		if f.silent[i] || !part.Explain {
			d.Host = ""
		}
		switch {
		case part.Survey && f.fails[i]:
			result.Part.Failing = append(result.Part.Failing, name(i))
		case f.fails[i], f.breaks[i]:
			return nil, diagnostic.List{d}
		}
		if !part.Survey {
			result.Hosts[name(i)] = intent.Host{}
			result.Warnings = append(result.Warnings, intent.Warning{Message: name(i)})
		}
	}
	return result, nil
}

func options() Options {
	return Options{Light: 10, Heavy: 2, Workers: 3, Worthwhile: 5, Explained: 8, Progress: func(string) {}}
}

func set(hosts ...int) map[int]bool {
	m := map[int]bool{}
	for _, i := range hosts {
		m[i] = true
	}
	return m
}

func blamedHosts(found diagnostic.List) []string {
	var names []string
	for _, d := range found {
		names = append(names, string(d.Host))
	}
	slices.Sort(names)
	return names
}

func TestOneProcessForAll(t *testing.T) {
	f := &fleet{hosts: 9, heavy: set(3, 4)}
	o := options()
	o.Expected = 9
	result, found, err := Run(context.Background(), o, f.evaluate)
	if err != nil || found != nil || len(result.Hosts) != 9 || len(f.parts) != 1 {
		t.Errorf("%v %v, %d hosts in %v", err, found, len(result.Hosts), f.parts)
	}
}

func TestParts(t *testing.T) {
	f := &fleet{hosts: 25, heavy: set(1, 2, 3, 20)}
	result, found, err := Run(context.Background(), options(), f.evaluate)
	if err != nil || found != nil || len(result.Hosts) != 25 || len(result.Warnings) != 25 {
		t.Fatalf("%v %v, %d hosts", err, found, len(result.Hosts))
	}
	var spans []span
	for _, part := range f.parts {
		if part.Of == 0 {
			spans = append(spans, span{from: part.From, to: part.To})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	if want := []span{{from: 0, to: 3}, {from: 3, to: 14}, {from: 14, to: 25}}; !reflect.DeepEqual(spans, want) {
		t.Errorf("the parts are %v, want %v", spans, want)
	}
}

// TestSlices knows how many hosts there are, believes to, or does not.
func TestSlices(t *testing.T) {
	for _, c := range []struct {
		hosts, expected int
		heavy           map[int]bool
		slices          int
		enough          bool // nothing else is evaluated
	}{
		{hosts: 25, expected: 25, slices: 3, enough: true},
		{hosts: 25, expected: 31, slices: 4, enough: true},
		{hosts: 0, expected: 25, slices: 3, enough: true},
		{hosts: 9, expected: 9, slices: 1, enough: true},
		{hosts: 10, expected: 10, slices: 2, enough: true},
		{hosts: 9, slices: 2, enough: true},
		{hosts: 20, slices: 2, enough: true},
		{hosts: 21, slices: 2},
		{hosts: 25, expected: 11, slices: 2},
		{hosts: 25, expected: 25, heavy: set(1, 2, 3), slices: 3},
	} {
		f := &fleet{hosts: c.hosts, heavy: c.heavy}
		o := options()
		o.Expected = c.expected
		result, found, err := Run(context.Background(), o, f.evaluate)
		if err != nil || found != nil || len(result.Hosts) != c.hosts || len(result.Warnings) != c.hosts {
			t.Errorf("%+v: %v, %v, %d hosts", c, err, found, len(result.Hosts))
		}
		sliced := 0
		for _, part := range f.parts {
			if part.Of == c.slices {
				sliced++
			}
		}
		if sliced != c.slices && c.enough || (len(f.parts) == sliced) != c.enough {
			t.Errorf("%+v: the parts are %+v", c, f.parts)
		}
	}
}

// TestEveryFailingHostIsNamed lets hosts fail in all ways, in small and in large fleets.
func TestEveryFailingHostIsNamed(t *testing.T) {
	for _, f := range []*fleet{
		{hosts: 1, fails: set(0)},
		{hosts: 5, fails: set(0, 4), breaks: set(2)},
		{hosts: 10, fails: set(3, 7), silent: set(3, 7)},
		{hosts: 40, fails: set(0, 1, 15, 39), breaks: set(14, 16), silent: set(15)},
		{hosts: 40, fails: set(0, 39), breaks: set(14), expected: 40},
		{hosts: 40, fails: set(39), expected: 20},
	} {
		o := options()
		o.Expected = f.expected
		result, found, err := Run(context.Background(), o, f.evaluate)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for i := range f.hosts {
			if _, ok := result.Hosts[name(i)]; ok == (f.fails[i] || f.breaks[i]) {
				t.Errorf("%d hosts: %s is wrongly in or not in the result", f.hosts, name(i))
			}
			if f.fails[i] || f.breaks[i] {
				want = append(want, name(i))
			}
		}
		if names := blamedHosts(found); !reflect.DeepEqual(names, want) {
			t.Errorf("%d hosts: found %v, want %v", f.hosts, names, want)
		}
	}
}

// TestManyFailures fails everywhere: reasons are bounded, names are not.
func TestManyFailures(t *testing.T) {
	all := map[int]bool{}
	for i := range 200 {
		all[i] = true
	}
	for _, f := range []*fleet{{hosts: 200, fails: all}, {hosts: 200, breaks: all}} {
		_, found, err := Run(context.Background(), options(), f.evaluate)
		if err != nil {
			t.Fatal(err)
		}
		named := len(found)
		for _, d := range found {
			named += len(d.Others)
		}
		if named != 200 || len(f.parts) > 100 {
			t.Errorf("%d hosts are named by %d processes:\n%v", named, len(f.parts), found)
		}
	}
	f := &fleet{hosts: 200, fails: all}
	_, found, _ := Run(context.Background(), options(), f.evaluate)
	if text := found.Sorted().Error(); !strings.Contains(text, "more hosts do not evaluate [eval-failed]") {
		t.Error(text)
	}
}

// TestSameFindingsHoweverManyWorkers holds that the order of processes decides nothing.
func TestSameFindingsHoweverManyWorkers(t *testing.T) {
	var want string
	for workers := range 8 {
		o := options()
		o.Workers = workers + 1
		_, found, err := Run(context.Background(), o, (&fleet{hosts: 100, fails: set(0, 9, 33, 50, 51, 52, 70, 71, 72, 99)}).evaluate)
		if err != nil {
			t.Fatal(err)
		}
		if text := found.Sorted().Error(); want == "" {
			want = text
		} else if text != want {
			t.Errorf("%d workers find\n%s\nwant\n%s", workers+1, text, want)
		}
	}
}

func TestTooLittleMemory(t *testing.T) {
	f := &fleet{hosts: 25, room: 3}
	result, found, err := Run(context.Background(), options(), f.evaluate)
	if err != nil || len(found) != 0 || len(result.Hosts) != 25 {
		t.Errorf("%v %v, %d hosts", err, found, len(result.Hosts))
	}
	small := &fleet{hosts: 5, room: 2}
	if result, found, err = Run(context.Background(), options(), small.evaluate); err != nil || len(found) != 0 || len(result.Hosts) != 5 {
		t.Errorf("%v %v, %v", err, found, result)
	}
}

func TestFleetThatDoesNotEvaluate(t *testing.T) {
	broken := diagnostic.List{{Code: diagnostic.EvalFailed, Severity: diagnostic.Error, Summary: "syntax error"}}
	result, found, err := Run(context.Background(), options(), func(context.Context, intent.Part) (*intent.Result, error) { return nil, broken })
	if err != nil || result != nil || !reflect.DeepEqual(found, broken) {
		t.Errorf("%v, %v, %v", result, found, err)
	}
}

func TestOtherErrorsEndTheRun(t *testing.T) {
	f := &fleet{hosts: 100}
	gone := errors.New("gone")
	_, _, err := Run(context.Background(), options(), func(ctx context.Context, part intent.Part) (*intent.Result, error) {
		if part.From > 30 {
			return nil, gone
		}
		return f.evaluate(ctx, part)
	})
	if !errors.Is(err, gone) || len(f.parts) > 7 {
		t.Errorf("found %v after %d processes", err, len(f.parts))
	}
}

func TestWorkers(t *testing.T) {
	for _, c := range []struct {
		cores  int
		memory int64
		want   int
	}{{2, 8 << 30, 2}, {16, 2 << 30, 2}, {4, 100 << 20, 1}} {
		if found := workers(c.cores, c.memory); found != c.want {
			t.Errorf("%d cores with %d bytes: %d, want %d", c.cores, c.memory, found, c.want)
		}
	}
	if Available() < 1<<20 {
		t.Errorf("this machine has %d bytes", Available())
	}
}
