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

// Document tells of a difference: what must be read in short, and below it all.
func Document(d *schema.PlanDifference) document.Document {
	doc := document.Document{Title: title(d)}
	if d.Same {
		doc.Blocks = []document.Block{document.Paragraph{Text: document.Line("Both plans have the digest ", document.Name(d.Old.Digest), ".")}}
		return doc
	}
	counts := strings.Join(tally(d), ", ") + "."
	switch {
	case len(d.Groups)+len(d.Moves)+len(d.Reboots)+len(d.Rollout) == 0:
		counts += " Nothing but what is told of the fleet as a whole is different."
	case len(d.Groups) == 0:
		counts += " What is different is when they have their turn, and what holds meanwhile."
	}
	doc.Blocks = append(doc.Blocks, document.Paragraph{Text: document.Line(counts)})
	if len(d.Notices) > 0 {
		doc.Blocks = append(doc.Blocks, document.Section{Heading: document.Line("Look at this first"), Blocks: []document.Block{notesOf(d.Notices)}})
	}
	if short := inShort(d); len(short.Items) > 0 {
		doc.Blocks = append(doc.Blocks, document.Section{Heading: document.Line("In short"), Blocks: []document.Block{short}})
	}
	doc.Blocks = append(doc.Blocks, when(d))
	for _, g := range d.Groups {
		if section, ok := inFull(d, g); ok {
			doc.Blocks = append(doc.Blocks, section)
		}
	}
	if len(d.Fleet) > 0 {
		doc.Blocks = append(doc.Blocks, document.Section{Heading: document.Line("The fleet as a whole"), Fold: true, Blocks: []document.Block{changesOf(d.Fleet)}})
	}
	doc.Blocks = append(doc.Blocks, basis(d))
	return doc
}

// basis says what is not known, and what the rest rests on.
func basis(d *schema.PlanDifference) document.Section {
	var items []document.Item
	for _, text := range d.Unknown {
		items = append(items, document.Item{Text: document.Line(text)})
	}
	items = append(items,
		document.Item{Text: document.Line("Told for hosts that are as the old plan says, where what is enabled runs. ", document.Name("nixfleet plan"), " asks the hosts themselves.")},
		document.Item{Text: document.Line("old plan ", document.Name(d.Old.Digest), revision(d.Old))},
		document.Item{Text: document.Line("new plan ", document.Name(d.New.Digest), revision(d.New))})
	return document.Section{Heading: document.Line("What this rests on"), Fold: true, Blocks: []document.Block{document.List{Items: items}}}
}

func revision(p schema.PlanSide) string {
	if p.Revision == "" {
		return ""
	}
	return " of commit " + p.Revision
}

func title(d *schema.PlanDifference) document.Text {
	fleet := ""
	if d.New.Fleet != "" {
		fleet = " of fleet " + d.New.Fleet
	}
	if d.Same {
		return document.Line("The plans"+fleet+" are the same: ", document.Name(d.New.Digest.Short()))
	}
	n := 0
	for _, g := range d.Groups {
		if Happens(g) {
			n += len(g.Hosts)
		}
	}
	what := "no host changes"
	if n > 0 {
		what = fmt.Sprintf("%d of %d hosts change", n, d.New.Hosts)
		if n == 1 && d.New.Hosts == 1 {
			what = "its one host changes"
		} else if n == 1 {
			what = fmt.Sprintf("1 of %d hosts changes", d.New.Hosts)
		}
	}
	return document.Line("Plan ", document.Name(d.Old.Digest.Short()), " -> ", document.Name(d.New.Digest.Short()), fleet+": "+what)
}

func notesOf(notices []schema.Notice) document.List {
	var list document.List
	for _, n := range notices {
		kind := map[schema.NoticeLevel]document.Span{
			schema.NoticeViolation: {Text: "policy", Kind: document.Bad},
			schema.NoticeRefusal:   {Text: "refused", Kind: document.Bad}, schema.NoticeCaution: {Text: "caution", Kind: document.Warn}, schema.NoticeRemark: {Text: "note"},
		}[n.Level]
		text := document.Line(kind, ": ")
		if len(n.Hosts) > 0 {
			text = document.Line(text, document.Hosts(n.Hosts), ": ")
		}
		list.Items = append(list.Items, document.Item{Text: document.Line(text, n.Text)})
	}
	return list
}

// inShort tells of each group in a few lines.
func inShort(d *schema.PlanDifference) document.List {
	var list document.List
	for _, g := range d.Groups {
		list.Items = append(list.Items, document.Item{Text: groupName(g), Blocks: []document.Block{document.List{Items: briefly(g)}}})
	}
	if len(d.Unchanged) > 0 && len(d.Groups) > 0 {
		list.Items = append(list.Items, document.Item{Text: document.Line("as before: ", document.Hosts(d.Unchanged))})
	}
	return list
}

func groupName(g schema.HostDifference) document.Text {
	text := document.Hosts(g.Hosts)
	switch g.What {
	case schema.HostComes:
		return document.Line(text, " ", document.Bold("new in the plan"))
	case schema.HostLeaves:
		return document.Line(text, " ", document.Bold("no longer in the plan"))
	case schema.HostRenamed:
		return document.Line(text, " ", document.Bold("renamed"), " from ", document.Hosts(g.OldNames))
	}
	return text
}

