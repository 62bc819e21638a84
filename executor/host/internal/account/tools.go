package account

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/command"
	"github.com/nixfleet/nixfleet/executor/host/internal/effect"
	"github.com/nixfleet/nixfleet/schema"
)

// Directory holds the account files, which shadow's tools replace by renaming and do
// not sync.
const Directory = "/etc"

// Tools changes accounts with shadow's tools, which hold the locks of the
// account files and write them atomically.
type Tools struct {
	Runner command.Runner
	Fault  effect.Fault
}

// Edit says what of a user changes; nil is left as it is.
type Edit struct {
	Group       *schema.AccountName
	ExtraGroups *[]schema.AccountName // all of them
	Home        *string
	Shell       *string
	Description *string
}

// Describe tells what a user is, so that it can become that again.
func (db *Database) Describe(user User) *schema.OriginalUser {
	return &schema.OriginalUser{
		Group:       schema.AccountName(db.GroupName(user.GID)),
		ExtraGroups: db.GroupsOf(user.Name),
		Home:        user.Home, Shell: user.Shell, Description: user.Description,
	}
}

// EditBack returns the edit that makes a user what it was.
func EditBack(now, was *schema.OriginalUser) Edit {
	var edit Edit
	if now.Group != was.Group {
		edit.Group = &was.Group
	}
	if !slices.Equal(now.ExtraGroups, was.ExtraGroups) {
		edit.ExtraGroups = &was.ExtraGroups
	}
	if now.Home != was.Home {
		edit.Home = &was.Home
	}
	if now.Shell != was.Shell {
		edit.Shell = &was.Shell
	}
	if now.Description != was.Description {
		edit.Description = &was.Description
	}
	return edit
}

// AddGroup creates a group.
func (t Tools) AddGroup(ctx context.Context, group schema.Group) error {
	var args []string
	if group.System {
		args = append(args, "--system")
	}
	if group.GID != nil {
		args = append(args, "--gid", strconv.Itoa(*group.GID))
	}
	// If we crash here, the group is there or not, and the record knows that it was not.
	return t.run(ctx, "group", group.Name, "groupadd", append(args, string(group.Name))...)
}

// AddUser creates a user, without a password.
func (t Tools) AddUser(ctx context.Context, user schema.User) error {
	args := []string{"--gid", string(user.Group), "--home-dir", user.Home, "--shell", user.Shell, "--comment", user.Description}
	if user.System {
		args = append(args, "--system")
	}
	if user.UID != nil {
		args = append(args, "--uid", strconv.Itoa(*user.UID))
	}
	if len(user.ExtraGroups) > 0 {
		args = append(args, "--groups", list(user.ExtraGroups))
	}
	home := "--no-create-home"
	if user.CreateHome {
		home = "--create-home"
	}
	// If we crash here, the user is there or not, its home too, and the record knows
	// that neither was.
	return t.run(ctx, "user", user.Name, "useradd", append(args, home, string(user.Name))...)
}

// EditUser changes a user. Nothing is moved: a new home is only a new entry.
func (t Tools) EditUser(ctx context.Context, name schema.AccountName, edit Edit) error {
	var args []string
	if edit.Group != nil {
		args = append(args, "--gid", string(*edit.Group))
	}
	if edit.ExtraGroups != nil {
		args = append(args, "--groups", list(*edit.ExtraGroups))
	}
	if edit.Home != nil {
		args = append(args, "--home", *edit.Home)
	}
	if edit.Shell != nil {
		args = append(args, "--shell", *edit.Shell)
	}
	if edit.Description != nil {
		args = append(args, "--comment", *edit.Description)
	}
	// If we crash here, recovery compares the user with what it was.
	return t.run(ctx, "user", name, "usermod", append(args, string(name))...)
}

// RemoveUser removes a user and leaves its home directory. With the user goes,
// on most hosts, an otherwise empty group of the same name.
func (t Tools) RemoveUser(ctx context.Context, name schema.AccountName) error {
	// If we crash here, the user is there or gone; whoever removes it tries again.
	return t.run(ctx, "user", name, "userdel", string(name))
}

// RemoveGroup removes a group.
func (t Tools) RemoveGroup(ctx context.Context, name schema.AccountName) error {
	// If we crash here, the group is there or gone; whoever removes it tries again.
	return t.run(ctx, "group", name, "groupdel", string(name))
}

func (t Tools) run(ctx context.Context, kind string, name schema.AccountName, tool string, args ...string) error {
	return t.Fault.Do(tool+" "+string(name), func() error {
		if _, err := t.Runner.Run(ctx, tool, args...); err != nil {
			return fmt.Errorf("cannot change the %s %q: %w", kind, name, err)
		}
		return nil
	})
}

func list(names []schema.AccountName) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ",")
}
