package planview

import (
	"fmt"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/packages"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// How much is shown of one difference, of a list of store paths, and in brief of a
// host's changes.
const (
	diffLines    = 300
	pathLines    = 20
	briefChanges = 12
)

// inJSON says where the rest is.
const inJSON = "--json shows all"

// Document shows all that would happen.
func Document(f *schema.Forecast) document.Document {
	d := frame(f)
	var sections []document.Block
	hidden := 0
	for _, g := range groups(f) {
		sections = append(sections, g.section(g.details()))
		for _, file := range g.forecast.Files {
			if file.Withheld == withheldSensitive {
				hidden++
			}
		}
	}
	if hidden > 0 {
		d.Blocks = append(d.Blocks, document.Paragraph{Text: document.Line("not shown: the contents of "+human.Count(hidden, "file")+
			" that not everybody on the host may read; ", document.Name("--show-sensitive"), " shows them")})
	}
	d.Blocks = append(d.Blocks, sections...)
	return d
}

// Brief shows what one wants to see once more before a yes: which hosts, a line for each
// change, and what is in the way. Hosts that differ in details alone are one group.
func Brief(f *schema.Forecast) document.Document {
	alike := *f
	alike.Hosts = make(map[schema.HostName]schema.HostForecast, len(f.Hosts))
	for name, host := range f.Hosts {
		alike.Hosts[name] = schema.HostForecast{
			Verdict: host.Verdict, Error: host.Error, Hint: host.Hint, Refusals: host.Refusals, Changes: host.Changes, Drift: host.Drift,
		}
	}
	d := frame(f)
	for _, g := range groups(&alike) {
		d.Blocks = append(d.Blocks, g.section(g.brief()))
	}
	return d
}

// frame is what surrounds the groups.
func frame(f *schema.Forecast) document.Document {
	d := document.Document{Title: document.Line("Plan ", document.Name(f.Plan.Short())), Result: document.Line(Summary(f))}
	if f.Task != "" {
		d.Title = document.Line(f.Task)
	}
	if len(f.Unsupported) > 0 {
		d.Blocks = append(d.Blocks, document.Section{
			Heading: document.Line(document.Span{Text: "This version cannot carry out, and execute refuses because of it:", Kind: document.Warn}),
			Blocks:  []document.Block{document.Strings(f.Unsupported, len(f.Unsupported), "")},
		})
	}
	return d
}

// section is a group: its hosts, what speaks against it, and then the items.
func (g *group) section(items []document.Item) document.Section {
	f := g.forecast
	kind := map[schema.ForecastVerdict]document.Kind{schema.WouldNothing: document.Good, schema.WouldChange: document.Warn}[f.Verdict]
	if kind == document.Plain {
		kind = document.Bad
	}
	section := document.Section{Heading: document.Line(document.Hosts(g.hosts), ": ", document.Span{Text: g.title(), Kind: kind})}
	var list document.List
	if f.Error != "" {
		list.Items = append(list.Items, document.Message("", f.Error))
	}
	list.Items = append(list.Items, hints(f.Hint)...)
	for _, refusal := range f.Refusals {
		item := document.Message(document.Line(document.Span{Text: "refused", Kind: document.Bad}, " "), refusal.Message)
		if hint := hints(refusal.Hint); hint != nil {
			item.Blocks = append(item.Blocks, document.List{Items: hint})
		}
		list.Items = append(list.Items, item)
	}
	if list.Items = append(list.Items, items...); len(list.Items) > 0 {
		section.Blocks = []document.Block{list}
	}
	return section
}

func hints(text string) (items []document.Item) {
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			items = append(items, document.Item{Text: document.Line("hint: ", line)})
		}
	}
	return items
}

func (g *group) brief() (items []document.Item) {
	f := g.forecast
	if n := len(f.Drift); n > 0 && f.Verdict == schema.WouldChange {
		items = append(items, document.Item{Text: document.Line(document.Span{Text: human.Count(n, "thing") + " changed", Kind: document.Warn}, " by hand since the last apply")})
	}
	for _, change := range f.Changes[:min(len(f.Changes), briefChanges)] {
		items = append(items, line(change, change.Detail))
	}
	if more := len(f.Changes) - briefChanges; more > 0 {
		items = append(items, document.Item{Text: document.Line(fmt.Sprintf("… and %d more; ", more), document.Name("nixfleet plan"), " shows all, line by line")})
	}
	return items
}

