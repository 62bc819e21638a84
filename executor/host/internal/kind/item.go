package kind

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// Item is one thing to do: found and not begun.
type Item struct {
	// Object is the thing that changes; its kind may be another than the one that found
	// it, as a unit's link is reported as the unit's.
	Object Object
	Action schema.Action
	// Detail says more for people. Where it is empty, Differences say it.
	Detail string
	// Differences are what is not as the goal has it, property by property.
	Differences []schema.Difference
	// Stage is the stage in which it is done.
	Stage schema.Stage
	// Goes says that it takes something away. That comes before what is put in place,
	// and the last kind begins.
	Goes bool
	// Silent says that it is not reported: it belongs to another item's report.
	Silent bool
	// Passive says that it alone is no reason to change the host.
	Passive bool
	// Batched says that another item's step does and reports it.
	Batched bool
	// Forward says that it cannot be undone, and so is done after the commit.
	Forward bool
	// Path is what it changes on the file system; empty for other things.
	Path string
	// Work is how it is done; nil where it is only reported.
	Work Work

	kind string // that found it
	rank int    // of that kind
}

// Work makes the step that does an item.
type Work interface {
	// Capture returns the step. When it returns, all that undoing the step needs is
	// kept. The step is nil where there is nothing to do after all.
	Capture(context.Context, *Site) (Step, error)
}

// StagedWork is work that puts something in place, or keeps what was there.
type StagedWork interface {
	// Plan says what must be staged.
	Plan(*Site) error
}

// CheckedWork is work that something on the host must accept before anything changes.
type CheckedWork interface {
	// Checks reports whether there is anything to ask.
	Checks() bool
	// Validate returns the reason not to do it; nil where there is none.
	Validate(context.Context, *Site) (*Refusal, error)
}

// Ready is work that needs no preparation: the step as it is.
type Ready struct{ Step Step }

// Capture returns the step.
func (r Ready) Capture(context.Context, *Site) (Step, error) { return r.Step, nil }

// Change is what is reported of the item; nil where nothing is.
func (i *Item) Change() *schema.Change {
	if i.Silent {
		return nil
	}
	return &schema.Change{Action: i.Action, Kind: i.Object.Kind, Object: i.Object.Name, Detail: cmp.Or(i.Detail, Details(i.Differences))}
}

// Details says what is different, as it changes: "mode 0640 -> 0600, owner web -> root".
func Details(differences []schema.Difference) string {
	texts := make([]string, 0, len(differences))
	for _, d := range differences {
		switch d.Property {
		case schema.PropertyEnabled, schema.PropertyMasked: // the action says it
		case schema.PropertyContent:
			texts = append(texts, d.Property)
		case schema.PropertyType:
			if d.Is != "nothing" {
				texts = append(texts, "was a "+d.Is)
			}
		default:
			texts = append(texts, d.Property+" "+d.Is+" -> "+d.Was)
		}
	}
	return strings.Join(texts, ", ")
}

// Found is what makes a host what a goal says, or all reasons why it must not be done.
type Found struct {
	// Items are what is to be done, in order.
	Items []*Item
	// Refusals are the reasons not to begin. Then the rest may be incomplete.
	Refusals []Refusal
	// Owned is what belongs to NixFleet afterwards.
	Owned schema.Owned
	// Notes are for people: what was left alone, and why.
	Notes []string
}

// Empty reports whether there is nothing to do.
func (f *Found) Empty() bool {
	return !slices.ContainsFunc(f.Items, func(i *Item) bool { return !i.Passive })
}

// Changes returns the reports of all items, in order.
func (f *Found) Changes() []schema.Change {
	changes := []schema.Change{}
	for _, item := range f.Items {
		if change := item.Change(); change != nil {
			changes = append(changes, *change)
		}
	}
	return changes
}

// sort puts items in the order in which they are done: by stage, what goes before what
// comes; what cannot be undone is last.
func (f *Found) sort() {
	order := func(i *Item) (int, int, int) {
		stage, turn, rank := i.Stage.Order(), 1, i.rank
		if i.Forward {
			stage += len(schema.Stages)
		}
		if i.Goes {
			turn, rank = 0, -i.rank
		}
		return stage, turn, rank
	}
	slices.SortStableFunc(f.Items, func(a, b *Item) int {
		stageA, turnA, rankA := order(a)
		stageB, turnB, rankB := order(b)
		return cmp.Or(stageA-stageB, turnA-turnB, rankA-rankB)
	})
}

// Capture makes the entries of all items' steps.
func (f *Found) Capture(ctx context.Context, kinds []Kind, site *Site) ([]Entry, error) {
	var entries []Entry
	for _, item := range f.Items {
		if item.Batched {
			continue
		}
		var step Step
		if item.Work != nil {
			var err error
			if step, err = item.Work.Capture(ctx, site); err != nil {
				return nil, err
			}
			if step == nil {
				continue
			}
		}
		entry, err := newEntry(kinds, item, step)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}