// most is how many things of a kind are named in short.
const most = 4

// briefly says what becomes of a group: first what runs, then what lies on the disk,
// then what holds from then on.
func briefly(g schema.HostDifference) []document.Item {
	var items []document.Item
	add := func(text document.Text) { items = append(items, document.Item{Text: text}) }
	switch {
	case g.What == schema.HostLeaves:
		add(document.Line("nothing happens to it: what is managed there stays as it is"))
	case g.Like != "":
		add(document.Line("becomes what ", document.Name(g.Like), " is, but for the host's own name and address"))
	}
	if g.Like == "" {
		jobs := only(g.Changes, func(p schema.PlannedChange) bool { return isJob(p) })
		for _, p := range jobs[:min(len(jobs), 2*most)] {
			add(sentence(p))
		}
		if more := len(jobs) - 2*most; more > 0 {
			add(document.Line(fmt.Sprintf("… and %s more stop, start, restart or reload", plural(more, "unit", "units"))))
		}
		if things := thingsInShort(g.Changes); len(things) > 0 {
			add(things)
		}
		if len(g.Packages) > 0 {
			add(document.Line(packagesInShort(g.Packages)))
		}
	}
	if g.What != schema.HostComes {
		declared := only(g.Changes, func(p schema.PlannedChange) bool { return surrounds(p) })
		for _, p := range declared[:min(len(declared), most)] {
			add(declaredInShort(p))
		}
		if more := len(declared) - most; more > 0 {
			add(document.Line(fmt.Sprintf("… and %d more that hold from then on", more)))
		}
	}
	if len(items) == 0 {
		switch {
		case Happens(g):
			add(document.Line("switches to another closure, with the same packages in it"))
		default:
			add(document.Line("nothing happens now"))
		}
	}
	return items
}

func only(changes []schema.PlannedChange, keep func(schema.PlannedChange) bool) []schema.PlannedChange {
	var list []schema.PlannedChange
	for _, p := range changes {
		if keep(p) {
			list = append(list, p)
		}
	}
	return list
}

// What a host refuses, surely or where it finds something.
const (
	refused   = "refuses another number for"
	mayRefuse = "may refuse another number for"
)

func refuses(p schema.PlannedChange) string {
	if p.Condition != "" {
		return mayRefuse
	}
	return refused
}

// thing is what happens to objects of one kind.
type thing struct{ verb, noun string }

// thingsInShort names what is created, changed and removed, or counts it: verb by verb.
func thingsInShort(changes []schema.PlannedChange) document.Text {
	var order []thing
	of := map[thing][]schema.PlannedChange{}
	for _, p := range changes {
		if isJob(p) || surrounds(p) || p.Inert || p.Kind == schema.KindProfile {
			continue
		}
		k := thing{verbs[p.Action], p.Kind}
		if p.Refused {
			k.verb = refuses(p)
		}
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], p)
	}
	rank := []string{refused, mayRefuse, "creates", "changes", "enables", "unmasks", "masks", "disables", "removes"}
	slices.SortStableFunc(order, func(a, b thing) int { return slices.Index(rank, a.verb) - slices.Index(rank, b.verb) })
	var text document.Text
	last := ""
	for _, k := range order {
		switch {
		case len(text) == 0:
			text = document.Line(k.verb + " ")
		case k.verb == last:
			text = document.Line(text, ", ")
		default:
			text = document.Line(text, "; "+k.verb+" ")
		}
		last = k.verb
		text = document.Line(text, nouns(k.noun, of[k]))
	}
	return text
}

// nouns names objects of one kind.
func nouns(noun string, list []schema.PlannedChange) document.Text {
	many := noun + "s"
	if noun == schema.KindDirectory {
		many = "directories"
	}
	if len(list) > most {
		return document.Line(plural(len(list), noun, many))
	}
	var text document.Text
	switch {
	case noun == schema.KindFile || noun == schema.KindDirectory:
	case len(list) > 1:
		text = document.Line("the " + many + " ")
	default:
		text = document.Line("the " + noun + " ")
	}
	for i, p := range list {
		if i > 0 {
			text = document.Line(text, ", ")
		}
		text = document.Line(text, document.Name(p.Object))
		if _, another := property(p, schema.PropertyContent); another && p.Kind == kindSecret {
			text = document.Line(text, " (another ciphertext)")
		}
	}
	return text
}

func packagesInShort(changes []schema.PackageChange) string {
	if len(changes) > most {
		return fmt.Sprintf("closure: %d packages are others, %s", len(changes), human.Growth(grown(changes)))
	}
	texts := make([]string, len(changes))
	for i, p := range changes {
		texts[i] = packages.Text(p)
	}
	return "closure: " + strings.Join(texts, "; ")
}

func grown(changes []schema.PackageChange) (sum int64) {
	for _, p := range changes {
		sum += p.NewSize - p.OldSize
	}
	return sum
}

func declaredInShort(p schema.PlannedChange) document.Text {
	if len(p.Detail) > 2*brief {
		return head(p)
	}
	return sentence(p)
}
