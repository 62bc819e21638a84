// Package user manages the users of a host.
package user

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// Kind is the kind.
var Kind = kind.Kind{
	Name:    schema.KindUser,
	Compare: compare,
	Steps: map[string]func() kind.Step{
		"change": func() kind.Step { return &change{} },
		"remove": func() kind.Step { return &removal{} },
	},
}

type comparison struct {
	*kind.Comparison
	// busy are the users that must have no processes, with what is to be done to them.
	busy map[schema.AccountName]string
}

func compare(c *kind.Comparison) kind.Hooks {
	users := &comparison{c, map[schema.AccountName]string{}}
	return kind.Hooks{Compare: users.compare, Finish: users.drop}
}

func object(name schema.AccountName) kind.Object {
	return kind.Object{Kind: schema.KindUser, Name: string(name)}
}

func (c *comparison) compare() error {
	for _, user := range c.Manifest.Users {
		of := object(user.Name)
		original, owned := c.Owns(of)
		found, exists := c.Accounts.User(user.Name)
		if !c.checkUser(user) {
			continue
		}
		switch {
		case exists && !owned && !user.Adopt:
			c.Refuse(of, fmt.Sprintf("set nixfleet.users.%q.adopt = true to take it over", user.Name),
				"the user %q exists and NixFleet did not create it (uid %d)", user.Name, found.UID)
			continue
		case exists && user.UID != nil && found.UID != *user.UID:
			c.RefuseAs(kind.Refusal{
				Object: of, Hint: "files keep the old number; set uid to the one found, or change both by hand",
				Differences: account.NumberDifference("uid", *user.UID, found.UID),
			}, "the user %q has another uid: expected %d, found %d", user.Name, *user.UID, found.UID)
			continue
		case !exists:
			c.checkNew(user)
			if err := c.newHome(user); err != nil {
				return err
			}
			detail := ""
			if user.UID != nil {
				detail = fmt.Sprintf("uid %d", *user.UID)
			}
			c.add(&kind.Item{Object: of, Action: schema.Create, Detail: detail, Work: work{user: user, create: true}})
		default:
			if !owned {
				original = schema.Original{Adopted: true, User: c.Accounts.Describe(found)}
			}
			c.compareUser(user, found, !owned, original.Adopted)
		}
		c.Own(of, original)
	}
	return nil
}

// newHome notes what useradd will make. What the goal has there comes afterwards.
func (c *comparison) newHome(user schema.User) error {
	if !user.CreateHome {
		return nil
	}
	for dir := user.Home; dir != "/"; dir = path.Dir(dir) {
		entry, ok, err := c.Lookup(object(user.Name), dir)
		if err != nil || !ok || entry.Kind != rooted.Absent {
			return err
		}
		c.Homes[dir] = true
	}
	return nil
}

// compareUser compares a user that exists. Groups that an adopted user is in
// stay: they have their reasons.
func (c *comparison) compareUser(user schema.User, found account.User, adopting, adopted bool) {
	var edit account.Edit
	var details []string
	var differences []schema.Difference
	differ := func(property, was, is string, quote func(string) string) {
		differences = append(differences, schema.Difference{Property: property, Was: was, Is: is})
		details = append(details, property+" "+quote(is)+" -> "+quote(was))
	}
	plain := func(s string) string { return s }
	if group, ok := c.Accounts.Group(user.Group); !ok || group.GID != found.GID {
		edit.Group = &user.Group
		c.Leaving[user.Name] = true
		differ("group", string(user.Group), c.Accounts.GroupName(found.GID), plain)
	}
	if want, have := c.extraGroups(user, adopted); !slices.Equal(want, have) {
		edit.ExtraGroups = &want
		differ("extra groups", orNone(want), orNone(have), plain)
	}
	for _, field := range []struct {
		name       string
		want, have string
		set        **string
	}{
		{"home", user.Home, found.Home, &edit.Home},
		{"shell", user.Shell, found.Shell, &edit.Shell},
		{"description", user.Description, found.Description, &edit.Description},
	} {
		if field.want != field.have {
			*field.set = &field.want
			differ(field.name, field.want, field.have, strconv.Quote)
		}
	}
	if edit.Home != nil {
		c.mustBeIdle(user.Name, "changing its home")
	}
	if len(details) == 0 && !adopting {
		return
	}
	action := schema.Update
	if adopting {
		action = schema.Adopt
	}
	c.add(&kind.Item{Object: object(user.Name), Action: action, Detail: strings.Join(details, ", "), Differences: differences, Work: work{user: user, edit: edit}})
}

