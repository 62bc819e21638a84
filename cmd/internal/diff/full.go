package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/packages"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// when draws who changes in which wave, and what is different of that.
func when(d *schema.PlanDifference) document.Section {
	table := document.Table{Head: []string{"wave", "hosts", "of which", "terms"}}
	for i, wave := range d.Waves {
		row := []document.Text{document.Line(fmt.Sprintf("%d. %s", i+1, wave.Name)), document.Hosts(wave.Hosts), document.Line("-"), document.Line(wave.Terms)}
		switch n := len(wave.Changing); {
		case n == len(wave.Hosts) && n == 1:
			row[2] = document.Line("changes")
		case n == len(wave.Hosts):
			row[2] = document.Line("all change")
		case n > 0:
			row[2] = document.Line(document.HostNames(wave.Changing), map[bool]string{true: " changes", false: " change"}[n == 1])
		}
		table.Rows = append(table.Rows, row)
	}
	section := document.Section{Heading: document.Line("When (at most " + human.Count(d.New.MaxParallel, "host") + " at work at once)"), Blocks: []document.Block{table}}
	var items []document.Item
	for _, move := range d.Moves {
		verb := " move"
		if len(move.Hosts) == 1 {
			verb = " moves"
		}
		items = append(items, document.Item{Text: document.Line(document.Hosts(move.Hosts), verb+" from "+waveName(move.From)+" to "+waveName(move.To))})
	}
	for _, move := range d.Reboots {
		items = append(items, document.Item{Text: document.Line(document.Hosts(move.Hosts), rebootsNow(move))})
	}
	rest := changesOf(d.Rollout)
	items = append(items, rest.Items...)
	if len(items) == 0 {
		section.Blocks = append(section.Blocks, document.Paragraph{Text: document.Line("Waves, limits and reboots are as before.")})
	} else {
		section.Blocks = append(section.Blocks, document.List{Items: items})
	}
	return section
}

func waveName(name string) string {
	if name == "" {
		return "no wave"
	}
	return "wave " + name
}

func rebootsNow(move schema.RebootMove) string {
	may := " may reboot "
	switch {
	case move.To == "":
		return " may not reboot any more (before: " + move.From + ")"
	case move.From == "":
		return may + move.To + "; before: never"
	}
	return may + move.To + "; before: " + move.From
}

// changesOf lists changes of the rollout or the fleet.
func changesOf(changes []schema.PlannedChange) document.List {
	var list document.List
	for _, c := range changes {
		text := document.Line(kindAndName(c.Change), " "+map[schema.Action]string{schema.Create: "is new", schema.Remove: "is gone", schema.Update: "changes"}[c.Action])
		if c.Detail != "" && (c.Kind != "wave" || c.Action == schema.Update) { // the others are drawn, or gone
			text = document.Line(text, ": "+c.Detail)
		}
		item := document.Item{Text: text}
		for _, t := range c.Texts {
			item.Blocks = append(item.Blocks, patch(t.Diff))
		}
		list.Items = append(list.Items, item)
	}
	return list
}

func kindAndName(c schema.Change) string {
	format, ok := map[string]string{
		"wave": "wave %s", "limit": "the limit of hosts at work at once, of %s,", "budget": "the failure budget of %s", "gate": "the gate %s",
		"reboots": "reboots: of %s,", "helper": "the helper for %s",
	}[c.Kind]
	if !ok {
		return c.Object
	}
	return fmt.Sprintf(format, c.Object)
}

// patch takes the two lines off a difference that name what was named above it.
func patch(diff string) document.Patch {
	for _, mark := range []string{"--- ", "+++ "} {
		if strings.HasPrefix(diff, mark) {
			_, diff, _ = strings.Cut(diff, "\n")
		}
	}
	return document.Patch{Diff: diff}
}

