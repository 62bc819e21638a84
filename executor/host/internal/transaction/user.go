package transaction

import (
	"context"
	"fmt"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/schema"
)

// userStep creates a user, or changes one.
type userStep struct {
	Name schema.AccountName `json:"name"`
	// Create is the user to create.
	Create *schema.User `json:"create,omitempty"`
	// Edit is what changes of a user that is there.
	Edit account.Edit `json:"edit"`
	// Was is what the user was; nil where there was none.
	Was *schema.OriginalUser `json:"was,omitempty"`
	// Homes are the directories that useradd makes; children come first.
	Homes []string `json:"homes,omitempty"`
	// Companion is the group of the user's name that was there.
	Companion *schema.Group `json:"companion,omitempty"`
}

func (s *userStep) directories() []string { return append([]string{accountDirectory}, s.Homes...) }

func (s *userStep) do(ctx context.Context, t *transaction) error {
	switch {
	case s.Create != nil:
		return t.Accounts.AddUser(ctx, *s.Create)
	case s.Edit != account.Edit{}:
		return t.Accounts.EditUser(ctx, s.Name, s.Edit)
	}
	return nil
}

func (s *userStep) undo(ctx context.Context, t *transaction) error {
	if s.Was == nil {
		if err := t.removeUser(ctx, s.Name, s.Companion); err != nil {
			return err
		}
		return t.removeHomes(s.Homes)
	}
	now, err := account.Load(t.Files)
	if err != nil {
		return err
	}
	user, has := now.User(s.Name)
	if !has {
		return fmt.Errorf("cannot make the user %q what it was: it is gone", s.Name)
	}
	if back := account.EditBack(now.Describe(user), s.Was); back != (account.Edit{}) {
		return t.Accounts.EditUser(ctx, s.Name, back)
	}
	return nil
}

func (s *userStep) check(t *transaction) (string, error) {
	now, err := account.Load(t.Files)
	if err != nil {
		return "", err
	}
	user, has := now.User(s.Name)
	switch {
	case s.Was == nil && has:
		return fmt.Sprintf("the user %q is still there", s.Name), nil
	case s.Was != nil && !has:
		return fmt.Sprintf("the user %q is gone", s.Name), nil
	case s.Was != nil && account.EditBack(now.Describe(user), s.Was) != account.Edit{}:
		return fmt.Sprintf("the user %q is not what it was", s.Name), nil
	}
	return "", nil
}

// removeUser removes a user, if it is there. userdel takes an empty group of that
// name with it: where that is not to go, it comes back with its number.
func (t *transaction) removeUser(ctx context.Context, name schema.AccountName, companion *schema.Group) error {
	now, err := account.Load(t.Files)
	if err != nil {
		return err
	}
	if _, has := now.User(name); has {
		if err := t.Accounts.RemoveUser(ctx, name); err != nil {
			return err
		}
		if now, err = account.Load(t.Files); err != nil {
			return err
		}
	}
	if _, has := now.Group(name); companion == nil || has {
		return nil
	}
	return t.Accounts.AddGroup(ctx, *companion)
}

// companionOf returns the group of a user's name, where that is there.
func companionOf(name schema.AccountName, accounts *account.Database) *schema.Group {
	group, has := accounts.Group(name)
	if !has {
		return nil
	}
	return &schema.Group{Name: name, GID: &group.GID}
}

// removeHomes removes what useradd has made, and leaves what else came into it.
func (t *transaction) removeHomes(homes []string) error {
	for _, home := range homes {
		if err := t.removeSkeleton("/etc/skel", home); err != nil {
			return err
		}
		removed, err := t.Files.RemoveDirectory(home)
		if err != nil {
			return err
		}
		if !removed {
			t.remark(fmt.Sprintf("the directory %s stays: something came into it", home))
			return nil
		}
	}
	return nil
}

// removeSkeleton removes what is in a home as useradd has put it there.
func (t *transaction) removeSkeleton(skeleton, home string) error {
	names, err := t.Files.NamesIfAny(skeleton)
	if err != nil {
		return err
	}
	for _, name := range names {
		from, to := skeleton+"/"+name, home+"/"+name
		same, isDirectory, err := t.sameEntry(from, to)
		if err != nil {
			return err
		}
		switch {
		case isDirectory:
			if err := t.removeSkeleton(from, to); err != nil {
				return err
			}
			if _, err := t.Files.RemoveDirectory(to); err != nil {
				return err
			}
		case same:
			if err := t.Files.Remove(to); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *transaction) sameEntry(from, to string) (same, directory bool, err error) {
	a, err := t.Files.Lookup(from)
	if err != nil {
		return false, false, err
	}
	b, err := t.Files.Lookup(to)
	if err != nil || a.Kind != b.Kind {
		return false, false, err
	}
	switch a.Kind {
	case "directory":
		return false, true, nil
	case "symbolic link":
		return a.Target == b.Target, false, nil
	case "file":
		want, err := t.Files.Digest(from)
		if err != nil {
			return false, false, err
		}
		found, err := t.Files.Digest(to)
		return found == want, false, err
	}
	return false, false, nil
}

// dropAccounts removes or lets go users and then groups, for good. It returns
// what could not be removed.
func (t *transaction) dropAccounts(ctx context.Context) (problems []string) {
	for _, drop := range t.record.Drops {
		var err error
		switch {
		case drop.User != "":
			err = t.removeUser(ctx, drop.User, drop.Companion)
		case drop.Group != "":
			err = t.removeGroup(ctx, drop.Group)
		}
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		t.done(drop.Change)
	}
	if len(t.record.Drops) > 0 {
		if err := t.Files.Sync(accountDirectory); err != nil {
			problems = append(problems, err.Error())
		}
	}
	return problems
}

// drop is an account to remove when the transaction is committed, or one that was
// only let go.
type drop struct {
	User  schema.AccountName `json:"user,omitempty"`
	Group schema.AccountName `json:"group,omitempty"`
	// Companion is the group of the user's name that stays.
	Companion *schema.Group `json:"companion,omitempty"`
	// Change is what is reported.
	Change *schema.Change `json:"change"`
}
