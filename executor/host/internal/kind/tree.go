package kind

import (
	"errors"
	"fmt"
	"path"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// lookAtPaths finds what the goal has on the file system, and what it does not have
// any more.
func (c *Comparison) lookAtPaths() {
	c.wanted = Paths(c.kinds, c.Manifest)
	if c.Previous != nil && c.State.Applied != nil {
		c.previous = Paths(c.kinds, c.Previous)
	}
	for name := range c.wanted {
		for dir := path.Dir(name); dir != "/" && !c.Above[dir]; dir = path.Dir(dir) {
			c.Above[dir] = true
		}
	}
	for name, original := range c.State.Owned[schema.KindFile] {
		if !c.Wants(name) && !ComesBack(original) {
			c.Gone[name] = true
		}
	}
}

// Paths returns what a manifest has on the file system.
func Paths(kinds []Kind, m *schema.Manifest) map[string]Content {
	paths := map[string]Content{}
	for _, k := range kinds {
		if k.Paths != nil {
			k.Paths(m, func(name string, content Content) { paths[name] = content })
		}
	}
	return paths
}

// Wants reports whether the goal has a file or link at a path.
func (c *Comparison) Wants(name string) bool {
	content, wanted := c.wanted[name]
	return wanted && !content.Directory
}

// WantsDirectory reports whether the goal declares a directory.
func (c *Comparison) WantsDirectory(name string) bool { return c.wanted[name].Directory }

// Had returns what the manifest before has at a path.
func (c *Comparison) Had(name string) (Content, bool) {
	content, had := c.previous[name]
	return content, had
}

// ComesBack reports whether an original returns when the intent lets go. A unit
// of the operating system that ours only hid returns by itself.
func ComesBack(original schema.Original) bool {
	return original.Adopted && (original.Content != "" || original.Symlink != "")
}

// Lookup tells what will stand at a path when everything that goes is gone. It is
// not ok, and refused, where the path leads through something else than directories.
func (c *Comparison) Lookup(of Object, name string) (entry rooted.Entry, ok bool, err error) {
	entry, err = c.Files.Lookup(name)
	var blocked *rooted.BlockedError
	switch {
	case errors.As(err, &blocked) && c.Gone[blocked.Component] && blocked.Entry.Removable():
		return rooted.Entry{}, true, nil
	case errors.As(err, &blocked):
		c.RefuseAs(Refusal{
			Object: of, Hint: "move it away, or declare the path as it really is",
			Differences: []schema.Difference{{Property: schema.PropertyObstacle, Was: "nothing", Is: blocked.Error()}},
		}, "cannot manage %s: %v", name, blocked)
		return rooted.Entry{}, false, nil
	case err != nil:
		return rooted.Entry{}, false, err
	case c.Gone[name] && entry.Removable(), c.Emptied[name]:
		return rooted.Entry{}, true, nil
	}
	return entry, true, nil
}

// Describe says what stands at a path.
func Describe(entry rooted.Entry, accounts *account.Database) string {
	switch entry.Kind {
	case rooted.Absent:
		return "nothing"
	case rooted.Symlink:
		return fmt.Sprintf("a symbolic link to %q", entry.Target)
	case rooted.File, rooted.Directory:
		return "a " + string(entry.Kind) + " with mode " + string(entry.ModeText()) +
			", owner " + accounts.UserName(entry.UID) + " and group " + accounts.GroupName(entry.GID)
	}
	return "a " + string(entry.Kind)
}

// TypeOf names what stands at a path, as drift does.
func TypeOf(entry rooted.Entry) string {
	switch entry.Kind {
	case rooted.Absent:
		return "nothing"
	case rooted.Symlink:
		return "symbolic link to " + entry.Target
	}
	return string(entry.Kind)
}
