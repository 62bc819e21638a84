package show

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// Document tells of the summary. With contents, the texts of files and units follow
// each kind.
func (s *Summary) Document(contents bool) document.Document {
	d := document.Document{Title: s.title()}
	if s.Preview {
		d.Blocks = append(d.Blocks, document.Paragraph{Text: document.Line(document.Bold("PREVIEW"),
			": nothing is built, execute refuses it; ", document.Name("nixfleet build"), " completes it")})
	}
	d.Blocks = append(d.Blocks, s.head())
	d.Blocks = append(d.Blocks, s.Rollout.sections(s.TimeZone, s.only)...)
	for _, kind := range s.Kinds {
		section := kind.section(s.Rollout, contents)
		section.Fold = len(s.Kinds) > 1
		d.Blocks = append(d.Blocks, section)
	}
	if len(s.Unsupported) > 0 {
		d.Blocks = append(d.Blocks, document.Section{
			Heading: document.Line("Not yet carried out by this version; execute refuses the plan because of it"), Blocks: []document.Block{document.Strings(s.unsupported(), len(s.Unsupported), "")},
		})
	}
	return d
}

func (s *Summary) title() document.Text {
	name := s.Fleet
	if name == "" {
		name = "without a name"
	}
	text := document.Line("Plan ", document.Name(s.Digest.Short()), " of fleet "+name+": ")
	if len(s.only) == 1 {
		return document.Line(text, document.Name(s.Kinds[0].Hosts[0].Name))
	}
	return document.Line(text, fmt.Sprintf("%s of %s", human.Count(s.hosts(), "host"), human.Count(len(s.Kinds), "kind")))
}

func (s *Summary) head() document.Table {
	t := document.Table{Head: []string{"what", "hash"}}
	add := func(what string, hash document.Text) {
		t.Rows = append(t.Rows, []document.Text{document.Line(what), hash})
	}
	add("digest", document.Line(document.Name(s.Digest)))
	add("source", document.Line(document.Name(s.Source.NarHash), describeRevision(s.Source)))
	for _, name := range slices.Sorted(maps.Keys(s.Source.Inputs)) {
		add("input "+name, document.Line(document.Name(s.Source.Inputs[name])))
	}
	return t
}

func (s *Summary) unsupported() (lines []string) {
	for _, u := range s.Unsupported {
		lines = append(lines, u.String())
	}
	return lines
}

func describeRevision(source schema.Source) string {
	switch {
	case source.Revision != "":
		return " (commit " + source.Revision + ")"
	case source.Dirty:
		return " (a checkout with uncommitted changes)"
	}
	return ""
}

func (s *Summary) hosts() int {
	n := 0
	for _, kind := range s.Kinds {
		n += len(kind.Hosts)
	}
	return n
}

func (k Kind) names() []schema.HostName {
	names := make([]schema.HostName, 0, len(k.Hosts))
	for _, host := range k.Hosts {
		names = append(names, host.Name)
	}
	return names
}

// section tells all of the hosts of a kind.
func (k Kind) section(r Rollout, contents bool) document.Section {
	var items []document.Item
	if len(r.Waves) > 1 {
		items = append(items, document.Item{Text: k.turn(r)})
	}
	items = append(items, table("reached at", []string{"host", "login", "roles"}, rows(k.Hosts, hostRow))...)
	if c := k.Closure; c != nil && c.Paths > 0 {
		items = append(items, document.Item{Text: document.Line(fmt.Sprintf("closure of %s, %s: ", human.Count(c.Paths, "path"), human.Bytes(c.Size)), document.Name(c.Path))})
	} else if c != nil {
		items = append(items, document.Item{Text: document.Line("closure, not built: ", document.Name(c.Path))})
	}
	if len(k.Packages) > 0 {
		items = append(items, document.Item{Text: document.Line("packages: " + strings.Join(k.Packages, ", "))})
	}
	items = slices.Concat(items,
		table("groups", []string{"group", "what"}, rows(k.Groups, groupRow)),
		table("users", []string{"user", "what"}, rows(k.Users, userRow)),
		table("directories", []string{"directory", "mode", "owner", "how"}, rows(k.Directories, directoryRow)),
		table("files", []string{"file", "mode", "owner", "content", "effect"}, rows(k.Files, fileRow)),
		table("units", []string{"unit", "what", "effect"}, rows(k.Units, unitRow)))
	if len(k.Masks) > 0 {
		items = append(items, document.Item{Text: document.Line("masked units, which never start: " + join(k.Masks, ", "))})
	}
	if len(k.Holds) > 0 {
		items = append(items, document.Item{Text: document.Line("packages of the operating system that stay at their version: " + join(k.Holds, ", "))})
	}
	items = append(items, k.policy()...)
	section := document.Section{Heading: document.Line(document.Hosts(k.names()), fmt.Sprintf(" (%s, %s)", k.Base, k.System)), Blocks: []document.Block{document.List{Items: items}}}
	if texts := k.contents(); contents && len(texts.Items) > 0 {
		section.Blocks = append(section.Blocks, document.Section{Heading: document.Line("Texts"), Blocks: []document.Block{texts}})
	}
	return section
}

