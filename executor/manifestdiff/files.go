package manifestdiff

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

func (d *difference) directories() {
	for _, p := range pairs(d.old.Directories, d.new.Directories, func(dir *schema.Directory) string { return dir.Path }) {
		switch {
		case p.old == nil:
			change := does(schema.Create, schema.KindDirectory, p.name, owned(p.new.Mode, p.new.Owner, p.new.Group), takesOver(p.new.Adopt))
			if hasBelow(d.old, p.name) {
				change.Action, change.Condition = schema.Update, "if it is not so already"
			}
			d.add(directory, change)
		case p.new == nil && hasBelow(d.new, p.name):
			d.undeclared(p.old)
		case p.new == nil:
			change := does(schema.Remove, schema.KindDirectory, p.name, "", givesBack(p.old.Adopt))
			change.Condition = "if it is empty by then"
			d.add(emptied, change)
		default:
			d.update(directory, schema.KindDirectory, p.name, ownership(p.old.Mode, p.old.Owner, p.old.Group, p.new.Mode, p.new.Owner, p.new.Group)...)
			d.declare(directory, schema.KindDirectory, p.name, flag("adopt", p.old.Adopt, p.new.Adopt))
		}
	}
}

// undeclared is a directory that is no longer declared and still contains something
// that is.
func (d *difference) undeclared(dir *schema.Directory) {
	change := updates(schema.KindDirectory, dir.Path, ownership(dir.Mode, dir.Owner, dir.Group, "0755", "root", "root")...)
	change.Inert = len(change.Fields) == 0
	change.Note = "no longer declared; it stays, because something in it is managed"
	if dir.Adopt {
		change.Note += ", or becomes what it was before it was adopted"
	}
	d.add(directory, change)
}

func ownership(mode schema.Mode, owner, group schema.AccountName, newMode schema.Mode, newOwner, newGroup schema.AccountName) []schema.Difference {
	return []schema.Difference{field("mode", mode, newMode), field("owner", owner, newOwner), field("group", group, newGroup)}
}

func owned(mode schema.Mode, owner, group schema.AccountName) string {
	return string(mode) + " " + string(owner) + ":" + string(group)
}

// hasBelow reports whether a manifest has something below a directory.
func hasBelow(m *schema.Manifest, dir string) bool {
	below := func(name string) bool { return strings.HasPrefix(name, dir+"/") }
	unit := func(u schema.Unit) bool { return below(u.Name.File()) || slices.ContainsFunc(linkPaths(&u), below) }
	return slices.ContainsFunc(m.Files, func(f schema.File) bool { return below(f.Path) }) ||
		slices.ContainsFunc(m.Directories, func(d schema.Directory) bool { return below(d.Path) }) ||
		slices.ContainsFunc(m.Units, unit) || slices.ContainsFunc(m.Masks, func(name schema.UnitName) bool { return below(name.File()) })
}

func (d *difference) files() {
	for _, p := range pairs(d.old.Files, d.new.Files, func(f *schema.File) string { return f.Path }) {
		switch {
		case p.old == nil:
			d.change.Changed[p.name] = true
			change := does(schema.Create, schema.KindFile, p.name, described(p.new), takesOver(p.new.Adopt), validated(p.new))
			if p.new.Symlink == "" {
				change.Fields = []schema.Difference{field("mode", "", p.new.Mode)}
			}
			d.addContent(file, change, Content{}, contentOf(p.new))
		case p.new == nil:
			d.change.Changed[p.name], d.change.Removed[p.name] = true, true
			d.addContent(removal, does(schema.Remove, schema.KindFile, p.name, "", givesBack(p.old.Adopt)), contentOf(p.old), Content{})
		default:
			d.sameFile(p.old, p.new)
		}
	}
}

func contentOf(f *schema.File) Content { return Content{Payload: f.Payload, Source: f.Source} }

// content is a difference of contents, by digests and paths in the closure.
func content(before, after Content) schema.Difference {
	return field(schema.PropertyContent, string(before.Payload)+before.Source, string(after.Payload)+after.Source)
}

func described(f *schema.File) string {
	switch {
	case f.Symlink != "":
		return "a link to " + f.Symlink
	case f.Source != "":
		return owned(f.Mode, f.Owner, f.Group) + ", from " + f.Source
	}
	return owned(f.Mode, f.Owner, f.Group)
}

func validated(f *schema.File) string {
	if f.Validate == "" {
		return ""
	}
	return "must pass " + f.Validate
}

func (d *difference) sameFile(before, after *schema.File) {
	owner := ownership(before.Mode, before.Owner, before.Group, after.Mode, after.Owner, after.Group)
	old, now := contentOf(before), contentOf(after)
	silent := []schema.Difference{field("validate", before.Validate, after.Validate), flag("adopt", before.Adopt, after.Adopt)}
	var change schema.PlannedChange
	switch isLink, wasLink := after.Symlink != "", before.Symlink != ""; {
	case isLink && wasLink:
		change = updates(schema.KindFile, after.Path, field("link", strconv.Quote(before.Symlink), strconv.Quote(after.Symlink)))
	case isLink:
		change = does(schema.Update, schema.KindFile, after.Path, "was a file, becomes a link to "+after.Symlink)
		change.Fields = []schema.Difference{field("link", "", after.Symlink)}
	case wasLink:
		change = does(schema.Update, schema.KindFile, after.Path, "was a link to "+before.Symlink+", becomes a file")
		change.Fields = []schema.Difference{field("link", before.Symlink, ""), content(old, now), field("mode", "", after.Mode)}
	default:
		change = updates(schema.KindFile, after.Path, owner...)
		if old != now {
			if change.Detail == "" && before.Source != "" && after.Source != "" {
				change.Condition = "unless the content is the same"
			}
			change.Fields = append([]schema.Difference{content(old, now)}, change.Fields...)
			change.Detail = strings.TrimSuffix("content, "+change.Detail, ", ")
		}
	}
	if after.Symlink != "" {
		silent = append(append(silent, content(old, now)), owner...)
	}
	if change.Note = validated(after); len(change.Fields) > 0 {
		d.change.Changed[after.Path] = true
		d.addContent(file, change, old, now)
	}
	d.declare(file, schema.KindFile, after.Path, silent...)
}
