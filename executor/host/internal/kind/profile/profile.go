// Package profile manages the generation of the host's Nix profile that is in effect.
package profile

import (
	"context"
	"fmt"
	"path"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/schema"
)

// Kind is the kind.
var Kind = kind.Kind{
	Name:    schema.KindProfile,
	Compare: func(c *kind.Comparison) kind.Hooks { return kind.Hooks{Compare: func() error { return compare(c) }} },
	Steps:   map[string]func() kind.Step{"switch": func() kind.Step { return &change{} }},
}

func compare(c *kind.Comparison) error {
	closure := c.Manifest.Closure
	if closure == nil {
		return nil
	}
	item := &kind.Item{
		Object: kind.Object{Kind: schema.KindProfile, Name: nixstore.ProfileLink}, Stage: schema.StageProfile, Work: work{closure.Path},
	}
	number, current := c.Profile.Current()
	if current == closure.Path {
		// A generation of another manifest with the same closure has a link of its own.
		item.Silent, item.Passive = true, true
		c.Add(item)
		return nil
	}
	digest, err := schema.DigestOfValue(c.Manifest)
	if err != nil {
		return err
	}
	next, err := NextGeneration(c.Profile, c.State, digest)
	if err != nil {
		return err
	}
	item.Action, item.Detail = schema.Update, fmt.Sprintf("generation %d -> %d", number, next)
	item.Differences = []schema.Difference{{Property: "closure", Was: path.Base(string(closure.Path)), Is: fmt.Sprintf("%s (generation %d)", path.Base(string(current)), number)}}
	if number == 0 {
		item.Action, item.Detail = schema.Create, fmt.Sprintf("generation %d", next)
		item.Differences = []schema.Difference{{Property: schema.PropertyType, Was: "symbolic link", Is: "nothing"}}
	}
	c.Add(item)
	return nil
}

// NextGeneration returns the number of the generation that a manifest would be:
// the one in effect where it is that already, otherwise one that never was.
func NextGeneration(profile *nixstore.Profile, state *schema.State, manifest schema.Digest) (int, error) {
	last := 0
	if applied := state.Applied; applied != nil {
		if last = applied.Generation; last > 0 && applied.Manifest == manifest {
			return last, nil
		}
	}
	newest, err := profile.Newest()
	return max(last, newest) + 1, err
}

// work switches to a closure.
type work struct{ closure schema.StorePath }

// Capture notes the links of the profile.
func (w work) Capture(_ context.Context, site *kind.Site) (kind.Step, error) {
	number, current := site.Profile.Current()
	if current == w.closure && number == site.Generation {
		return nil, nil
	}
	was, err := site.Profile.Links(site.Generation)
	return &change{Number: site.Generation, Path: w.closure, Was: was}, err
}

// change makes a closure the profile's generation of our number.
type change struct {
	Number int              `json:"number"`
	Path   schema.StorePath `json:"path"`
	Was    nixstore.Links   `json:"was"`
}

// The links are made durable one by one.
func (s *change) Directories() []string { return nil }

func (s *change) Do(_ context.Context, site *kind.Site) error {
	return site.Profile.Switch(s.Number, s.Path)
}

func (s *change) Undo(_ context.Context, site *kind.Site) error {
	return site.Profile.Return(s.Number, s.Was)
}

func (s *change) Check(site *kind.Site) (string, error) {
	now, err := site.Profile.Links(s.Number)
	if err != nil || now == s.Was {
		return "", err
	}
	return "the profile " + nixstore.ProfileLink + " is not what it was", nil
}
