package user

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/schema"
)

// drop finds the users that the goal does not have any more, and those that may not
// be changed because they have processes.
func (c *comparison) drop() error {
	for _, key := range slices.Sorted(maps.Keys(c.State.Owned[schema.KindUser])) {
		name := schema.AccountName(key)
		found, exists := c.Accounts.User(name)
		if exists && !slices.ContainsFunc(c.Manifest.Users, func(u schema.User) bool { return u.Name == name }) {
			c.dropUser(found)
		}
	}
	c.checkProcesses()
	return nil
}

func (c *comparison) dropUser(found account.User) {
	of := object(found.Name)
	original, _ := c.Owns(of)
	if !original.Adopted {
		c.mustBeIdle(found.Name, "removing it")
		c.Leaving[found.Name] = true
		c.add(&kind.Item{
			Object: of, Action: schema.Remove, Detail: "the home directory stays", Goes: true, Forward: true,
			Work: removalWork{found.Name, func() bool { return c.removesGroup(found.Name) }},
		})
		return
	}
	item := &kind.Item{Object: of, Action: schema.GiveUp, Goes: true}
	if original.User != nil {
		edit := account.EditBack(c.Accounts.Describe(found), original.User)
		if edit.Home != nil {
			c.mustBeIdle(found.Name, "changing its home back")
		}
		c.Leaving[found.Name] = edit.Group != nil
		if edit != (account.Edit{}) {
			item.Work = work{user: schema.User{Name: found.Name}, edit: edit}
		}
	}
	c.add(item)
}

func (c *comparison) removesGroup(name schema.AccountName) bool {
	of := kind.Object{Kind: schema.KindGroup, Name: string(name)}
	return slices.ContainsFunc(c.Items(), func(i *kind.Item) bool { return i.Object == of && i.Action == schema.Remove })
}

// mustBeIdle remembers that a user may have no processes when it is changed.
func (c *comparison) mustBeIdle(name schema.AccountName, change string) { c.busy[name] = change }

// checkProcesses refuses to change users with processes, which usermod and
// userdel would refuse in the middle of the work. Processes of units that stop
// by then do not count.
func (c *comparison) checkProcesses() {
	for _, name := range slices.Sorted(maps.Keys(c.busy)) {
		found, _ := c.Accounts.User(name)
		for _, process := range c.Processes(found.UID) {
			if c.Stopping[process.Unit] {
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
			c.Refuse(object(name), hint, "the user %q has a running process, which forbids %s: expected none, found process %d%s",
				name, c.busy[name], process.ID, of)
			break
		}
	}
}
