package inspect

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// compareDropped finds the files that the goal does not have any more.
func (c *comparison) compareDropped() error {
	for _, name := range sortedKeys(c.State.Owned.Files) {
		if c.wanted[name] {
			continue
		}
		original := c.State.Owned.Files[name]
		entry, err := c.Files.Lookup(name)
		var blocked *rooted.BlockedError
		switch {
		case errors.As(err, &blocked):
			c.note("%s is not removed: %v", name, blocked)
		case err != nil:
			return err
		case entry.Kind != rooted.Absent && !entry.Removable():
			c.note("%s is not removed: it is a %s now", name, entry.Kind)
		case entry.Kind == rooted.Absent && !comesBack(original):
		default:
			c.changed[name] = true
			removal := Removal{Path: name, Original: original}
			if removal.Edited, err = c.edited(name, entry); err != nil {
				return err
			}
			if rest, ok := strings.CutPrefix(name, schema.UnitDirectory+"/"); ok && isMask(entry) && unitName(rest) {
				removal.Unmasks = schema.UnitName(rest)
			}
			c.work.Removals = append(c.work.Removals, Step[Removal]{removal, c.dropChange(removal)})
		}
	}
	return nil
}

// comesBack reports whether an original returns when the intent lets go. A unit
// of the operating system that ours only hid returns by itself.
func comesBack(original schema.Original) bool {
	return original.Adopted && (original.Content != "" || original.Symlink != "")
}

// dropChange reports a file that goes. A unit's links go with it, unreported.
func (c *comparison) dropChange(removal Removal) *schema.Change {
	name, original := removal.Path, removal.Original
	change := &schema.Change{Action: schema.Remove, Kind: "file", Object: name}
	if original.Adopted {
		change.Action = schema.GiveUp
	}
	rest, ok := strings.CutPrefix(name, schema.UnitDirectory+"/")
	switch {
	case !ok:
	case removal.Unmasks != "":
		change.Action, change.Kind, change.Object = schema.Unmask, "unit", rest
	case !strings.Contains(rest, "/"):
		change.Kind, change.Object = "unit", rest
	case schema.LinkedUnit(rest) != "":
		if !c.wanted[unitPath(string(schema.UnitName(path.Base(rest)).Template()))] {
			return nil
		}
		change.Action, change.Kind, change.Object, change.Detail = schema.Disable, "unit", string(schema.LinkedUnit(rest)), rest
	}
	return change
}

// compareDroppedAccounts finds the users and groups that the goal does not have any more.
func (c *comparison) compareDroppedAccounts() error {
	for _, name := range sortedKeys(c.State.Owned.Users) {
		found, exists := c.accounts.User(name)
		if exists && !slices.ContainsFunc(c.Manifest.Users, func(u schema.User) bool { return u.Name == name }) {
			c.dropUser(found, c.State.Owned.Users[name])
		}
	}
	for _, name := range sortedKeys(c.State.Owned.Groups) {
		found, exists := c.accounts.Group(name)
		if exists && !slices.ContainsFunc(c.Manifest.Groups, func(g schema.Group) bool { return g.Name == name }) {
			c.dropGroup(found, c.State.Owned.Groups[name])
		}
	}
	return nil
}

func (c *comparison) dropUser(found account.User, original schema.Original) {
	change := &schema.Change{Action: schema.Remove, Kind: "user", Object: string(found.Name), Detail: "the home directory stays"}
	dropped := DroppedUser{Name: found.Name, Remove: true}
	if original.Adopted {
		change.Action, change.Detail = schema.GiveUp, ""
		dropped.Remove = false
		if was := original.User; was != nil {
			edit := account.EditBack(c.accounts.Describe(found), was)
			dropped.Edit = &edit
			if dropped.Edit.Home != nil {
				c.mustBeIdle(found.Name, "changing its home back")
			}
		}
	} else {
		c.mustBeIdle(found.Name, "removing it")
	}
	c.work.DroppedUsers = append(c.work.DroppedUsers, Step[DroppedUser]{dropped, change})
}

// dropGroup removes a group of ours, unless somebody else's user would lose its
// primary group by that: then it stays, ours, until that has changed.
func (c *comparison) dropGroup(found account.Group, original schema.Original) {
	if original.Adopted {
		c.addDroppedGroup(found.Name, schema.GiveUp)
		return
	}
	for _, user := range c.accounts.UsersOf(found.GID) {
		if !c.leavesGroup(user) {
			c.note("the group %q stays: it is the primary group of user %q", found.Name, user)
			c.work.Owned.Groups[found.Name] = original
			return
		}
	}
	c.addDroppedGroup(found.Name, schema.Remove)
}

func (c *comparison) leavesGroup(user schema.AccountName) bool {
	return slices.ContainsFunc(c.work.DroppedUsers, func(s Step[DroppedUser]) bool {
		return s.Do.Name == user && (s.Do.Remove || s.Do.Edit != nil && s.Do.Edit.Group != nil)
	}) || slices.ContainsFunc(c.work.Users, func(s Step[UserWork]) bool {
		return s.Do.User.Name == user && s.Do.Edit.Group != nil
	})
}

func (c *comparison) addDroppedGroup(name schema.AccountName, action schema.Action) {
	c.work.DroppedGroups = append(c.work.DroppedGroups, Step[schema.AccountName]{name,
		&schema.Change{Action: action, Kind: "group", Object: string(name)}})
}

// mustBeIdle remembers that a user may have no processes when it is changed.
func (c *comparison) mustBeIdle(name schema.AccountName, change string) { c.busy[name] = change }

// compareProcesses refuses to change users with processes, which usermod and
// userdel would refuse in the middle of the work. Processes of units that stop
// by then do not count.
func (c *comparison) compareProcesses() error {
	for _, name := range sortedKeys(c.busy) {
		found, _ := c.accounts.User(name)
		for _, process := range c.Processes(found.UID) {
			if c.stopping[process.Unit] {
				continue
			}
			of := ""
			if process.Unit != "" {
				of = fmt.Sprintf(" of %s", process.Unit)
			}
			hint := "end its processes first"
			if strings.HasPrefix(string(process.Unit), "user@") { // lingers for a while after a logout
				hint = fmt.Sprintf("end its processes first: loginctl terminate-user %s", name)
			}
			c.refuse(hint, "the user %q has a running process, which forbids %s: expected none, found process %d%s",
				name, c.busy[name], process.ID, of)
			break
		}
	}
	return nil
}
