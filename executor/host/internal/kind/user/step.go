package user

import (
	"context"
	"fmt"
	"path"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// work creates a user, or changes one.
type work struct {
	user   schema.User
	create bool
	edit   account.Edit
}

// Capture notes what the user is.
func (w work) Capture(_ context.Context, site *kind.Site) (kind.Step, error) {
	accounts, err := account.Load(site.Files)
	if err != nil {
		return nil, err
	}
	step := &change{Name: w.user.Name, Edit: w.edit}
	if w.create {
		step.Create, step.Companion = &w.user, companionOf(w.user.Name, accounts)
		step.Homes, err = missingHomes(site, w.user)
		return step, err
	}
	found, _ := accounts.User(w.user.Name)
	step.Was = accounts.Describe(found)
	return step, nil
}

// missingHomes returns the directories that useradd will make, the home first.
func missingHomes(site *kind.Site, user schema.User) (homes []string, err error) {
	if !user.CreateHome {
		return nil, nil
	}
	for dir := user.Home; dir != "/"; dir = path.Dir(dir) {
		entry, err := site.Files.Lookup(dir)
		if err != nil || entry.Kind != rooted.Absent {
			return homes, err
		}
		homes = append(homes, dir)
	}
	return homes, nil
}

// removalWork removes a user. Its group of the same name goes as well, or stays.
type removalWork struct {
	name      schema.AccountName
	groupGoes func() bool
}

// Capture notes the group that must stay.
func (w removalWork) Capture(_ context.Context, site *kind.Site) (kind.Step, error) {
	accounts, err := account.Load(site.Files)
	step := &removal{Name: w.name}
	if err == nil && !w.groupGoes() {
		step.Companion = companionOf(w.name, accounts)
	}
	return step, err
}

// removal removes a user, for good.
type removal struct {
	kind.ForwardOnly
	Name schema.AccountName `json:"name"`
	// Companion is the group of the user's name that stays.
	Companion *schema.Group `json:"companion,omitempty"`
}

func (s *removal) Directories() []string { return []string{account.Directory} }

func (s *removal) Do(ctx context.Context, site *kind.Site) error {
	return removeUser(ctx, site, s.Name, s.Companion)
}

func tools(site *kind.Site) account.Tools {
	return account.Tools{Runner: site.Runner, Fault: site.Fault}
}

// change creates a user, or changes one.
type change struct {
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

func (s *change) Directories() []string { return append([]string{account.Directory}, s.Homes...) }

func (s *change) Do(ctx context.Context, site *kind.Site) error {
	switch {
	case s.Create != nil:
		return tools(site).AddUser(ctx, *s.Create)
	case s.Edit != account.Edit{}:
		return tools(site).EditUser(ctx, s.Name, s.Edit)
	}
	return nil
}

func (s *change) Undo(ctx context.Context, site *kind.Site) error {
	if s.Was == nil {
		if err := removeUser(ctx, site, s.Name, s.Companion); err != nil {
			return err
		}
		return removeHomes(site, s.Homes)
	}
	now, err := account.Load(site.Files)
	if err != nil {
		return err
	}
	user, has := now.User(s.Name)
	if !has {
		return fmt.Errorf("cannot make the user %q what it was: it is gone", s.Name)
	}
	if back := account.EditBack(now.Describe(user), s.Was); back != (account.Edit{}) {
		return tools(site).EditUser(ctx, s.Name, back)
	}
	return nil
}

func (s *change) Check(site *kind.Site) (string, error) {
	now, err := account.Load(site.Files)
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
func removeUser(ctx context.Context, site *kind.Site, name schema.AccountName, companion *schema.Group) error {
	now, err := account.Load(site.Files)
	if err != nil {
		return err
	}
	if _, has := now.User(name); has {
		if err := tools(site).RemoveUser(ctx, name); err != nil {
			return err
		}
		if now, err = account.Load(site.Files); err != nil {
			return err
		}
	}
	if _, has := now.Group(name); companion == nil || has {
		return nil
	}
	return tools(site).AddGroup(ctx, *companion)
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
func removeHomes(site *kind.Site, homes []string) error {
	for _, home := range homes {
		if err := removeSkeleton(site, "/etc/skel", home); err != nil {
			return err
		}
		removed, err := site.Files.RemoveDirectory(home)
		if err != nil {
			return err
		}
		if !removed {
			site.Remark(fmt.Sprintf("the directory %s stays: something came into it", home))
			return nil
		}
	}
	return nil
}

// removeSkeleton removes what is in a home as useradd has put it there.
func removeSkeleton(site *kind.Site, skeleton, home string) error {
	names, err := site.Files.NamesIfAny(skeleton)
	if err != nil {
		return err
	}
	for _, name := range names {
		from, to := skeleton+"/"+name, home+"/"+name
		same, isDirectory, err := sameEntry(site, from, to)
		if err != nil {
			return err
		}
		switch {
		case isDirectory:
			if err := removeSkeleton(site, from, to); err != nil {
				return err
			}
			if _, err := site.Files.RemoveDirectory(to); err != nil {
				return err
			}
		case same:
			if err := site.Files.Remove(to); err != nil {
				return err
			}
		}
	}
	return nil
}

func sameEntry(site *kind.Site, from, to string) (same, directory bool, err error) {
	a, err := site.Files.Lookup(from)
	if err != nil {
		return false, false, err
	}
	b, err := site.Files.Lookup(to)
	if err != nil || a.Kind != b.Kind {
		return false, false, err
	}
	switch a.Kind {
	case "directory":
		return false, true, nil
	case "symbolic link":
		return a.Target == b.Target, false, nil
	case "file":
		want, err := site.Files.Digest(from)
		if err != nil {
			return false, false, err
		}
		found, err := site.Files.Digest(to)
		return found == want, false, err
	}
	return false, false, nil
}
