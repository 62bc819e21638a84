package account

import (
	"strconv"

	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// Ownership is a mode with an owner and group, by name, since they may not exist
// yet; or by number, where an original comes back.
type Ownership struct {
	Mode  uint32             `json:"mode"`
	Owner schema.AccountName `json:"owner,omitempty"`
	Group schema.AccountName `json:"group,omitempty"`
	// UID and GID are for where the names are empty.
	UID int `json:"uid"`
	GID int `json:"gid"`
}

// Meta resolves the names, where the accounts exist already. It is not ok where one
// does not.
func (o Ownership) Meta(accounts *Database) (rooted.Meta, bool) {
	result := rooted.Meta{Mode: o.Mode, UID: o.UID, GID: o.GID}
	if o.Owner == "" {
		return result, true
	}
	user, userOK := accounts.User(o.Owner)
	group, groupOK := accounts.Group(o.Group)
	result.UID, result.GID = user.UID, group.GID
	return result, userOK && groupOK
}

// Names returns the names of the owner and the group.
func (o Ownership) Names(accounts *Database) (owner, group string) {
	owner, group = string(o.Owner), string(o.Group)
	if owner == "" {
		owner = accounts.UserName(o.UID)
	}
	if group == "" {
		group = accounts.GroupName(o.GID)
	}
	return owner, group
}

// Differences says what of a file or directory is not as an ownership by name has it.
func (o Ownership) Differences(found rooted.Entry, accounts *Database) []schema.Difference {
	var differences []schema.Difference
	if found.Mode != o.Mode {
		differences = append(differences, schema.Difference{Property: "mode", Was: string(schema.ModeOf(o.Mode)), Is: string(found.ModeText())})
	}
	if user, ok := accounts.User(o.Owner); !ok || user.UID != found.UID {
		differences = append(differences, schema.Difference{Property: "owner", Was: string(o.Owner), Is: accounts.UserName(found.UID)})
	}
	if group, ok := accounts.Group(o.Group); !ok || group.GID != found.GID {
		differences = append(differences, schema.Difference{Property: "group", Was: string(o.Group), Is: accounts.GroupName(found.GID)})
	}
	return differences
}

// NumberDifference is one of a uid or gid.
func NumberDifference(property string, was, is int) []schema.Difference {
	return []schema.Difference{{Property: property, Was: strconv.Itoa(was), Is: strconv.Itoa(is)}}
}
