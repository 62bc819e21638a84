package status

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// How much follows below a table of several hosts. Of a host alone everything does.
const (
	detailedHosts   = 20
	detailedReasons = 10
)

// Document shows a row a host, and below the table what it has no room for. Width is
// that of the terminal; 0 leaves nothing out. With problems, only hosts with a problem
// have a row.
func Document(s *schema.Status, width int, problems bool) document.Document {
	d := document.Document{Title: document.Line(s.Fleet), Result: result(s)}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(s.Hosts)), func(name schema.HostName) bool {
		return problems && s.Hosts[name].Condition == schema.Well
	})
	complete := map[schema.HostName]bool{}
	if len(names) > 0 {
		t := table(s, names, width)
		for i, cut := range t.Fit(width) {
			h := s.Hosts[names[i]]
			complete[names[i]] = !cut && h.Hint == "" && len(h.Because)+len(h.Notes) <= 1 && !strings.Contains(h.Error, "\n")
		}
		d.Blocks = append(d.Blocks, *t)
	}
	if len(s.Hosts) == 1 {
		for name, h := range s.Hosts {
			d.Blocks = append(d.Blocks, inFull(name, h))
		}
		return d
	}
	names = worstFirst(s)
	names = slices.DeleteFunc(names, func(name schema.HostName) bool { return len(s.Hosts[name].Because) == 0 || complete[name] })
	for _, name := range names[:min(len(names), detailedHosts)] {
		d.Blocks = append(d.Blocks, section(name, s.Hosts[name], reasons(s.Hosts[name], detailedReasons)))
	}
	if more := len(names) - detailedHosts; more > 0 {
		d.Blocks = append(d.Blocks, document.Paragraph{Text: document.Line(fmt.Sprintf("… and %s more; --host shows one, --json all", human.Count(more, "host")))})
	}
	return d
}

func table(s *schema.Status, names []schema.HostName, width int) *document.Table {
	t := &document.Table{Titled: true, Head: []string{"host", "state"}}
	var shown []column
	for _, c := range columns {
		if width == 0 || width >= c.least {
			shown = append(shown, c)
			t.Head = append(t.Head, c.title)
		}
	}
	t.Head = append(t.Head, "problem")
	for _, name := range names {
		h := s.Hosts[name]
		row := []document.Text{document.Line(document.Name(name)), document.Line(paint(h.Condition))}
		for _, c := range shown {
			row = append(row, document.Line(c.of(h)))
		}
		t.Rows = append(t.Rows, append(row, document.Line(problem(h))))
	}
	return t
}

// problem is the first reason, or where there is none, the first note.
func problem(h schema.HostStatus) string {
	texts := h.Because
	if len(texts) == 0 {
		texts = h.Notes
	}
	switch len(texts) {
	case 0:
		return ""
	case 1:
		return texts[0]
	}
	return fmt.Sprintf("%s (and %d more)", texts[0], len(texts)-1)
}

func section(name schema.HostName, h schema.HostStatus, list document.List) document.Section {
	s := document.Section{Heading: document.Line(document.Name(name), ": ", paint(h.Condition))}
	if len(list.Items) > 0 {
		s.Blocks = []document.Block{list}
	}
	return s
}

func inFull(name schema.HostName, h schema.HostStatus) document.Section {
	s := section(name, h, reasons(h, len(h.Because)))
	if h.Observation == nil {
		return s
	}
	t := document.Table{Head: []string{"fact", "value"}}
	for _, fact := range facts(h.Observation) {
		t.Rows = append(t.Rows, document.Row(fact[:]...))
	}
	s.Blocks = append(s.Blocks, t)
	return s
}

func reasons(h schema.HostStatus, most int) document.List {
	if h.Error == "" {
		list := document.Strings(h.Because, most, "--host shows all")
		list.Items = append(list.Items, document.Strings(h.Notes, len(h.Notes), "").Items...)
		return list
	}
	list := document.NewList(document.Lines(h.Error)...)
	for line := range strings.SplitSeq(h.Hint, "\n") {
		if line != "" {
			list.Items = append(list.Items, document.Item{Text: document.Line("hint: ", line)})
		}
	}
	return list
}

func paint(condition schema.Condition) document.Span {
	kind := document.Bad
	switch condition {
	case schema.Well:
		kind = document.Good
	case schema.Attention:
		kind = document.Warn
	}
	return document.Span{Text: string(condition), Kind: kind}
}

func worstFirst(s *schema.Status) []schema.HostName {
	names := slices.Sorted(maps.Keys(s.Hosts))
	slices.SortStableFunc(names, func(a, b schema.HostName) int {
		return slices.Index(order, s.Hosts[a].Condition) - slices.Index(order, s.Hosts[b].Condition)
	})
	return names
}

// result counts hosts by condition.
func result(s *schema.Status) document.Text {
	counts := Counts(s)
	text := document.Line(human.Count(len(s.Hosts), "host"))
	between := ": "
	for _, condition := range slices.Backward(order) {
		if n := counts[condition]; n > 0 {
			text = document.Line(text, between, fmt.Sprintf("%d ", n), paint(condition))
			between = ", "
		}
	}
	return text
}
