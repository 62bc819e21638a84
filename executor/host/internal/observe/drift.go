package observe

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/schema"
)

// differ compares the host with what was applied. The work that would make it that
// again says what has drifted, so drift is exactly what an execution of the same plan
// puts right.
type differ struct {
	Host
	ctx         context.Context
	observation *schema.Observation
	work        *kind.Found
	found       map[kind.Object]*schema.Drift
	// others is what people added to managed things.
	others []schema.Drift
}

func (d *differ) look() {
	if d.Applied == nil {
		d.problem("what was applied cannot be compared: its manifest is missing or damaged")
		return
	}
	d.found = map[kind.Object]*schema.Drift{}
	var err error
	d.work, err = kind.Compare(d.ctx, d.Base.Kinds, d.Live, kind.Goal{Manifest: d.Applied, Closure: d.closure(), State: d.State})
	if err != nil {
		d.problem(err.Error())
		return
	}
	for _, item := range d.work.Items {
		if !item.Goes && len(item.Differences) > 0 {
			d.add(item.Object, item.Differences...)
		}
	}
	d.paths()
	d.units()
	d.addedByHand()
	d.refusals()
	for _, key := range slices.SortedFunc(maps.Keys(d.found), byKindAndName) {
		d.observation.Drift = append(d.observation.Drift, *d.found[key])
	}
	d.observation.Drift = append(d.observation.Drift, d.others...)
}

func (d *differ) problem(text string) {
	d.observation.Problems = append(d.observation.Problems, text)
}

// storePath and host are kinds of drift of things that no kind manages.
const (
	storePath = "store path"
	host      = "host"
)

// kinds are those that drift begins with; the others follow.
var kinds = []string{schema.KindFile, schema.KindDirectory, schema.KindUser, schema.KindGroup, schema.KindUnit, schema.KindProfile}

func byKindAndName(a, b kind.Object) int {
	rank := func(of kind.Object) int {
		if i := slices.Index(kinds, of.Kind); i >= 0 {
			return i
		}
		return len(kinds)
	}
	return cmp.Or(rank(a)-rank(b), -strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
}

func (d *differ) add(of kind.Object, differences ...schema.Difference) {
	if d.found[of] == nil {
		d.found[of] = &schema.Drift{Kind: of.Kind, Object: of.Name}
	}
	d.found[of].Differences = append(d.found[of].Differences, differences...)
}

// paths looks for what the store has lost.
func (d *differ) paths() {
	lost, err := d.lost()
	if err != nil {
		d.problem(err.Error())
	}
	for p := range lost {
		d.add(kind.Object{Kind: storePath, Name: string(p)}, schema.Difference{Property: schema.PropertyType, Was: "there", Is: "nothing"})
	}
}

// refusals adds why an execution would refuse, unless drift of the same thing says so.
func (d *differ) refusals() {
	drifted := maps.Clone(d.found)
	for _, refusal := range d.work.Refusals {
		differences := refusal.Differences
		if len(differences) == 0 {
			differences = []schema.Difference{{Property: schema.PropertyObstacle, Was: "nothing", Is: refusal.Message}}
		}
		of := refusal.Object
		if of.Kind == "" {
			of = kind.Object{Kind: host, Name: "an execution would refuse"}
		}
		if drifted[of] == nil {
			d.add(of, differences...)
		}
	}
}