// turn says in which waves the hosts come.
func (k Kind) turn(r Rollout) document.Text {
	in := map[schema.HostName]bool{}
	for _, host := range k.Hosts {
		in[host.Name] = true
	}
	text := document.Line("in ")
	for i, wave := range r.Waves {
		here := slices.DeleteFunc(slices.Clone(wave.Hosts), func(name schema.HostName) bool { return !in[name] })
		if len(here) == 0 {
			continue
		}
		if len(text) > 1 {
			text = document.Line(text, "; in ")
		}
		text = document.Line(text, fmt.Sprintf("wave %d, %s", i+1, wave.Name))
		if len(here) < len(k.Hosts) {
			text = document.Line(text, ": ", document.Hosts(here))
		}
	}
	return text
}

func (k Kind) contents() document.List {
	var list document.List
	add := func(name, text string) {
		list.Items = append(list.Items, document.Item{Text: document.Line(document.Name(name)), Blocks: []document.Block{document.Verbatim{Text: text}}})
	}
	for _, file := range k.Files {
		if file.Text != "" {
			add(file.Path, file.Text)
		}
	}
	for _, unit := range k.Units {
		if unit.Managed {
			add(string(unit.Name), unit.Text)
		}
	}
	return list
}

// table is an item with rows of cells; none where there are no rows.
func table(name string, head []string, rows [][]string) []document.Item {
	if len(rows) == 0 {
		return nil
	}
	t := document.Table{Head: head}
	for _, row := range rows {
		t.Rows = append(t.Rows, append([]document.Text{document.Line(document.Name(row[0]))}, document.Row(row[1:]...)...))
	}
	return []document.Item{{Text: document.Line(name), Blocks: []document.Block{t}}}
}

func hostRow(h HostLine) []string {
	return []string{string(h.Name), describeConnection(h.Connection), strings.Join(h.Roles, ", ")}
}

func rows[T any](items []T, row func(T) []string) [][]string {
	all := make([][]string, 0, len(items))
	for _, item := range items {
		all = append(all, row(item))
	}
	return all
}

func groupRow(g schema.Group) []string {
	return []string{string(g.Name), words(number("gid", g.GID), when(g.System, "system"), when(g.Adopt, "adopts"))}
}

func userRow(u schema.User) []string {
	groups := string(u.Group)
	for _, extra := range u.ExtraGroups {
		groups += "+" + string(extra)
	}
	return []string{string(u.Name), words(number("uid", u.UID), when(u.System, "system"), "group "+groups,
		"home "+u.Home+when(u.CreateHome, " (created)"), "shell "+u.Shell, when(u.Adopt, "adopts"))}
}

func directoryRow(d schema.Directory) []string {
	return []string{d.Path, string(d.Mode), fmt.Sprintf("%s:%s", d.Owner, d.Group), when(d.Adopt, "adopts")}
}

func fileRow(f FileLine) []string {
	effect := words(listed("restarts", f.Restarts), listed("reloads", f.Reloads), when(f.Adopt, "adopts"),
		when(f.Validate != "", "must pass "+f.Validate))
	if f.Symlink != "" {
		return []string{f.Path, "link", "-> " + f.Symlink, "", effect}
	}
	what := human.Count(f.Size, "byte")
	if f.Source != "" {
		what = "from " + f.Source
	}
	return []string{f.Path, string(f.Mode), fmt.Sprintf("%s:%s", f.Owner, f.Group), what, effect}
}

func unitRow(u UnitLine) []string {
	kind := "the host's own"
	if u.Managed {
		kind = "not enabled"
	}
	if u.Enabled {
		kind = "enabled" + when(len(u.StartWith) > 0, listed(", starts with", u.StartWith))
	}
	restarts, reloads := u.RestartsOn, u.ReloadsOn
	if u.Managed {
		switch u.OnChange {
		case schema.StopStart, schema.Restart:
			restarts = append([]string{"its text"}, restarts...)
		case schema.Reload:
			reloads = append([]string{"its text"}, reloads...)
		case schema.Keep:
			kind += ", stays as it is on a change of its text"
		}
	}
	effect := ""
	if len(restarts) > 0 {
		effect = "restarts on a change of " + strings.Join(restarts, ", ")
	}
	if len(reloads) > 0 {
		effect = words(effect, "reloads on a change of "+strings.Join(reloads, ", "))
	}
	return []string{string(u.Name), words(kind, when(u.Adopt, "adopts")), effect}
}

func describeConnection(c schema.Connection) string {
	text := c.User + "@" + c.Address
	if c.Port != 22 {
		text += fmt.Sprintf(" port %d", c.Port)
	}
	if c.ProxyJump != "" {
		text += " through " + c.ProxyJump
	}
	if len(c.HostKeys) == 0 {
		text += ", host key from known_hosts"
	}
	return text
}

func positive(n int) *int {
	if n <= 0 {
		return nil
	}
	return &n
}

func number(name string, n *int) string {
	if n == nil {
		return ""
	}
	return fmt.Sprintf("%s %d", name, *n)
}

func when(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

func words(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

func listed[T ~string](verb string, items []T) string {
	if len(items) == 0 {
		return ""
	}
	return verb + " " + join(items, ", ")
}

func join[T ~string](items []T, between string) string {
	texts := make([]string, 0, len(items))
	for _, item := range items {
		texts = append(texts, string(item))
	}
	return strings.Join(texts, between)
}
