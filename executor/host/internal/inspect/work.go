// Package inspect compares a host with what it shall be. It looks at everything
// that is or will be managed, changes nothing, and returns the work that an
// apply would do, in order, or all reasons why it must not.
package inspect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// Work is what an apply does, in the order of its fields.
type Work struct {
	// Refusals are the reasons not to begin. Then the rest may be incomplete.
	Refusals []Refusal
	// Stops are units that stop under their old text.
	Stops []Step[schema.UnitName]
	// Groups and Users are accounts to create, change or adopt.
	Groups []Step[schema.Group]
	Users  []Step[UserWork]
	// Removals are files and links that go, or whose original comes back.
	Removals []Step[Removal]
	// Emptied are directories to remove; children come first.
	Emptied []Step[string]
	// Directories are directories to change or make; parents come first.
	Directories []Step[DirectoryWork]
	// Files are files and links to put in place, unit files and their links included.
	Files []Step[FileWork]
	// Profile is the closure to switch to; nil when it is in effect.
	Profile *Step[schema.StorePath]
	// DaemonReload says that systemd must read its units again.
	DaemonReload bool
	// Jobs are units to start, restart or reload.
	Jobs []Step[unit.Job]
	// DroppedUsers and DroppedGroups are accounts to remove or let go. Removing one
	// cannot be undone, so it comes when everything else is sure.
	DroppedUsers  []Step[DroppedUser]
	DroppedGroups []Step[schema.AccountName]
	// Keep are enabled units that run, and shall still run when the work is done.
	Keep []schema.UnitName
	// Forget are units that will not be there any more, of which systemd may know
	// that they failed.
	Forget []schema.UnitName
	// Owned is what belongs to NixFleet afterwards.
	Owned schema.Owned
	// Notes are for people: what was left alone, and why.
	Notes []string
}

// Step is one thing to do, with what is reported of it. Steps that belong to
// another one's report, as the link that enables a new unit, have none.
type Step[T any] struct {
	Do     T
	Change *schema.Change
}

// UserWork creates a user, or changes one.
type UserWork struct {
	User   schema.User
	Create bool
	Edit   account.Edit
}

// DroppedUser is a user to remove; with an edit, one that goes back to what it was.
type DroppedUser struct {
	Name   schema.AccountName
	Remove bool
	Edit   *account.Edit
}

// Removal is a file or link to remove, or one whose original comes back.
type Removal struct {
	Path     string
	Original schema.Original
	// Unmasks is the unit that the link kept from starting; empty for other files.
	Unmasks schema.UnitName
	// Edited says that it is not what the manifest before has put there.
	Edited bool
}

// DirectoryWork makes a directory, or changes one.
type DirectoryWork struct {
	Path   string
	Create bool
	Owner  Ownership
}

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

// FileWork puts a file or link in place.
type FileWork struct {
	Path string
	// Payload, Source or Symlink is the content.
	Payload schema.Digest
	Source  string
	Symlink string
	Owner   Ownership
	// Validate is a command for sh that must accept the file; may be empty.
	Validate string
	// Replace says that something is there which goes.
	Replace bool
	// Edited says that what goes is not what the manifest before has put there.
	Edited bool
	// Home says that useradd may put something there first, from /etc/skel.
	Home bool
}

// Empty reports whether there is nothing to do.
func (w *Work) Empty() bool {
	return len(w.Stops)+len(w.Groups)+len(w.Users)+len(w.Removals)+len(w.Directories)+len(w.Emptied)+len(w.Files)+
		len(w.DroppedUsers)+len(w.DroppedGroups)+len(w.Jobs) == 0 && w.Profile == nil && !w.DaemonReload
}

// Changes returns the reports of all steps, in order.
func (w *Work) Changes() []schema.Change {
	changes := []schema.Change{}
	changes = report(changes, w.Stops)
	changes = report(changes, w.Groups)
	changes = report(changes, w.Users)
	changes = report(changes, w.Removals)
	changes = report(changes, w.Emptied)
	changes = report(changes, w.Directories)
	changes = report(changes, w.Files)
	if w.Profile != nil {
		changes = append(changes, *w.Profile.Change)
	}
	changes = report(changes, w.Jobs)
	changes = report(changes, w.DroppedUsers)
	return report(changes, w.DroppedGroups)
}

func report[T any](changes []schema.Change, steps []Step[T]) []schema.Change {
	for _, step := range steps {
		if step.Change != nil {
			changes = append(changes, *step.Change)
		}
	}
	return changes
}

// Refusal is a reason not to touch the host.
type Refusal struct {
	// Message says what is in the way, with expected and found.
	Message string
	// Hint says what to type or do; may be empty.
	Hint string
}

// sortRefusals orders refusals and drops those that are said already.
func sortRefusals(list []Refusal) []Refusal {
	slices.SortFunc(list, func(a, b Refusal) int {
		return cmp.Or(strings.Compare(a.Message, b.Message), strings.Compare(a.Hint, b.Hint))
	})
	return slices.Compact(list)
}

// describe says what stands at a path.
func describe(entry rooted.Entry, accounts *account.Database) string {
	switch entry.Kind {
	case rooted.Absent:
		return "nothing"
	case rooted.Symlink:
		return "a symbolic link to " + quote(entry.Target)
	case rooted.File, rooted.Directory:
		return "a " + string(entry.Kind) + " with mode " + string(entry.ModeText()) +
			", owner " + accounts.UserName(entry.UID) + " and group " + accounts.GroupName(entry.GID)
	}
	return "a " + string(entry.Kind)
}

// Texts returns the message and the hints of refusals, for people.
func Texts(list []Refusal) (message, hint string) {
	var messages, hints []string
	for _, refusal := range list {
		messages = append(messages, refusal.Message)
		if refusal.Hint != "" && !slices.Contains(hints, refusal.Hint) {
			hints = append(hints, refusal.Hint)
		}
	}
	hint = strings.Join(hints, "\n")
	if len(messages) == 1 {
		return messages[0], hint
	}
	return fmt.Sprintf("%d things are in the way:\n  %s", len(messages), strings.Join(messages, "\n  ")), hint
}
