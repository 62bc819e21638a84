package resolve

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// What a user has where the intent does not say: as Debian's useradd does for
// services, and as its adduser does for people.
const (
	noHome     = "/nonexistent"
	noShell    = "/usr/sbin/nologin"
	loginShell = "/bin/bash"
)

// maxID is the largest number of an account: 2^32-1 means "no account".
const maxID = 1<<32 - 2

func (r *resolver) groups() []schema.Group {
	groups := []schema.Group{}
	taken := map[int]string{}
	for _, name := range slices.Sorted(maps.Keys(r.intent.AccountGroups)) {
		g := r.intent.AccountGroups[name]
		r.checkAccountName("groups", name, "", name, g.At)
		r.checkNumber("groups", name, "gid", g.GID, g.At, taken)
		groups = append(groups, schema.Group{Name: schema.AccountName(name), GID: g.GID, System: g.System, Adopt: g.Adopt})
	}
	return groups
}

func (r *resolver) users() []schema.User {
	users := []schema.User{}
	taken := map[int]string{}
	for _, name := range slices.Sorted(maps.Keys(r.intent.Users)) {
		u := r.intent.Users[name]
		r.checkAccountName("users", name, "", name, u.At)
		r.checkAccountName("users", name, "group", u.Group, u.At)
		r.checkNumber("users", name, "uid", u.UID, u.At, taken)
		user := schema.User{
			Name: schema.AccountName(name), UID: u.UID, System: u.System, Group: schema.AccountName(u.Group),
			ExtraGroups: r.extraGroups(name, u), Home: or(u.Home, noHome), CreateHome: u.CreateHome,
			Shell: or(u.Shell, noShell), Description: u.Description, Adopt: u.Adopt,
		}
		if !u.System {
			user.Home, user.Shell = or(u.Home, "/home/"+name), or(u.Shell, loginShell)
		}
		r.checkUser(name, user, u.At)
		users = append(users, user)
	}
	return users
}

func (r *resolver) extraGroups(name string, u intent.User) []schema.AccountName {
	groups := []schema.AccountName{}
	for _, group := range u.ExtraGroups {
		r.checkAccountName("users", name, "extraGroups", group, u.At)
		groups = append(groups, schema.AccountName(group))
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

func (r *resolver) checkAccountName(set, name, field, account, place string) {
	var a schema.AccountName
	if err := a.UnmarshalText([]byte(account)); err != nil {
		where := option(set, name)
		if field != "" {
			where = option(set, name, field)
		}
		r.report(diagnostic.Diagnostic{Code: diagnostic.AccountName, Summary: err.Error(), Option: where, Position: diagnostic.ParsePosition(place)})
	}
}

// checkNumber refuses numbers that are none, root's, and used twice.
func (r *resolver) checkNumber(set, name, field string, number *int, place string, taken map[int]string) {
	if number == nil {
		return
	}
	refuse := func(format string, args ...any) {
		r.report(diagnostic.Diagnostic{
			Code: diagnostic.AccountNumber, Summary: fmt.Sprintf(format, args...), Option: option(set, name, field), Position: diagnostic.ParsePosition(place),
		})
	}
	other, used := taken[*number]
	switch {
	case *number < 0 || *number > maxID:
		refuse("%s %d is out of range: expected 1 to %d", field, *number, maxID)
	case *number == 0 && name != "root":
		refuse("%s 0 is root's", field)
	case used:
		refuse("%s %d is used twice: by %q and %q", field, *number, other, name)
	}
	taken[*number] = name
}

// checkUser refuses what the lines of /etc/passwd cannot hold.
func (r *resolver) checkUser(name string, user schema.User, place string) {
	refuse := func(field, format string, args ...any) {
		r.report(diagnostic.Diagnostic{
			Code: diagnostic.AccountField, Summary: fmt.Sprintf(format, args...), Option: option("users", name, field), Position: diagnostic.ParsePosition(place),
		})
	}
	for _, p := range []struct{ field, path string }{{"home", user.Home}, {"shell", user.Shell}} {
		if !path.IsAbs(p.path) || path.Clean(p.path) != p.path || strings.ContainsAny(p.path, ":\n") {
			refuse(p.field, "the %s %q is not an absolute, clean path without colons", p.field, p.path)
		}
	}
	if strings.ContainsAny(user.Description, ":\n") {
		refuse("description", "the description %q has a colon or a line break, which /etc/passwd cannot hold", user.Description)
	}
	if user.CreateHome && user.Home == noHome {
		refuse("createHome", "createHome needs a home")
	}
}
