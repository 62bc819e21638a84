package kind

import (
	"context"
	"fmt"
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/host/internal/process"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// World is the live host as comparisons see it.
type World struct {
	Files   *rooted.FS
	Units   unit.Manager
	Profile *nixstore.Profile
	// Processes returns the processes of a user.
	Processes func(uid int) []process.Process
}

// Goal is what the host is to become, and what it was.
type Goal struct {
	// Manifest is what the host is to become.
	Manifest *schema.Manifest
	// Closure are the store paths that files may come from.
	Closure map[schema.StorePath]bool
	// State is what NixFleet knows of the host.
	State *schema.State
	// Previous is the manifest applied last; nil where there is none.
	Previous *schema.Manifest
}

// Compare returns the work that makes the host what the goal says.
func Compare(ctx context.Context, kinds []Kind, world World, goal Goal) (*Found, error) {
	accounts, err := account.Load(world.Files)
	if err != nil {
		return nil, err
	}
	c := &Comparison{
		World: world, Goal: goal, Context: ctx, Accounts: accounts, kinds: kinds, found: &Found{Owned: schema.Owned{}},
		Homes: map[string]bool{}, Above: map[string]bool{}, Gone: map[string]bool{}, Emptied: map[string]bool{}, Changed: map[string]bool{},
		Leaving: map[schema.AccountName]bool{}, Stopping: map[schema.UnitName]bool{},
	}
	c.lookAtPaths()
	if err := c.run(); err != nil {
		return nil, err
	}
	c.found.sort()
	c.found.Refusals = sortRefusals(c.found.Refusals)
	return c.found, nil
}

// Comparison is a Compare at work. Kinds tell each other through it what they find.
type Comparison struct {
	World
	Goal
	Context context.Context
	// Accounts are the host's.
	Accounts *account.Database
	// Homes are directories that useradd makes: homes, and what is missing above them.
	Homes map[string]bool
	// Above are all directories above something that the goal has.
	Above map[string]bool
	// Gone are owned files that go, without an original that comes back: they are as
	// good as absent. Emptied are owned directories that go.
	Gone, Emptied map[string]bool
	// Needed are paths that are put in place, so that their directories must exist.
	Needed []string
	// Changed are the paths that are put in place, changed or removed.
	Changed map[string]bool
	// Leaving are the users that get another primary group, or go.
	Leaving map[schema.AccountName]bool
	// Stopping are the units that stop before anything changes.
	Stopping map[schema.UnitName]bool

	kinds []Kind
	found *Found
	// wanted is the content that the goal has at each path, previous what the manifest
	// before has.
	wanted, previous map[string]Content
	rank             int // of the kind at work
}

func (c *Comparison) run() error {
	hooks := make([]Hooks, len(c.kinds))
	for i, k := range c.kinds {
		hooks[i] = k.Compare(c)
	}
	for i, h := range slices.Backward(hooks) {
		if err := c.call(i, h.Release); err != nil {
			return err
		}
	}
	for i, h := range hooks {
		if err := c.call(i, h.Compare); err != nil {
			return err
		}
	}
	for i, h := range slices.Backward(hooks) {
		if err := c.call(i, h.Finish); err != nil {
			return err
		}
	}
	return c.findObstacles()
}

func (c *Comparison) call(rank int, hook func() error) error {
	if hook == nil {
		return nil
	}
	c.rank = rank
	return hook()
}

// Add adds an item. What is created was missing.
func (c *Comparison) Add(item *Item) {
	if item.Action == schema.Create && len(item.Differences) == 0 {
		item.Differences = []schema.Difference{{Property: schema.PropertyType, Was: item.Object.Kind, Is: "nothing"}}
	}
	item.kind, item.rank = c.kinds[c.rank].Name, c.rank
	c.found.Items = append(c.found.Items, item)
}

// Items are those that were added so far.
func (c *Comparison) Items() []*Item { return c.found.Items }

// Refuse adds a refusal because of an object.
func (c *Comparison) Refuse(of Object, hint, format string, args ...any) {
	c.RefuseAs(Refusal{Object: of, Hint: hint}, format, args...)
}

// RefuseAs adds a refusal with that message.
func (c *Comparison) RefuseAs(refusal Refusal, format string, args ...any) {
	refusal.Message = fmt.Sprintf(format, args...)
	c.found.Refusals = append(c.found.Refusals, refusal)
}

// Refused is the number of refusals so far.
func (c *Comparison) Refused() int { return len(c.found.Refusals) }

// Note says something to people.
func (c *Comparison) Note(format string, args ...any) {
	c.found.Notes = append(c.found.Notes, fmt.Sprintf(format, args...))
}

// Own notes that an object belongs to NixFleet afterwards.
func (c *Comparison) Own(of Object, original schema.Original) {
	c.found.Owned.Set(of.Kind, of.Name, original)
}

// WillOwn returns what was noted of an object.
func (c *Comparison) WillOwn(of Object) (schema.Original, bool) {
	original, owned := c.found.Owned[of.Kind][of.Name]
	return original, owned
}

// Owns reports whether an object belongs to NixFleet by now, and what it was before.
func (c *Comparison) Owns(of Object) (schema.Original, bool) {
	original, owned := c.State.Owned[of.Kind][of.Name]
	return original, owned
}

// UserExists reports whether a user exists while the change is made.
func (c *Comparison) UserExists(name schema.AccountName) bool {
	_, exists := c.Accounts.User(name)
	return exists && !c.DropsUser(name) || c.wantsUser(name)
}

// GroupExists reports whether a group exists while the change is made.
func (c *Comparison) GroupExists(name schema.AccountName) bool {
	_, exists := c.Accounts.Group(name)
	return exists && !c.DropsGroup(name) || c.wantsGroup(name)
}

// DropsUser reports whether a user was created by us and the goal does not have it.
func (c *Comparison) DropsUser(name schema.AccountName) bool {
	original, owned := c.State.Owned[schema.KindUser][string(name)]
	return owned && !original.Adopted && !c.wantsUser(name)
}

// DropsGroup reports whether a group was created by us and the goal does not have it.
func (c *Comparison) DropsGroup(name schema.AccountName) bool {
	original, owned := c.State.Owned[schema.KindGroup][string(name)]
	return owned && !original.Adopted && !c.wantsGroup(name)
}

func (c *Comparison) wantsUser(name schema.AccountName) bool {
	return slices.ContainsFunc(c.Manifest.Users, func(u schema.User) bool { return u.Name == name })
}

func (c *Comparison) wantsGroup(name schema.AccountName) bool {
	return slices.ContainsFunc(c.Manifest.Groups, func(g schema.Group) bool { return g.Name == name })
}

// CheckOwner refuses an owner or group that does not exist.
func (c *Comparison) CheckOwner(of Object, owner, group schema.AccountName) bool {
	if !c.UserExists(owner) {
		c.Refuse(of, "declare it in nixfleet.users", "the owner %q of %s exists neither on the host nor in the manifest", owner, of.Name)
	}
	if !c.GroupExists(group) {
		c.Refuse(of, "declare it in nixfleet.groups", "the group %q of %s exists neither on the host nor in the manifest", group, of.Name)
	}
	return c.UserExists(owner) && c.GroupExists(group)
}

// findObstacles refuses what the kernel would refuse in the middle of the work.
func (c *Comparison) findObstacles() error {
	for _, item := range c.found.Items {
		if item.Path == "" {
			continue
		}
		obstacle, err := c.Files.Obstacle(item.Path)
		if err != nil {
			return err
		}
		if obstacle == "" {
			continue
		}
		hint := "lsattr shows it, and chattr -i or -a takes it away"
		if obstacle == rooted.MountPoint {
			hint = "unmount it, or leave it out"
		}
		c.Refuse(item.Object, hint, "cannot change %s: %s", item.Path, obstacle)
	}
	return nil
}
