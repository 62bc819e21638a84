package manifestdiff

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

func (d *difference) groups() {
	for _, p := range pairs(d.old.Groups, d.new.Groups, func(g *schema.Group) schema.AccountName { return g.Name }) {
		switch {
		case p.old == nil:
			d.add(account, does(schema.Create, schema.KindGroup, p.name, numbered("gid", p.new.GID), takesOver(p.new.Adopt)))
		case p.new == nil:
			change := does(schema.Remove, schema.KindGroup, p.name, "", givesBack(p.old.Adopt))
			change.Condition = "if no other user has it as the primary group"
			d.add(droppedGroup, change)
		default:
			d.renumber(schema.KindGroup, p.name, "gid", p.old.GID, p.new.GID)
			d.declare(account, schema.KindGroup, p.name, flag("system", p.old.System, p.new.System), flag("adopt", p.old.Adopt, p.new.Adopt))
		}
	}
}

func (d *difference) users() {
	for _, p := range pairs(d.old.Users, d.new.Users, func(u *schema.User) schema.AccountName { return u.Name }) {
		switch {
		case p.old == nil:
			d.add(account, does(schema.Create, schema.KindUser, p.name, newUser(p.new), takesOver(p.new.Adopt)))
		case p.new == nil:
			d.add(droppedUser, does(schema.Remove, schema.KindUser, p.name, "the home directory stays", "refused while it has processes", givesBack(p.old.Adopt)))
		default:
			d.sameUser(p.old, p.new)
		}
	}
}

// newUser says what a user may do and how it logs in.
func newUser(u *schema.User) string {
	parts := []string{numbered("uid", u.UID), "group " + string(u.Group), "", "shell " + u.Shell}
	if len(u.ExtraGroups) > 0 {
		parts[2] = "extra groups " + join(u.ExtraGroups)
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

func (d *difference) sameUser(before, after *schema.User) {
	name := string(after.Name)
	d.renumber(schema.KindUser, name, "uid", before.UID, after.UID)
	change := updates(schema.KindUser, name,
		field("group", before.Group, after.Group),
		field("extra groups", join(extraGroups(before)), join(extraGroups(after))),
		field("home", before.Home, after.Home),
		field("shell", before.Shell, after.Shell),
		field("description", strconv.Quote(before.Description), strconv.Quote(after.Description)))
	if before.Home != after.Home {
		change.Note = "the contents of the old home stay there; refused while the user has processes"
	}
	if len(change.Fields) > 0 {
		d.add(account, change)
	}
	d.declare(account, schema.KindUser, name, flag("system", before.System, after.System), flag("create home", before.CreateHome, after.CreateHome),
		flag("adopt", before.Adopt, after.Adopt),
		flag("extra groups, with the primary one", slices.Contains(before.ExtraGroups, before.Group), slices.Contains(after.ExtraGroups, after.Group)))
}

// extraGroups are those besides the primary one, which has no effect if it is listed again.
func extraGroups(u *schema.User) []schema.AccountName {
	return slices.DeleteFunc(slices.Clone(u.ExtraGroups), func(g schema.AccountName) bool { return g == u.Group })
}

// renumber is a change of a number. A host refuses it, because files keep the old one.
func (d *difference) renumber(kind, name, what string, before, after *int) {
	if before == nil && after == nil || before != nil && after != nil && *before == *after {
		return
	}
	change := updates(kind, name, field(what, number(before), number(after)))
	change.Refused, change.Note = true, "files keep the old number, so a host refuses to change it"
	switch {
	case after == nil:
		change.Refused, change.Inert, change.Note = false, true, "the host keeps the number that it has"
	case before == nil:
		change.Condition = "if the host chose another number"
	}
	d.add(account, change)
}

func number(n *int) string {
	if n == nil {
		return "the host's choice"
	}
	return strconv.Itoa(*n)
}

func numbered(what string, n *int) string {
	if n == nil {
		return ""
	}
	return what + " " + strconv.Itoa(*n)
}
