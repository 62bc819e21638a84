package inspect

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

func (c *comparison) compareGroups() error {
	for _, group := range c.Manifest.Groups {
		original, owned := c.State.Owned.Groups[group.Name]
		found, exists := c.accounts.Group(group.Name)
		switch {
		case exists && !owned && !group.Adopt:
			c.refuse("set nixfleet.groups."+quote(string(group.Name))+".adopt = true to take it over",
				"the group %q exists and NixFleet did not create it (gid %d)", group.Name, found.GID)
			continue
		case exists && group.GID != nil && found.GID != *group.GID:
			c.refuse("files keep the old number; set gid to the one found, or change both by hand",
				"the group %q has another gid: expected %d, found %d", group.Name, *group.GID, found.GID)
			continue
		case exists && !owned:
			original = schema.Original{Adopted: true}
			c.addGroup(group, schema.Adopt, "")
		case !exists:
			c.checkNewGroup(group)
			c.addGroup(group, schema.Create, numberDetail("gid", group.GID))
		}
		c.work.Owned.Groups[group.Name] = original
	}
	return nil
}

func (c *comparison) addGroup(group schema.Group, action schema.Action, detail string) {
	c.work.Groups = append(c.work.Groups, Step[schema.Group]{group,
		&schema.Change{Action: action, Kind: "group", Object: string(group.Name), Detail: detail}})
}

func (c *comparison) checkNewGroup(group schema.Group) {
	if group.GID == nil {
		return
	}
	if holders := c.accounts.GroupsWith(*group.GID); len(holders) > 0 {
		hint := "choose another gid, or leave it out"
		if c.dropsGroup(holders[0]) {
			hint = "the number is free once that group is removed: execute a plan with neither of them first"
		}
		c.refuse(hint,
			"the gid %d of group %q is taken: expected nobody to have it, found group %q", *group.GID, group.Name, holders[0])
	}
}

func (c *comparison) compareUsers() error {
	for _, user := range c.Manifest.Users {
		original, owned := c.State.Owned.Users[user.Name]
		found, exists := c.accounts.User(user.Name)
		if !c.checkUser(user) {
			continue
		}
		switch {
		case exists && !owned && !user.Adopt:
			c.refuse("set nixfleet.users."+quote(string(user.Name))+".adopt = true to take it over",
				"the user %q exists and NixFleet did not create it (uid %d)", user.Name, found.UID)
			continue
		case exists && user.UID != nil && found.UID != *user.UID:
			c.refuse("files keep the old number; set uid to the one found, or change both by hand",
				"the user %q has another uid: expected %d, found %d", user.Name, *user.UID, found.UID)
			continue
		case !exists:
			c.checkNewUser(user)
			if err := c.newHome(user); err != nil {
				return err
			}
			c.addUser(UserWork{User: user, Create: true}, schema.Create, numberDetail("uid", user.UID))
		default:
			if !owned {
				original = schema.Original{Adopted: true, User: c.accounts.Describe(found)}
			}
			c.compareUser(user, found, !owned, original.Adopted)
		}
		c.work.Owned.Users[user.Name] = original
	}
	return nil
}

// newHome notes what useradd will make. What the goal has there comes afterwards.
func (c *comparison) newHome(user schema.User) error {
	if !user.CreateHome {
		return nil
	}
	for dir := user.Home; dir != "/"; dir = path.Dir(dir) {
		entry, ok, err := c.lookup(dir)
		if err != nil || !ok || entry.Kind != rooted.Absent {
			return err
		}
		c.homes[dir] = true
	}
	return nil
}

