// Package group manages the groups of a host.
package group

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/schema"
)

// Kind is the kind.
var Kind = kind.Kind{
	Name:    schema.KindGroup,
	Compare: compare,
	Steps: map[string]func() kind.Step{
		"create": func() kind.Step { return &creation{} },
		"remove": func() kind.Step { return &removal{} },
	},
}

type comparison struct{ *kind.Comparison }

func compare(c *kind.Comparison) kind.Hooks {
	groups := &comparison{c}
	return kind.Hooks{Compare: groups.compare, Finish: groups.drop}
}

func object(name schema.AccountName) kind.Object {
	return kind.Object{Kind: schema.KindGroup, Name: string(name)}
}

func (c *comparison) compare() error {
	for _, group := range c.Manifest.Groups {
		of := object(group.Name)
		original, owned := c.Owns(of)
		found, exists := c.Accounts.Group(group.Name)
		switch {
		case exists && !owned && !group.Adopt:
			c.Refuse(of, fmt.Sprintf("set nixfleet.groups.%q.adopt = true to take it over", group.Name),
				"the group %q exists and NixFleet did not create it (gid %d)", group.Name, found.GID)
			continue
		case exists && group.GID != nil && found.GID != *group.GID:
			c.RefuseAs(kind.Refusal{
				Object: of, Hint: "files keep the old number; set gid to the one found, or change both by hand",
				Differences: account.NumberDifference("gid", *group.GID, found.GID),
			}, "the group %q has another gid: expected %d, found %d", group.Name, *group.GID, found.GID)
			continue
		case exists && !owned:
			original = schema.Original{Adopted: true}
			c.Add(&kind.Item{Object: of, Action: schema.Adopt, Stage: schema.StageAccounts})
		case !exists:
			c.checkNew(of, group)
			c.Add(&kind.Item{
				Object: of, Action: schema.Create, Detail: numberDetail(group.GID), Stage: schema.StageAccounts,
				Work: kind.Ready{Step: &creation{Group: group}},
			})
		}
		c.Own(of, original)
	}
	return nil
}

func numberDetail(gid *int) string {
	if gid == nil {
		return ""
	}
	return fmt.Sprintf("gid %d", *gid)
}

func (c *comparison) checkNew(of kind.Object, group schema.Group) {
	if group.GID == nil {
		return
	}
	if holders := c.Accounts.GroupsWith(*group.GID); len(holders) > 0 {
		hint := "choose another gid, or leave it out"
		if c.DropsGroup(holders[0]) {
			hint = "the number is free once that group is removed: execute a plan with neither of them first"
		}
		c.Refuse(of, hint, "the gid %d of group %q is taken: expected no group with it, found group %q", *group.GID, group.Name, holders[0])
	}
}

// drop finds the groups that the goal does not have any more.
func (c *comparison) drop() error {
	for _, key := range slices.Sorted(maps.Keys(c.State.Owned[schema.KindGroup])) {
		name := schema.AccountName(key)
		found, exists := c.Accounts.Group(name)
		if exists && !slices.ContainsFunc(c.Manifest.Groups, func(g schema.Group) bool { return g.Name == name }) {
			c.dropGroup(found)
		}
	}
	return nil
}

// dropGroup removes a group of ours, unless a user that is not ours would lose its
// primary group by that: then it stays, ours, until that has changed.
func (c *comparison) dropGroup(found account.Group) {
	of := object(found.Name)
	original, _ := c.Owns(of)
	if original.Adopted {
		c.Add(&kind.Item{Object: of, Action: schema.GiveUp, Stage: schema.StageAccounts, Goes: true})
		return
	}
	for _, user := range c.Accounts.UsersOf(found.GID) {
		if !c.Leaving[user] {
			c.Note("the group %q stays: it is the primary group of user %q", found.Name, user)
			c.Own(of, original)
			return
		}
	}
	c.Add(&kind.Item{
		Object: of, Action: schema.Remove, Stage: schema.StageAccounts, Goes: true, Forward: true,
		Work: kind.Ready{Step: &removal{Name: found.Name}},
	})
}

// creation creates a group that was not there.
type creation struct {
	Group schema.Group `json:"group"`
}

func (s *creation) Directories() []string { return []string{account.Directory} }

func (s *creation) Do(ctx context.Context, site *kind.Site) error {
	return account.Tools{Runner: site.Runner, Fault: site.Fault}.AddGroup(ctx, s.Group)
}

func (s *creation) Undo(ctx context.Context, site *kind.Site) error {
	return remove(ctx, site, s.Group.Name)
}

func (s *creation) Check(site *kind.Site) (string, error) {
	now, err := account.Load(site.Files)
	if err != nil {
		return "", err
	}
	if _, has := now.Group(s.Group.Name); has {
		return fmt.Sprintf("the group %q is still there", s.Group.Name), nil
	}
	return "", nil
}

// removal removes a group, for good.
type removal struct {
	kind.ForwardOnly
	Name schema.AccountName `json:"name"`
}

func (s *removal) Directories() []string { return []string{account.Directory} }

func (s *removal) Do(ctx context.Context, site *kind.Site) error { return remove(ctx, site, s.Name) }

// remove removes a group, if it is there.
func remove(ctx context.Context, site *kind.Site, name schema.AccountName) error {
	now, err := account.Load(site.Files)
	if err != nil {
		return err
	}
	if _, has := now.Group(name); !has {
		return nil
	}
	return account.Tools{Runner: site.Runner, Fault: site.Fault}.RemoveGroup(ctx, name)
}
