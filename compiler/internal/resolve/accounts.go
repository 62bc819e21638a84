package resolve

import (
	"path"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// noHome is the home of a service's account that has none.
const noHome = "/nonexistent"

func (r *resolver) checkAccounts() {
	gids, uids := map[int]string{}, map[int]string{}
	for _, group := range r.intent.Manifest.Groups {
		r.checkNumber(entry{"groups", string(group.Name)}, "gid", group.GID, gids)
	}
	for _, user := range r.intent.Manifest.Users {
		r.checkNumber(entry{"users", string(user.Name)}, "uid", user.UID, uids)
		r.checkUser(user)
	}
}

// checkNumber refuses a number that another account has.
func (r *resolver) checkNumber(e entry, field string, number *int, taken map[int]string) {
	if number == nil {
		return
	}
	if other, used := taken[*number]; used {
		r.refuse(e, field, diagnostic.AccountNumber, "%s %d is used twice: by %q and %q", field, *number, other, e.name)
	}
	taken[*number] = e.name
}

// checkUser refuses what the lines of /etc/passwd cannot hold.
func (r *resolver) checkUser(user schema.User) {
	e := entry{"users", string(user.Name)}
	for _, p := range []struct{ field, path string }{{"home", user.Home}, {"shell", user.Shell}} {
		if !path.IsAbs(p.path) || path.Clean(p.path) != p.path || strings.ContainsAny(p.path, ":\n") {
			r.refuse(e, p.field, diagnostic.AccountField, "the %s %q is not an absolute, clean path without colons", p.field, p.path)
		}
	}
	if user.CreateHome && user.Home == noHome {
		r.refuse(e, "createHome", diagnostic.AccountField, "createHome needs a home")
	}
}
