package host

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/executor/manifestdiff"
	"github.com/nixfleet/nixfleet/schema"
)

// TestTransitionsAreAsForetold holds what a reviewer is told of two manifests
// against what a host that is as the one says would do for the other: everything
// that it would do was told, and what was told without a condition, it would do.
func TestTransitionsAreAsForetold(t *testing.T) {
	needRoot(t)
	for part := range uint64(4) {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			for seed := part; seed < 240; seed += 4 {
				random := rand.New(rand.NewPCG(seed, 1))
				w := newWorld(t)
				w.tools = &fakeTools{root: w.root}
				before, after := intentWithUnits(random), intentWithUnits(random)
				w.mustExecute(before)
				old, now := before.plan(t), after.plan(t)
				c := w.connect()
				if _, err := c.hello(now); err != nil {
					t.Fatal(err)
				}
				prepared, err := c.prepare(now)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				texts := func(d schema.Digest) string {
					for _, p := range []*plan{old, now} {
						if text := p.payloads[d].Text; text != nil {
							return *text
						}
					}
					return ""
				}
				told := manifestdiff.Between(&old.part.Manifest, &now.part.Manifest, texts)
				if fault := compareTold(told, prepared.Changes); fault != "" {
					t.Fatalf("seed %d: %s\ntold:\n%s\nis:\n%s", seed, fault, listSteps(told), listChanges(prepared.Changes))
				}
			}
		})
	}
}

func compareTold(told []manifestdiff.Step, is []schema.Change) string {
	for _, change := range is {
		onTheWay := change.Kind == "directory" && (strings.HasPrefix(change.Detail, "on the way") || change.Action == schema.Remove)
		if !onTheWay && !slices.ContainsFunc(told, func(s manifestdiff.Step) bool { return !s.Inert && sameThing(s.Change, change) }) {
			return fmt.Sprintf("the host would %s %s %s, and nobody was told", change.Action, change.Kind, change.Object)
		}
	}
	for _, s := range told {
		if s.Inert || s.Condition != "" {
			continue
		}
		if !slices.ContainsFunc(is, func(c schema.Change) bool { return sameThing(s.Change, c) }) {
			return fmt.Sprintf("it was told that the host would %s %s %s, and it would not", s.Action, s.Kind, s.Object)
		}
	}
	return ""
}

// sameThing compares changes. Of a template, any instance.
func sameThing(told, is schema.Change) bool {
	same := told.Object == is.Object || schema.UnitName(told.Object).IsTemplate() && string(schema.UnitName(is.Object).Template()) == told.Object
	action := told.Action == is.Action || told.Action == schema.Restarts && is.Action == schema.Start // what was stopped
	return same && action && told.Kind == is.Kind
}

func listSteps(steps []manifestdiff.Step) string {
	var out strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&out, "  %s %s %s: %s (%s) inert=%t\n", s.Action, s.Kind, s.Object, s.Detail, s.Condition, s.Inert)
	}
	return out.String()
}

func listChanges(changes []schema.Change) string {
	var steps []manifestdiff.Step
	for _, c := range changes {
		steps = append(steps, manifestdiff.Step{PlannedChange: schema.PlannedChange{Change: c}})
	}
	return listSteps(steps)
}

// intentWithUnits is a random intent with units of every kind.
func intentWithUnits(random *rand.Rand) intent {
	i := randomIntent(random)
	i.units = nil
	onChange := func() schema.OnChange {
		return []schema.OnChange{schema.StopStart, schema.Restart, schema.Reload, schema.Keep}[random.IntN(4)]
	}
	for n, name := range []schema.UnitName{"one.service", "two.service", "three.service", "job.service", "job.timer", "in.socket", "in.service", "w@.service"} {
		text := []string{"ExecStart=run", "ExecStart=run", "ExecStart=run", "Type=oneshot\nExecStart=exit", "", "", "ExecStart=run", "ExecStart=run"}[n]
		section := map[string]string{"service": "Service", "timer": "Timer", "socket": "Socket"}[name.Type()]
		u := service(name, fmt.Sprintf("# %d\n[%s]\n%s\n", random.IntN(2), section, text))
		u.OnChange = onChange()
		if name.IsTemplate() {
			u.Links, u.Starts = []string{"multi-user.target.wants/w@a.service"}, []schema.UnitName{"w@a.service"}
		}
		switch random.IntN(4) {
		case 0:
			continue
		case 1:
			u.Enabled, u.Links, u.Starts, u.StartWith = false, nil, nil, nil
		}
		i.units = append(i.units, u)
	}
	var paths []string
	for _, f := range i.files {
		paths = append(paths, f.Path)
	}
	slices.Sort(paths)
	for _, name := range []schema.UnitName{"job.service", "one.service", "w@.service"} {
		if len(paths) == 0 || random.IntN(2) == 0 {
			continue
		}
		rule := schema.RestartRule{Unit: name}
		if random.IntN(2) == 0 {
			rule.Restart = paths[:1]
		} else {
			rule.Reload = paths[:1]
		}
		i.restarts = append(i.restarts, rule)
	}
	if random.IntN(3) == 0 {
		i.masks = []schema.UnitName{"cron.service"}
		if !slices.ContainsFunc(i.units, func(u schema.Unit) bool { return u.Name == "two.service" }) {
			i.masks = append(i.masks, "two.service")
		}
	}
	return i
}
