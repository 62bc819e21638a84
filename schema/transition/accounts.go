package transition

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

func (t *transition) groups() []Step {
	var steps []Step
	for _, p := range pairs(t.old.Groups, t.new.Groups, func(g *schema.Group) string { return string(g.Name) }) {
		change := schema.Change{Kind: KindGroup, Object: p.name}
		switch {
		case p.old == nil:
			change.Action, change.Detail = schema.Create, numbered("gid", p.new.GID)
			steps = append(steps, Step{Change: change, Note: takesOver(p.new.Adopt)})
		case p.new == nil:
			change.Action = schema.Remove
			steps = append(steps, Step{Change: change, Note: givesBack(p.old.Adopt), Condition: "if it is nobody else's primary group"})
		default:
			steps = append(steps, renumbered(KindGroup, p.name, "gid", p.old.GID, p.new.GID)...)
			steps = append(steps, inert(KindGroup, p.name,
				field{"system", truth(p.old.System), truth(p.new.System)}, field{"adopt", truth(p.old.Adopt), truth(p.new.Adopt)})...)
		}
	}
	return steps
}

// keeping and dropping part the groups that go, which come last, from the others.
func keeping(groups []Step) []Step {
	return slices.DeleteFunc(slices.Clone(groups), isDropped)
}

func dropping(groups []Step) []Step {
	return slices.DeleteFunc(slices.Clone(groups), func(s Step) bool { return !isDropped(s) })
}

func isDropped(s Step) bool { return s.Action == schema.Remove }

func (t *transition) users() (kept, dropped []Step) {
	for _, p := range pairs(t.old.Users, t.new.Users, func(u *schema.User) string { return string(u.Name) }) {
		change := schema.Change{Kind: KindUser, Object: p.name}
		switch {
		case p.old == nil:
			change.Action, change.Detail = schema.Create, newUser(p.new)
			kept = append(kept, Step{Change: change, Note: takesOver(p.new.Adopt)})
		case p.new == nil:
			change.Action, change.Detail = schema.Remove, "the home directory stays"
			dropped = append(dropped, Step{Change: change, Note: joinNotes("refused while it has processes", givesBack(p.old.Adopt))})
		default:
			kept = append(kept, sameUser(p.old, p.new)...)
		}
	}
	return kept, dropped
}

// newUser says what a user will be: what it may, and how it comes in.
func newUser(u *schema.User) string {
	parts := []string{numbered("uid", u.UID), "group " + string(u.Group)}
	if len(u.ExtraGroups) > 0 {
		parts = append(parts, "extra groups "+join(u.ExtraGroups))
	}
	parts = append(parts, "shell "+u.Shell)
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

func sameUser(before, after *schema.User) []Step {
	name := string(after.Name)
	steps := renumbered(KindUser, name, "uid", before.UID, after.UID)
	fields, details := differing(
		field{"group", string(before.Group), string(after.Group)},
		field{"extra groups", join(extraGroups(before)), join(extraGroups(after))},
		field{"home", before.Home, after.Home},
		field{"shell", before.Shell, after.Shell},
		field{"description", quoted(before.Description), quoted(after.Description)},
	)
	if len(fields) > 0 {
		step := Step{Change: schema.Change{Action: schema.Update, Kind: KindUser, Object: name, Detail: strings.Join(details, ", ")}, Fields: fields}
		if before.Home != after.Home {
			step.Note = "what is in the old home stays there; refused while the user has processes"
		}
		steps = append(steps, step)
	}
	return append(steps, inert(KindUser, name, field{"system", truth(before.System), truth(after.System)},
		field{"create home", truth(before.CreateHome), truth(after.CreateHome)}, field{"adopt", truth(before.Adopt), truth(after.Adopt)},
		field{"extra groups, with the primary one", redundant(before), redundant(after)})...)
}

// extraGroups are those beside the primary one, which says nothing where it stands twice.
func extraGroups(u *schema.User) []schema.AccountName {
	return slices.DeleteFunc(slices.Clone(u.ExtraGroups), func(g schema.AccountName) bool { return g == u.Group })
}

func redundant(u *schema.User) string { return truth(slices.Contains(u.ExtraGroups, u.Group)) }

// renumbered is a change of a number, which a host refuses: files keep the old one.
func renumbered(kind, name, what string, before, after *int) []Step {
	if before == nil && after == nil || before != nil && after != nil && *before == *after {
		return nil
	}
	change := schema.Change{Action: schema.Update, Kind: kind, Object: name}
	fields, details := differing(field{what, number(before), number(after)})
	change.Detail = details[0]
	step := Step{Change: change, Fields: fields, Refused: true, Note: "files keep the old number, so a host refuses to change it"}
	switch {
	case after == nil:
		step.Refused, step.Inert, step.Note = false, true, "the host keeps the number that it has"
	case before == nil:
		step.Condition = "if the host chose another number"
	}
	return []Step{step}
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

func takesOver(adopt bool) string {
	if adopt {
		return "takes over what is there"
	}
	return ""
}

func givesBack(adopted bool) string {
	if adopted {
		return "what was there before it was adopted comes back"
	}
	return ""
}

func join[T ~string](items []T) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return strings.Join(texts, ", ")
}

func quoted(text string) string { return strconv.Quote(text) }