// compareUser compares a user that exists. Groups that an adopted user is in
// stay: whoever put it there knew why.
func (c *comparison) compareUser(user schema.User, found account.User, adopting, adopted bool) {
	var edit account.Edit
	var details []string
	if group, ok := c.accounts.Group(user.Group); !ok || group.GID != found.GID {
		edit.Group = &user.Group
		details = append(details, "group "+c.accounts.GroupName(found.GID)+" -> "+string(user.Group))
	}
	if want, have := c.extraGroups(user, adopted); !slices.Equal(want, have) {
		edit.ExtraGroups = &want
		details = append(details, "extra groups "+orNone(have)+" -> "+orNone(want))
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
			details = append(details, field.name+" "+quote(field.have)+" -> "+quote(field.want))
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
	c.addUser(UserWork{User: user, Edit: edit}, action, strings.Join(details, ", "))
}

func (c *comparison) extraGroups(user schema.User, keep bool) (want, have []schema.AccountName) {
	have = slices.DeleteFunc(c.accounts.GroupsOf(user.Name), func(g schema.AccountName) bool { return g == user.Group })
	want = slices.Clone(user.ExtraGroups)
	if keep {
		want = append(want, have...)
	}
	want = slices.DeleteFunc(want, func(g schema.AccountName) bool { return g == user.Group })
	slices.Sort(want)
	return slices.Compact(want), have
}

func (c *comparison) addUser(work UserWork, action schema.Action, detail string) {
	c.work.Users = append(c.work.Users, Step[UserWork]{work,
		&schema.Change{Action: action, Kind: "user", Object: string(work.User.Name), Detail: detail}})
}

func (c *comparison) checkNewUser(user schema.User) {
	if user.UID == nil {
		return
	}
	if holders := c.accounts.HoldersOf(*user.UID); len(holders) > 0 {
		hint := "choose another uid, or leave it out"
		if c.dropsUser(holders[0]) {
			hint = "the number is free once that user is removed: execute a plan with neither of them first"
		}
		c.refuse(hint,
			"the uid %d of user %q is taken: expected nobody to have it, found user %q", *user.UID, user.Name, holders[0])
	}
}

// checkUser refuses what useradd would refuse, or worse, take.
func (c *comparison) checkUser(user schema.User) bool {
	before := len(c.work.Refusals)
	for _, group := range append([]schema.AccountName{user.Group}, user.ExtraGroups...) {
		if !c.groupExists(group) {
			c.refuse("declare it in nixfleet.groups", "the group %q of user %q exists neither on the host nor in the manifest", group, user.Name)
		}
	}
	for name, value := range map[string]string{"home": user.Home, "shell": user.Shell, "description": user.Description} {
		if strings.ContainsAny(value, ":\n\x00") {
			c.refuse("", "the %s of user %q contains a colon, a newline or a NUL byte", name, user.Name)
		}
	}
	if !path.IsAbs(user.Home) || path.Clean(user.Home) != user.Home {
		c.refuse("", "the home of user %q is no clean absolute path: found %q", user.Name, user.Home)
	}
	c.checkShell(user)
	return len(c.work.Refusals) == before
}

func (c *comparison) checkShell(user schema.User) {
	hint := "/bin/sh and /usr/sbin/nologin are on every host"
	if !path.IsAbs(user.Shell) {
		c.refuse(hint, "the shell of user %q is no absolute path: found %q", user.Name, user.Shell)
		return
	}
	if c.willHaveFile(user.Shell) {
		return
	}
	if p, ok := storePathOf(user.Shell); ok {
		if !c.Closure[p] {
			c.refuse("add its package to nixfleet.packages", "the shell %s of user %q is not in the host's closure", user.Shell, user.Name)
		}
		return
	}
	file, err := c.Files.Resolve(user.Shell)
	entry := rooted.Entry{}
	if err == nil {
		entry, err = c.Files.Lookup(file)
	}
	if err != nil || entry.Kind != rooted.File || entry.Mode&0o111 == 0 {
		c.refuse(hint, "the shell %s of user %q is no program on the host", user.Shell, user.Name)
	}
}

func (c *comparison) willHaveFile(name string) bool {
	return slices.ContainsFunc(c.Manifest.Files, func(f schema.File) bool { return f.Path == name })
}

func (c *comparison) groupExists(name schema.AccountName) bool {
	_, exists := c.accounts.Group(name)
	return exists && !c.dropsGroup(name) || slices.ContainsFunc(c.Manifest.Groups, func(g schema.Group) bool { return g.Name == name })
}

func (c *comparison) userExists(name schema.AccountName) bool {
	_, exists := c.accounts.User(name)
	return exists && !c.dropsUser(name) || slices.ContainsFunc(c.Manifest.Users, func(u schema.User) bool { return u.Name == name })
}

// dropsGroup reports whether the group is ours and the goal does not have it.
func (c *comparison) dropsGroup(name schema.AccountName) bool {
	original, owned := c.State.Owned.Groups[name]
	return owned && !original.Adopted && !slices.ContainsFunc(c.Manifest.Groups, func(g schema.Group) bool { return g.Name == name })
}

func (c *comparison) dropsUser(name schema.AccountName) bool {
	original, owned := c.State.Owned.Users[name]
	return owned && !original.Adopted && !slices.ContainsFunc(c.Manifest.Users, func(u schema.User) bool { return u.Name == name })
}

// checkOwner refuses an owner or group that does not exist.
func (c *comparison) checkOwner(object string, owner, group schema.AccountName) bool {
	if !c.userExists(owner) {
		c.refuse("declare it in nixfleet.users", "the owner %q of %s exists neither on the host nor in the manifest", owner, object)
	}
	if !c.groupExists(group) {
		c.refuse("declare it in nixfleet.groups", "the group %q of %s exists neither on the host nor in the manifest", group, object)
	}
	return c.userExists(owner) && c.groupExists(group)
}

func numberDetail(kind string, number *int) string {
	if number == nil {
		return ""
	}
	return kind + " " + strconv.Itoa(*number)
}

func orNone(names []schema.AccountName) string {
	if len(names) == 0 {
		return "none"
	}
	return joinNames(names)
}
