// Package hold manages the packages of the operating system that stay at their version,
// as apt-mark hold does. A hold that was there before is left alone and stays.
package hold

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/dpkg"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/schema"
)

const name = "hold"

// Kind is the kind.
var Kind = kind.Kind{
	Name:    name,
	Compare: compare,
	Steps:   map[string]func() kind.Step{"select": func() kind.Step { return &change{} }},
}

type comparison struct {
	*kind.Comparison
	installed dpkg.Installed
}

func compare(c *kind.Comparison) kind.Hooks {
	holds := &comparison{Comparison: c}
	return kind.Hooks{Release: holds.release, Compare: holds.compare}
}

func object(held schema.PackageName) kind.Object {
	return kind.Object{Kind: name, Name: string(held)}
}

// release finds the holds of ours that the goal does not have any more.
func (c *comparison) release() (err error) {
	if len(c.Manifest.Holds)+len(c.State.Owned[name]) == 0 {
		return nil // most hosts: the database is large
	}
	if c.installed, err = dpkg.Load(c.Files); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(c.State.Owned[name])) {
		if !slices.Contains(c.Manifest.Holds, schema.PackageName(key)) {
			c.selectFor(schema.PackageName(key), dpkg.Install, &kind.Item{Action: schema.Remove, Goes: true})
		}
	}
	return nil
}

func (c *comparison) compare() error {
	for _, held := range c.Manifest.Holds {
		of := object(held)
		if len(c.installed[held]) == 0 {
			c.Refuse(of, "install it first, or leave it out of nixfleet.apt.holds", "cannot hold the package %q: it is not installed", held)
			continue
		}
		missing := c.selectFor(held, dpkg.Hold, &kind.Item{Action: schema.Create})
		if original, owned := c.Owns(of); owned || missing {
			c.Own(of, original)
		}
	}
	return nil
}

// selectFor adds an item if something else than wanted is selected for a package.
func (c *comparison) selectFor(held schema.PackageName, wanted dpkg.Selection, item *kind.Item) bool {
	step := &change{Select: map[string]dpkg.Selection{}, Was: map[string]dpkg.Selection{}}
	for instance, selection := range c.installed[held] {
		if (selection == dpkg.Hold) != (wanted == dpkg.Hold) {
			step.Select[instance], step.Was[instance] = wanted, selection
		}
	}
	if len(step.Select) == 0 {
		return false
	}
	item.Object, item.Stage, item.Work = object(held), schema.StageOSUpdate, kind.Ready{Step: step}
	c.Add(item)
	return true
}

// change selects something else for instances of a package.
type change struct {
	Select map[string]dpkg.Selection `json:"select"`
	Was    map[string]dpkg.Selection `json:"was"`
}

func (s *change) Directories() []string { return []string{dpkg.Directory} }

func (s *change) Do(ctx context.Context, site *kind.Site) error {
	if err := (dpkg.Tools{Runner: site.Runner, Fault: site.Fault}).Select(ctx, s.Select); err != nil {
		return err
	}
	// dpkg only warns of a package that has gone since, and exits with 0.
	installed, err := dpkg.Load(site.Files)
	if err != nil {
		return err
	}
	for instance, wanted := range s.Select {
		name, _, _ := strings.Cut(instance, ":")
		if now := installed[schema.PackageName(name)][instance]; now != wanted {
			return fmt.Errorf("dpkg did not select %q for the package %s: found %q", wanted, instance, now)
		}
	}
	return nil
}

func (s *change) Undo(ctx context.Context, site *kind.Site) error {
	different, err := s.different(site)
	if err != nil || len(different) == 0 {
		return err
	}
	return dpkg.Tools{Runner: site.Runner, Fault: site.Fault}.Select(ctx, different)
}

func (s *change) Check(site *kind.Site) (string, error) {
	different, err := s.different(site)
	if err != nil || len(different) == 0 {
		return "", err
	}
	return fmt.Sprintf("what is selected for %s is not what it was", strings.Join(slices.Sorted(maps.Keys(different)), ", ")), nil
}

// different returns what was selected for instances that have something else now.
func (s *change) different(site *kind.Site) (map[string]dpkg.Selection, error) {
	installed, err := dpkg.Load(site.Files)
	if err != nil {
		return nil, err
	}
	different := map[string]dpkg.Selection{}
	for instance, was := range s.Was {
		name, _, _ := strings.Cut(instance, ":")
		if now, has := installed[schema.PackageName(name)][instance]; has && now != was {
			different[instance] = was
		}
	}
	return different, nil
}
