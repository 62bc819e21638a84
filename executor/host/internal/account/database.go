// Package account reads the host's users and groups and changes them with the
// host's own tools.
package account

import (
	"bufio"
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// User is a line of /etc/passwd.
type User struct {
	Name        schema.AccountName
	UID, GID    int
	Description string
	Home, Shell string
}

// Group is a line of /etc/group.
type Group struct {
	Name    schema.AccountName
	GID     int
	Members []schema.AccountName
}

// Database is what /etc/passwd and /etc/group say. Accounts from elsewhere (LDAP,
// systemd-homed) are not in it: they are not there yet when a host boots.
type Database struct {
	users  map[schema.AccountName]User
	groups map[schema.AccountName]Group
}

// Load reads the host's accounts. Lines that libc cannot use either, as NIS's
// "+::::::", are passed over.
func Load(files *rooted.FS) (*Database, error) {
	db := &Database{map[schema.AccountName]User{}, map[schema.AccountName]Group{}}
	passwd, err := files.Read("/etc/passwd")
	if err != nil {
		return nil, err
	}
	for fields := range records(passwd, 7) {
		if user, err := parseUser(fields); err == nil {
			db.users[user.Name] = user
		}
	}
	group, err := files.Read("/etc/group")
	if err != nil {
		return nil, err
	}
	for fields := range records(group, 4) {
		if group, err := parseGroup(fields); err == nil {
			db.groups[group.Name] = group
		}
	}
	return db, nil
}

// records yields the lines that have so many fields.
func records(data []byte, fields int) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			record := strings.Split(lines.Text(), ":")
			if len(record) == fields && !strings.HasPrefix(record[0], "#") && !yield(record) {
				return
			}
		}
	}
}

func parseUser(f []string) (User, error) {
	uid, err := strconv.Atoi(f[2])
	if err != nil {
		return User{}, err
	}
	gid, err := strconv.Atoi(f[3])
	if err != nil {
		return User{}, err
	}
	return User{schema.AccountName(f[0]), uid, gid, f[4], f[5], f[6]}, nil
}

func parseGroup(f []string) (Group, error) {
	gid, err := strconv.Atoi(f[2])
	if err != nil {
		return Group{}, err
	}
	group := Group{Name: schema.AccountName(f[0]), GID: gid}
	for member := range strings.SplitSeq(f[3], ",") {
		if member != "" {
			group.Members = append(group.Members, schema.AccountName(member))
		}
	}
	return group, nil
}

// User returns a user by name.
func (db *Database) User(name schema.AccountName) (User, bool) {
	user, ok := db.users[name]
	return user, ok
}

// Group returns a group by name.
func (db *Database) Group(name schema.AccountName) (Group, bool) {
	group, ok := db.groups[name]
	return group, ok
}

// UserName returns the name of a user id, or the number.
func (db *Database) UserName(uid int) string {
	names := namesOf(db.users, func(u User) bool { return u.UID == uid })
	return firstOr(names, uid)
}

// GroupName returns the name of a group id, or the number.
func (db *Database) GroupName(gid int) string {
	names := namesOf(db.groups, func(g Group) bool { return g.GID == gid })
	return firstOr(names, gid)
}

// UsersOf returns the users whose primary group is gid, sorted.
func (db *Database) UsersOf(gid int) []schema.AccountName {
	return namesOf(db.users, func(u User) bool { return u.GID == gid })
}

// HoldersOf returns the users that have a uid, sorted.
func (db *Database) HoldersOf(uid int) []schema.AccountName {
	return namesOf(db.users, func(u User) bool { return u.UID == uid })
}

// GroupsWith returns the groups that have a gid, sorted.
func (db *Database) GroupsWith(gid int) []schema.AccountName {
	return namesOf(db.groups, func(g Group) bool { return g.GID == gid })
}

// GroupsOf returns the groups that list a user as a member, sorted.
func (db *Database) GroupsOf(user schema.AccountName) []schema.AccountName {
	return namesOf(db.groups, func(g Group) bool { return slices.Contains(g.Members, user) })
}

func namesOf[T any](table map[schema.AccountName]T, match func(T) bool) []schema.AccountName {
	var names []schema.AccountName
	for name, record := range table {
		if match(record) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func firstOr(names []schema.AccountName, id int) string {
	if len(names) == 0 {
		return strconv.Itoa(id)
	}
	return string(names[0])
}