// inFull tells all of a group.
func inFull(d *schema.PlanDifference, g schema.HostDifference) (document.Section, bool) {
	section := document.Section{Heading: document.Line(groupName(g), ": everything"), Fold: true}
	if g.Like != "" {
		section.Heading = document.Line(groupName(g), ": everything, with the texts of ", document.Name(g.Like))
	}
	if g.What == schema.HostLeaves || len(g.Changes)+len(g.Packages) == 0 {
		return section, false
	}
	if len(d.Waves) > 1 {
		section.Blocks = append(section.Blocks, document.Paragraph{Text: wavesOf(d, g)})
	}
	add := func(heading string, changes []schema.PlannedChange) {
		if len(changes) > 0 {
			section.Blocks = append(section.Blocks, document.Section{Heading: document.Line(heading), Blocks: []document.Block{itemsOf(g, changes)}})
		}
	}
	add("What happens, in this order", only(g.Changes, happens))
	if len(g.Packages) > 0 {
		section.Blocks = append(section.Blocks, document.Section{Heading: document.Line("Packages in the closure, " + human.Growth(grown(g.Packages)) + " in all"), Blocks: []document.Block{packageTable(g.Packages)}})
	}
	add("What holds from then on", only(g.Changes, surrounds))
	add("Declared otherwise; nothing happens now because of it", only(g.Changes, func(p schema.PlannedChange) bool { return p.Inert && !surrounds(p) }))
	return section, true
}

// wavesOf says when the hosts of a group have their turn.
func wavesOf(d *schema.PlanDifference, g schema.HostDifference) document.Text {
	in := map[schema.HostName]bool{}
	for _, name := range g.Hosts {
		in[name] = true
	}
	text := document.Line("In wave ")
	first := true
	for i, wave := range d.Waves {
		var here schema.HostList
		for _, name := range wave.Hosts {
			if in[name] {
				here = append(here, name)
			}
		}
		if len(here) == 0 {
			continue
		}
		if !first {
			text = document.Line(text, "; in wave ")
		}
		first = false
		text = document.Line(text, fmt.Sprintf("%d, %s: ", i+1, wave.Name), document.Hosts(here))
	}
	return document.Line(text, ".")
}

func itemsOf(g schema.HostDifference, changes []schema.PlannedChange) document.List {
	var list document.List
	for _, p := range changes {
		item := document.Item{Text: sentence(p)}
		for _, t := range p.Texts {
			if g.Like != "" {
				break // what everybody knows from there
			}
			item.Blocks = append(item.Blocks, contentsOf(g, t)...)
		}
		list.Items = append(list.Items, item)
	}
	return list
}

// contentsOf tells of a content, and of which hosts it is.
func contentsOf(g schema.HostDifference, t schema.TextDifference) []document.Block {
	var blocks []document.Block
	of := t.Hosts
	if len(of) == 0 {
		of = g.Hosts
	}
	var text document.Text
	switch {
	case t.Own:
		others := "on the other host"
		if len(of) > 2 {
			others = "on the other " + human.Count(len(of)-1, "host")
		}
		text = document.Line("on ", document.Name(of[0]), "; "+others+" the same but for the host's own name and address")
	case len(t.Hosts) > 0:
		text = document.Line("on ", document.Hosts(t.Hosts))
	}
	if t.Detail != "" {
		text = document.Line(text, ": "+t.Detail)
	}
	if len(text) > 0 {
		blocks = append(blocks, document.List{Items: []document.Item{{Text: text}}})
	}
	switch t.Withheld {
	case "":
		if t.Diff != "" {
			blocks = append(blocks, patch(t.Diff))
		}
	default:
		blocks = append(blocks, document.List{Items: []document.Item{{Text: document.Line("what is in it is not shown: " + withheldWords[t.Withheld])}}})
	}
	return blocks
}

var withheldWords = map[string]string{
	withheldBinary: "it is no text", withheldLarge: "it is too large", withheldSecret: "it is a secret",
	withheldClosure: "it comes from the closure, and the plan holds only its hash",
}

func packageTable(changes []schema.PackageChange) document.Table {
	table := document.Table{Head: []string{"package", "before", "after", "size"}}
	version := func(list []string) document.Text {
		switch text := strings.Trim(strings.Join(list, ", "), ", "); {
		case len(list) == 0:
			return document.Line("-")
		case text == "":
			return document.Line("a build without a version")
		default:
			return document.Line(text)
		}
	}
	for _, p := range changes {
		after := version(p.New)
		if slices.Equal(p.New, p.Old) {
			after = document.Line("another build")
		}
		if packages.Downgrade(p) {
			after = document.Line(after, " (older)")
		}
		table.Rows = append(table.Rows, []document.Text{document.Line(document.Name(p.Name)), version(p.Old), after, document.Line(human.Growth(p.NewSize - p.OldSize))})
	}
	return table
}
