package diff

import (
	"fmt"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/packages"
	"github.com/nixfleet/nixfleet/executor/manifestdiff"
	"github.com/nixfleet/nixfleet/schema"
)

// change is a change of one host.
type change struct {
	schema.PlannedChange
	// fields name what is different; hosts are told of together where these are the same.
	fields string
	contents
}

// key is the same for changes that are told of together.
func (c *change) key() string {
	mode, _ := property(c.PlannedChange, propertyMode)
	confirm, _ := property(c.PlannedChange, propertyConfirm)
	return strings.Join([]string{string(c.Action), c.Kind, c.Object, c.fields, mode, confirm, c.Condition, c.Note, fmt.Sprint(c.Refused, c.Inert)}, "\x00")
}

// pair is what becomes of hosts that have one manifest and are to have another.
type pair struct {
	changes  []change
	packages []schema.PackageChange
	key      string
}

// pair compares two manifests, once. The zero digest is the manifest of nothing.
func (c *comparison) pair(before, after schema.Digest) *pair {
	if before == after {
		return &pair{}
	}
	id := [2]schema.Digest{before, after}
	if p := c.known[id]; p != nil {
		return p
	}
	old, now := c.old.Manifests[before], c.new.Manifests[after]
	p := &pair{packages: c.comparePackages(&old, &now)}
	for _, step := range merge(manifestdiff.Between(&old, &now, c.text)) {
		p.changes = append(p.changes, c.fromStep(step))
	}
	p.changes = append(p.changes, c.surroundings(&old, &now, len(p.packages) == 0)...)
	p.key = keyOf(p.changes) + fmt.Sprint(p.packages)
	c.known[id] = p
	return p
}

func keyOf(changes []change) string {
	var key strings.Builder
	for i := range changes {
		key.WriteString(changes[i].key() + "\x01")
	}
	return key.String()
}

func (c *comparison) text(payload schema.Digest) string {
	for _, plan := range []*schema.Plan{c.new, c.old} {
		if text := plan.Payloads[payload].Text; text != nil {
			return *text
		}
	}
	return ""
}

// merge reports a unit that stops and starts as one that restarts.
func merge(steps []manifestdiff.Step) []manifestdiff.Step {
	restarts := map[string]bool{}
	for _, s := range steps {
		restarts[s.Object] = restarts[s.Object] || s.Stopped
	}
	var merged []manifestdiff.Step
	for _, s := range steps {
		if s.Action == schema.Stop && restarts[s.Object] {
			continue
		}
		if s.Stopped {
			s.Action = schema.Restarts
		}
		merged = append(merged, s)
	}
	return merged
}

func (c *comparison) fromStep(s manifestdiff.Step) change {
	made := change{PlannedChange: s.PlannedChange, fields: s.Detail}
	if s.Action == schema.Update && len(s.Fields) > 0 {
		made.fields = names(s.Fields)
	}
	if s.Old != s.New {
		made.contents = c.compareContents(s.Old, s.New, s.Object)
		if made.contents.onlyHashes {
			made.Note = strings.TrimPrefix(made.Note+"; only hashes of store paths are different", "; ")
		}
	}
	return made
}

func names(fields []schema.Difference) string {
	texts := make([]string, len(fields))
	for i, field := range fields {
		texts[i] = field.Property
	}
	return strings.Join(texts, ",")
}

// comparePackages compares closures by package. What only holds a closure together
// is none.
func (c *comparison) comparePackages(before, after *schema.Manifest) []schema.PackageChange {
	if c.old.Index.Preview || c.new.Index.Preview {
		return nil
	}
	old, now := c.closure(c.old, before.Closure), c.closure(c.new, after.Closure)
	only := func(these, those map[schema.StorePath]int64) map[schema.StorePath]int64 {
		rest := map[schema.StorePath]int64{}
		for path, size := range these {
			if _, both := those[path]; !both {
				rest[path] = size
			}
		}
		return rest
	}
	return packages.Compare(only(old, now), only(now, old))
}

// closure returns the paths of a closure with their sizes, without the two that hold
// it together.
func (c *comparison) closure(plan *schema.Plan, closure *schema.Closure) map[schema.StorePath]int64 {
	if closure == nil {
		return nil
	}
	if paths, ok := c.closures[closure.Path]; ok {
		return paths
	}
	paths := map[schema.StorePath]int64{}
	entries, _ := schema.ClosureOf(closure.Path, plan.StorePaths) // verified: every path is there
	for _, entry := range entries {
		if entry.Path != closure.Path && entry.Path.Name() != "nixfleet-manifest" {
			paths[entry.Path] = entry.NarSize
		}
	}
	c.closures[closure.Path] = paths
	return paths
}
