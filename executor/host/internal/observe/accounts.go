package observe

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

func (d *differ) groups() {
	for _, group := range d.Applied.Groups {
		found, exists := d.accounts.Group(group.Name)
		switch {
		case !exists:
			d.add("group", string(group.Name), schema.Difference{Property: schema.PropertyType, Was: "group", Is: "nothing"})
		case group.GID != nil && found.GID != *group.GID:
			d.add("group", string(group.Name), schema.Difference{Property: "gid", Was: strconv.Itoa(*group.GID), Is: strconv.Itoa(found.GID)})
		}
	}
}

// users looks at the users that exist with another number, and at those that are
// to be made or changed.
func (d *differ) users() {
	for _, user := range d.Applied.Users {
		if found, exists := d.accounts.User(user.Name); exists && user.UID != nil && found.UID != *user.UID {
			d.add("user", string(user.Name), schema.Difference{Property: "uid", Was: strconv.Itoa(*user.UID), Is: strconv.Itoa(found.UID)})
		}
	}
	for _, step := range d.work.Users {
		user, edit := step.Do.User, step.Do.Edit
		found, exists := d.accounts.User(user.Name)
		if !exists {
			d.add("user", string(user.Name), schema.Difference{Property: schema.PropertyType, Was: "user", Is: "nothing"})
			continue
		}
		var differences []schema.Difference
		if edit.Group != nil {
			differences = append(differences, schema.Difference{Property: "group", Was: string(*edit.Group), Is: d.accounts.GroupName(found.GID)})
		}
		if edit.ExtraGroups != nil {
			have := slices.DeleteFunc(d.accounts.GroupsOf(user.Name), func(g schema.AccountName) bool { return g == user.Group })
			differences = append(differences, schema.Difference{Property: "extra groups", Was: groupList(*edit.ExtraGroups), Is: groupList(have)})
		}
		for _, field := range []struct {
			property string
			was      *string
			is       string
		}{{"home", edit.Home, found.Home}, {"shell", edit.Shell, found.Shell}, {"description", edit.Description, found.Description}} {
			if field.was != nil {
				differences = append(differences, schema.Difference{Property: field.property, Was: *field.was, Is: field.is})
			}
		}
		d.add("user", string(user.Name), differences...)
	}
}

func groupList(names []schema.AccountName) string {
	if len(names) == 0 {
		return "none"
	}
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}
