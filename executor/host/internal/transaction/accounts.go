package transaction

import (
	"context"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/schema"
)

// addAccounts creates and changes groups, then users.
func (a *applying) addAccounts(ctx context.Context) error {
	for _, step := range a.work.Groups {
		if step.Change.Action == schema.Create {
			if err := a.Accounts.AddGroup(ctx, step.Do); err != nil {
				return err
			}
		}
		a.done(step.Change)
	}
	for _, step := range a.work.Users {
		var err error
		if step.Do.Create {
			err = a.Accounts.AddUser(ctx, step.Do.User)
		} else if step.Do.Edit != (account.Edit{}) {
			err = a.Accounts.EditUser(ctx, step.Do.User.Name, step.Do.Edit)
		}
		if err != nil {
			return err
		}
		a.done(step.Change)
	}
	return nil
}

// dropAccounts removes or gives back users, then groups.
func (a *applying) dropAccounts(ctx context.Context) error {
	for _, step := range a.work.DroppedUsers {
		var err error
		if step.Do.Remove {
			err = a.removeUser(ctx, step.Do.Name)
		} else if step.Do.Edit != nil && *step.Do.Edit != (account.Edit{}) {
			err = a.Accounts.EditUser(ctx, step.Do.Name, *step.Do.Edit)
		}
		if err != nil {
			return err
		}
		a.done(step.Change)
	}
	for _, step := range a.work.DroppedGroups {
		if step.Change.Action == schema.Remove {
			if err := a.removeGroup(ctx, step.Do); err != nil {
				return err
			}
		}
		a.done(step.Change)
	}
	return nil
}

// removeUser removes a user. userdel takes an empty group of that name with it;
// where that is somebody's, it comes back with its number.
func (a *applying) removeUser(ctx context.Context, name schema.AccountName) error {
	before, err := account.Load(a.Files)
	if err != nil {
		return err
	}
	if err := a.Accounts.RemoveUser(ctx, name); err != nil {
		return err
	}
	group, had := before.Group(name)
	after, err := account.Load(a.Files)
	if err != nil {
		return err
	}
	if _, has := after.Group(name); !had || has || a.dropsGroup(name) {
		return nil
	}
	return a.Accounts.AddGroup(ctx, schema.Group{Name: name, GID: &group.GID})
}

func (a *applying) dropsGroup(name schema.AccountName) bool {
	for _, step := range a.work.DroppedGroups {
		if step.Do == name {
			return true
		}
	}
	return false
}

func (a *applying) removeGroup(ctx context.Context, name schema.AccountName) error {
	now, err := account.Load(a.Files)
	if err != nil {
		return err
	}
	if _, has := now.Group(name); !has {
		return nil // userdel took it along
	}
	return a.Accounts.RemoveGroup(ctx, name)
}