func (c *comparison) extraGroups(user schema.User, keep bool) (want, have []schema.AccountName) {
	have = slices.DeleteFunc(c.Accounts.GroupsOf(user.Name), func(g schema.AccountName) bool { return g == user.Group })
	want = slices.Clone(user.ExtraGroups)
	if keep {
		want = append(want, have...)
	}
	want = slices.DeleteFunc(want, func(g schema.AccountName) bool { return g == user.Group })
	slices.Sort(want)
	return slices.Compact(want), have
}

func (c *comparison) add(item *kind.Item) {
	item.Stage = schema.StageAccounts
	c.Add(item)
}

func (c *comparison) checkNew(user schema.User) {
	if user.UID == nil {
		return
	}
	if holders := c.Accounts.HoldersOf(*user.UID); len(holders) > 0 {
		hint := "choose another uid, or leave it out"
		if c.DropsUser(holders[0]) {
			hint = "the number is free once that user is removed: execute a plan with neither of them first"
		}
		c.Refuse(object(user.Name), hint,
			"the uid %d of user %q is taken: expected no user with it, found user %q", *user.UID, user.Name, holders[0])
	}
}

// checkUser refuses what useradd would refuse, or worse, take.
func (c *comparison) checkUser(user schema.User) bool {
	before := c.Refused()
	for _, group := range append([]schema.AccountName{user.Group}, user.ExtraGroups...) {
		if !c.GroupExists(group) {
			c.Refuse(object(user.Name), "declare it in nixfleet.groups", "the group %q of user %q exists neither on the host nor in the manifest", group, user.Name)
		}
	}
	for name, value := range map[string]string{"home": user.Home, "shell": user.Shell, "description": user.Description} {
		if strings.ContainsAny(value, ":\n\x00") {
			c.Refuse(object(user.Name), "", "the %s of user %q contains a colon, a newline or a NUL byte", name, user.Name)
		}
	}
	if !path.IsAbs(user.Home) || path.Clean(user.Home) != user.Home {
		c.Refuse(object(user.Name), "", "the home of user %q is no clean absolute path: found %q", user.Name, user.Home)
	}
	c.checkShell(user)
	return c.Refused() == before
}

func (c *comparison) checkShell(user schema.User) {
	hint := "/bin/sh and /usr/sbin/nologin are on every host"
	if !path.IsAbs(user.Shell) {
		c.Refuse(object(user.Name), hint, "the shell of user %q is no absolute path: found %q", user.Name, user.Shell)
		return
	}
	if c.Wants(user.Shell) {
		return
	}
	if p, ok := nixstore.PathOf(user.Shell); ok {
		if !c.Closure[p] {
			c.Refuse(object(user.Name), "add its package to nixfleet.packages", "the shell %s of user %q is not in the host's closure", user.Shell, user.Name)
		}
		return
	}
	file, err := c.Files.Resolve(user.Shell)
	entry := rooted.Entry{}
	if err == nil {
		entry, err = c.Files.Lookup(file)
	}
	if err != nil || entry.Kind != rooted.File || entry.Mode&0o111 == 0 {
		c.Refuse(object(user.Name), hint, "the shell %s of user %q is no program on the host", user.Shell, user.Name)
	}
}

func orNone(names []schema.AccountName) string {
	if len(names) == 0 {
		return "none"
	}
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}
