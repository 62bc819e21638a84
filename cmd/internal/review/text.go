package review

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
)

// WriteText writes the summary for people. With contents, the texts of files and
// units follow each kind.
func (s *Summary) WriteText(w io.Writer, contents bool) error {
	p := &printer{w: w}
	s.writeHead(p)
	for _, kind := range s.Kinds {
		kind.write(p)
		if contents {
			kind.writeContents(p)
		}
	}
	if len(s.Needs) > 0 {
		p.line("")
		p.line("Not yet carried out by this version; execute refuses the plan because of it:")
		for _, need := range s.Needs {
			p.line("  " + need)
		}
	}
	return p.err
}

// printer remembers the first error, so that the layout reads undisturbed.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(text string) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, strings.TrimRight(text, " "))
	}
}

// table writes rows of cells in aligned columns below a heading; nothing where
// there are no rows.
func (p *printer) table(heading string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	p.line("  " + heading)
	p.columns("    ", rows)
}

// columns writes rows of cells in aligned columns.
func (p *printer) columns(indent string, rows [][]string) {
	var out strings.Builder
	tab := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(tab, indent+strings.Join(row, "\t"))
	}
	tab.Flush()
	for line := range strings.Lines(out.String()) {
		p.line(strings.TrimSuffix(line, "\n"))
	}
}

func (s *Summary) writeHead(p *printer) {
	name := s.Fleet
	if name == "" {
		name = "without a name"
	}
	p.line(fmt.Sprintf("Plan %s of fleet %s: %s of %s", s.Digest.Short(), name, ui.Count(s.hosts(), "host"), ui.Count(len(s.Kinds), "kind")))
	if s.Preview {
		p.line("PREVIEW: nothing is built, execute refuses it; `nixfleet build` completes it")
	}
	p.line("  digest   " + string(s.Digest))
	p.line("  source   " + string(s.Source.NarHash) + describeRevision(s.Source))
	for _, name := range slices.Sorted(maps.Keys(s.Source.Inputs)) {
		p.line(fmt.Sprintf("  input    %s %s", name, s.Source.Inputs[name]))
	}
	p.line("")
	s.Rollout.write(p, s.TimeZone)
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

func (k Kind) write(p *printer) {
	names := make([]schema.HostName, 0, len(k.Hosts))
	for _, host := range k.Hosts {
		names = append(names, host.Name)
	}
	p.line("")
	p.line(fmt.Sprintf("%s (%s, %s)", joinHosts(names), k.Base, k.System))
	var reach [][]string
	for _, host := range k.Hosts {
		reach = append(reach, []string{string(host.Name), describeConnection(host.Connection), strings.Join(host.Roles, ", ")})
	}
	p.table("reached at", reach)
	if c := k.Closure; c != nil && c.Paths > 0 {
		p.line(fmt.Sprintf("  closure of %s, %s: %s", ui.Count(c.Paths, "path"), size(c.Size), c.Path))
	} else if c != nil {
		p.line("  closure, not built: " + string(c.Path))
	}
	if len(k.Packages) > 0 {
		p.line("  packages: " + strings.Join(k.Packages, ", "))
	}
	p.table("groups", rows(k.Groups, groupRow))
	p.table("users", rows(k.Users, userRow))
	p.table("directories", rows(k.Directories, directoryRow))
	p.table("files", rows(k.Files, fileRow))
	p.table("units", rows(k.Units, unitRow))
	if len(k.Masks) > 0 {
		p.line("  masked units, which never start: " + join(k.Masks, ", "))
	}
	k.writePolicy(p)
}

func (k Kind) writeContents(p *printer) {
	write := func(title, text string) {
		p.line("")
		p.line("  ---- " + title)
		for line := range strings.Lines(text) {
			p.line("  | " + strings.TrimSuffix(line, "\n"))
		}
	}
	for _, file := range k.Files {
		if file.Text != "" {
			write(file.Path, file.Text)
		}
	}
	for _, unit := range k.Units {
		if unit.Managed {
			write(string(unit.Name), unit.Text)
		}
	}
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
	what := ui.Count(f.Size, "byte")
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

// joinHosts names hosts, those whose numbers follow each other as a range, and
// counts what would be too long.
func joinHosts(names []schema.HostName) string {
	const most = 12
	ranges := schema.RangesOf(names)
	if len(ranges) <= most {
		return join(ranges, " ")
	}
	return fmt.Sprintf("%s …, %s in all", join(ranges[:most-2], " "), ui.Count(len(names), "host"))
}

// size writes bytes for people, in decimal units.
func size(n int64) string {
	switch {
	case n < 1000:
		return ui.Count(int(n), "byte")
	case n < 1e6:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