// details are drift, changes, what is copied, and notes.
func (g *group) details() (items []document.Item) {
	f := g.forecast
	below := func(heading document.Text, list document.List) {
		if len(list.Items) > 0 {
			items = append(items, document.Item{Text: heading, Blocks: []document.Block{list}})
		}
	}
	var drifts, running document.List
	for _, drift := range f.Drift {
		text := drift.String()
		if drift.Stays {
			text += " (an execution leaves it)"
		}
		drifts.Items = append(drifts.Items, document.Item{Text: document.Line(text)})
	}
	below(document.Line(document.Span{Text: "not as it was applied", Kind: document.Warn}), drifts)
	things, units := split(&f)
	for _, change := range things {
		items = append(items, thing(change, detailOf(&f, change)))
	}
	for _, change := range units {
		running.Items = append(running.Items, document.Item{Text: document.Line(string(change.Action)+" ", document.Name(change.Object), because(change.Detail))})
	}
	below(document.Line("units"), running)
	below(document.Line("closure"), closure(f.Packages))
	if c := f.Copy; c != nil {
		items = append(items, document.Item{
			Text:   document.Line("to copy: " + strings.Join(nonEmpty(amount(len(c.Paths), "store path", c.PathBytes), amount(c.Payloads, "text", c.PayloadBytes)), ", ")),
			Blocks: []document.Block{document.Strings(c.Paths, pathLines, inJSON)},
		})
	}
	for _, note := range f.Notes {
		items = append(items, document.Message("note: ", note))
	}
	return items
}

func closure(changes []schema.PackageChange) (list document.List) {
	var sum int64
	for _, change := range changes {
		sum += change.NewSize - change.OldSize
		list.Items = append(list.Items, document.Item{Text: document.Line(packages.Text(change))})
	}
	if len(changes) > 1 {
		list.Items = append(list.Items, document.Item{Text: document.Line("in all " + human.Growth(sum))})
	}
	return list
}

func amount(n int, noun string, bytes int64) string {
	if n == 0 {
		return ""
	}
	return human.Count(n, noun) + " (" + human.Bytes(bytes) + ")"
}

func because(detail string) string {
	if detail == "" {
		return ""
	}
	return ": " + detail
}

// line is a change, with what more is known of it.
func line(change schema.Change, more string) document.Item {
	mark, known := map[schema.Action]document.Span{
		schema.Create: {Text: "+", Kind: document.Good}, schema.Remove: {Text: "-", Kind: document.Bad},
		schema.Adopt: {Text: "!", Kind: document.Warn}, schema.GiveUp: {Text: "<", Kind: document.Warn},
	}[change.Action]
	if !known {
		mark = document.Span{Text: "~", Kind: document.Warn}
	}
	return document.Item{Mark: mark, Text: document.Line(document.Span{Text: string(change.Action), Kind: mark.Kind}, " "+change.Kind+" ", document.Name(change.Object), because(more))}
}

// thing is a change that is not of a running unit, with the contents where they may be shown.
func thing(change schema.Change, detail *schema.FileForecast) document.Item {
	if detail == nil {
		return line(change, change.Detail)
	}
	more := change.Detail
	if more == "" {
		more = described(detail)
	}
	item := line(change, more)
	note := func(text document.Text) { item.Blocks = append(item.Blocks, document.NewList(text)) }
	if detail.Edited {
		note(document.Line(document.Span{Text: "it was edited on the host since it was applied; an execution overwrites the edit", Kind: document.Warn}))
	}
	switch detail.Withheld {
	case withheldSensitive:
		note(document.Line("contents are not shown: not everybody on the host may read it"))
	case "":
		item.Blocks = append(item.Blocks, patch(detail.EditDiff)...)
		item.Blocks = append(item.Blocks, patch(detail.Diff)...)
	default:
		note(document.Line("contents are different and not shown: " + withheldText(detail)))
	}
	return item
}

func withheldText(f *schema.FileForecast) string {
	sizes := func(s *schema.FileSide) string {
		if s == nil || s.Type != plainFile {
			return "nothing"
		}
		if s.Size == 0 {
			return s.Digest.Short()
		}
		return human.Bytes(s.Size)
	}
	return fmt.Sprintf("%s (%s -> %s)", map[string]string{
		withheldBinary: "not text", withheldLarge: "too large", withheldAway: "one of them is not at hand",
	}[f.Withheld], sizes(f.Live), sizes(f.Wanted))
}

// described says what would be there.
func described(f *schema.FileForecast) string {
	s := f.Wanted
	switch {
	case s == nil:
		return ""
	case s.Type == "symbolic link":
		return "to " + s.Target
	case s.Type == plainFile && s.Size > 0:
		return fmt.Sprintf("%s %s:%s, %s", s.Mode, s.Owner, s.Group, human.Bytes(s.Size))
	}
	return fmt.Sprintf("%s %s:%s", s.Mode, s.Owner, s.Group)
}

func patch(diff string) []document.Block {
	if diff == "" {
		return nil
	}
	lines := strings.SplitAfter(diff, "\n")
	blocks := []document.Block{document.Patch{Diff: strings.Join(lines[:min(len(lines), diffLines)], "")}}
	if more := len(lines) - diffLines; more > 0 {
		blocks = append(blocks, document.NewList(fmt.Sprintf("… and %d more lines; %s", more, inJSON)))
	}
	return blocks
}
