package transition

import (
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// directories returns the directories that go, children first, and those that come
// or change.
func (t *transition) directories() (dropped, kept []Step) {
	for _, p := range pairs(t.old.Directories, t.new.Directories, func(d *schema.Directory) string { return d.Path }) {
		change := schema.Change{Kind: KindDirectory, Object: p.name}
		switch {
		case p.old == nil && onTheWay(t.old, p.name):
			change.Action, change.Detail = schema.Update, owned(p.new.Mode, p.new.Owner, p.new.Group)
			kept = append(kept, Step{Change: change, Note: takesOver(p.new.Adopt), Condition: "if it is not so already"})
		case p.old == nil:
			change.Action, change.Detail = schema.Create, owned(p.new.Mode, p.new.Owner, p.new.Group)
			kept = append(kept, Step{Change: change, Note: takesOver(p.new.Adopt)})
		case p.new == nil && onTheWay(t.new, p.name):
			kept = append(kept, plain(p.old))
		case p.new == nil:
			change.Action = schema.Remove
			dropped = append(dropped, Step{Change: change, Note: givesBack(p.old.Adopt), Condition: "if it is empty by then"})
		default:
			kept = append(kept, changedOwner(KindDirectory, p.name, attributes(p.old.Mode, p.old.Owner, p.old.Group, p.new.Mode, p.new.Owner, p.new.Group))...)
			kept = append(kept, inert(KindDirectory, p.name, field{"adopt", truth(p.old.Adopt), truth(p.new.Adopt)})...)
		}
	}
	slices.Reverse(dropped)
	return dropped, kept
}

// plain is a directory that is no longer declared and still on the way to something.
func plain(d *schema.Directory) Step {
	fields, details := differing(attributes(d.Mode, d.Owner, d.Group, "0755", "root", "root")...)
	step := Step{Change: schema.Change{Action: schema.Update, Kind: KindDirectory, Object: d.Path, Detail: strings.Join(details, ", ")}, Fields: fields,
		Note: "no longer declared; it stays, as it is on the way to something", Inert: len(fields) == 0}
	if d.Adopt {
		step.Note += ", or becomes what it was before it was adopted"
	}
	return step
}

func changedOwner(kind, name string, fields []field) []Step {
	names, details := differing(fields...)
	if len(names) == 0 {
		return nil
	}
	return []Step{{Change: schema.Change{Action: schema.Update, Kind: kind, Object: name, Detail: strings.Join(details, ", ")}, Fields: names}}
}

func attributes(mode schema.Mode, owner, group schema.AccountName, newMode schema.Mode, newOwner, newGroup schema.AccountName) []field {
	return []field{{"mode", string(mode), string(newMode)}, {"owner", string(owner), string(newOwner)}, {"group", string(group), string(newGroup)}}
}

func owned(mode schema.Mode, owner, group schema.AccountName) string {
	return string(mode) + " " + string(owner) + ":" + string(group)
}

// onTheWay reports whether a manifest has something below a directory.
func onTheWay(m *schema.Manifest, dir string) bool {
	below := func(name string) bool { return strings.HasPrefix(name, dir+"/") }
	unit := func(u schema.Unit) bool {
		return below(unitPath(string(u.Name))) || slices.ContainsFunc(u.Links, func(link string) bool { return below(unitPath(link)) })
	}
	return slices.ContainsFunc(m.Files, func(f schema.File) bool { return below(f.Path) }) ||
		slices.ContainsFunc(m.Directories, func(d schema.Directory) bool { return below(d.Path) }) ||
		slices.ContainsFunc(m.Units, unit) || len(m.Masks) > 0 && below(unitPath("x"))
}

// files returns the files that go, and those that come or change.
func (t *transition) files() (removals, kept []Step) {
	for _, p := range pairs(t.old.Files, t.new.Files, func(f *schema.File) string { return f.Path }) {
		change := schema.Change{Kind: KindFile, Object: p.name}
		switch {
		case p.old == nil:
			change.Action, change.Detail = schema.Create, described(p.new)
			t.changed[p.name] = true
			kept = append(kept, Step{Change: change, New: contentOf(p.new), Note: joinNotes(takesOver(p.new.Adopt), validated(p.new))})
		case p.new == nil:
			change.Action = schema.Remove
			t.changed[p.name], t.removed[p.name] = true, true
			removals = append(removals, Step{Change: change, Old: contentOf(p.old), Note: givesBack(p.old.Adopt)})
		default:
			kept = append(kept, t.sameFile(p.old, p.new)...)
		}
	}
	return removals, kept
}

func contentOf(f *schema.File) Content { return Content{Payload: f.Payload, Source: f.Source} }

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

func joinNotes(notes ...string) string {
	return strings.Join(slices.DeleteFunc(notes, func(s string) bool { return s == "" }), "; ")
}

func (t *transition) sameFile(before, after *schema.File) []Step {
	step := Step{Change: schema.Change{Action: schema.Update, Kind: KindFile, Object: after.Path}, Old: contentOf(before), New: contentOf(after), Note: validated(after)}
	var details []string
	isLink, wasLink := after.Symlink != "", before.Symlink != ""
	switch {
	case isLink && wasLink:
		step.Fields, details = differing(field{"link", quoted(before.Symlink), quoted(after.Symlink)})
	case isLink:
		step.Fields, details = []string{"link"}, []string{"was a file, becomes a link to " + after.Symlink}
	case wasLink:
		step.Fields, details = []string{"link", "content"}, []string{"was a link to " + before.Symlink + ", becomes a file"}
	default:
		fields := attributes(before.Mode, before.Owner, before.Group, after.Mode, after.Owner, after.Group)
		step.Fields, details = differing(fields...)
		if step.Old != step.New {
			step.Fields, details = append([]string{"content"}, step.Fields...), append([]string{"content"}, details...)
			if after.Source != "" && before.Source != "" && len(details) == 1 {
				step.Condition = "unless the content is the same"
			}
		}
	}
	unspoken := []field{{"validate", before.Validate, after.Validate}, {"adopt", truth(before.Adopt), truth(after.Adopt)}}
	if isLink {
		unspoken = append(unspoken, field{"content", string(before.Payload) + before.Source, string(after.Payload) + after.Source})
		unspoken = append(unspoken, attributes(before.Mode, before.Owner, before.Group, after.Mode, after.Owner, after.Group)...)
	}
	rest := inert(KindFile, after.Path, unspoken...)
	if len(step.Fields) == 0 {
		return rest
	}
	t.changed[after.Path] = true
	step.Detail = strings.Join(details, ", ")
	return append([]Step{step}, rest...)
}

// unitFiles returns the units whose files or links go, and those that come or change.
func (t *transition) unitFiles() (removals, kept []Step) {
	for _, p := range pairs(t.old.Units, t.new.Units, func(u *schema.Unit) string { return string(u.Name) }) {
		file := unitPath(p.name)
		change := schema.Change{Kind: KindUnit, Object: p.name}
		switch {
		case p.old == nil:
			change.Action = schema.Create
			if p.new.Enabled {
				change.Detail = "enabled"
			}
			t.changed[file] = true
			if slices.Contains(t.old.Masks, p.new.Name) {
				change.Action, change.Detail = schema.Update, "was masked, and is declared"
			}
			note := ""
			if p.new.Adopt {
				note = "takes the place of the operating system's, where there is one"
			}
			kept = append(kept, Step{Change: change, New: Content{Payload: p.new.Payload}, Note: note})
			t.links(nil, p.new)
		case p.new == nil:
			change.Action = schema.Remove
			t.links(p.old, nil)
			if slices.Contains(t.new.Masks, p.old.Name) {
				continue // the mask takes its place
			}
			t.changed[file], t.removed[file] = true, true
			removals = append(removals, Step{Change: change, Old: Content{Payload: p.old.Payload}, Note: givesBack(p.old.Adopt)})
		default:
			gone, come := t.sameUnit(p.old, p.new)
			removals, kept = append(removals, gone...), append(kept, come...)
		}
	}
	gone, come := t.masks()
	return append(removals, gone...), append(kept, come...)
}

func (t *transition) sameUnit(before, after *schema.Unit) (removals, kept []Step) {
	name := string(after.Name)
	change := schema.Change{Action: schema.Update, Kind: KindUnit, Object: name, Detail: "content"}
	if before.Payload != after.Payload {
		t.changed[unitPath(name)] = true
		kept = append(kept, Step{Change: change, Fields: []string{"content"}, Old: Content{Payload: before.Payload}, New: Content{Payload: after.Payload}, Note: t.effect(after)})
	}
	gone, come := t.links(before, after)
	for _, link := range gone {
		change.Detail = "disable: " + link
		if unit := schema.LinkedUnit(link); unit != "" {
			change.Object = string(unit)
		}
		removals = append(removals, Step{Change: change, Fields: []string{"enable"}})
	}
	change.Object = name
	for _, link := range come {
		change.Detail = "enable: " + link
		kept = append(kept, Step{Change: change, Fields: []string{"enable"}})
	}
	fields := []field{{"what a change of its text does", string(before.OnChange), string(after.OnChange)}, {"adopt", truth(before.Adopt), truth(after.Adopt)}}
	if len(gone)+len(come) == 0 {
		fields = append(fields, field{"enabled", truth(before.Enabled), truth(after.Enabled)}, field{"starts", join(before.Starts), join(after.Starts)},
			field{"starts with", join(before.StartWith), join(after.StartWith)})
	}
	return removals, append(kept, inert(KindUnit, name, fields...)...)
}

// effect says what a unit's new text does not do by itself.
func (t *transition) effect(u *schema.Unit) string {
	switch {
	case u.OnChange == schema.Keep:
		return "it goes on as it is until something starts it anew"
	case t.idles(u) && u.Name.Type() == "service":
		return "it does its work and ends: the new text is for its next start"
	}
	return ""
}

// links notes the links of a unit that go and come, and what comes with them.
func (t *transition) links(before, after *schema.Unit) (gone, come []string) {
	var was, is []string
	if before != nil {
		was = before.Links
	}
	if after != nil {
		is = after.Links
	}
	for _, link := range was {
		if !slices.Contains(is, link) {
			gone = append(gone, link)
			t.changed[unitPath(link)], t.removed[unitPath(link)] = true, true
		}
	}
	for _, link := range is {
		if slices.Contains(was, link) {
			continue
		}
		come = append(come, link)
		t.changed[unitPath(link)] = true
		if started := schema.LinkedUnit(link); started != "" {
			t.linked[started] = true
		}
	}
	return gone, come
}

func (t *transition) masks() (removals, kept []Step) {
	for _, name := range t.old.Masks {
		if !slices.Contains(t.new.Masks, name) && !slices.ContainsFunc(t.new.Units, func(u schema.Unit) bool { return u.Name == name }) {
			t.changed[unitPath(string(name))] = true
			removals = append(removals, Step{Change: schema.Change{Action: schema.Update, Kind: KindUnit, Object: string(name), Detail: "unmask"},
				Fields: []string{"mask"}, Note: "it may start again, and is not started now"})
		}
	}
	for _, name := range t.new.Masks {
		if !slices.Contains(t.old.Masks, name) {
			t.changed[unitPath(string(name))] = true
			kept = append(kept, Step{Change: schema.Change{Action: schema.Update, Kind: KindUnit, Object: string(name), Detail: "mask"}, Fields: []string{"mask"}})
		}
	}
	return removals, kept
}
