package summary

import (
	"fmt"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// mostGroups is how many groups are shown; the record has all.
const mostGroups = 30

// Document sums up a run: its verdict, why it halted, which hosts need a look and what
// to do about them, and the file of the record.
func Document(record *schema.Record, file string, way Way) document.Document {
	d := verdict(record)
	groups := Groups(record)
	var list document.List
	for _, group := range groups[:min(len(groups), mostGroups)] {
		list.Items = append(list.Items, item(group, record, way))
	}
	if more := len(groups) - mostGroups; more > 0 {
		list.Items = append(list.Items, document.Item{Text: document.Line(fmt.Sprintf("and %d more reasons, which are in the record", more))})
	}
	d.Blocks = append(d.Blocks, list, document.Paragraph{Text: document.Line("record: " + file)})
	return d
}

// Brief is the verdict and what to do next, each hint once: the reasons were shown already.
func Brief(record *schema.Record, file string, way Way) document.Document {
	d := verdict(record)
	if record.Verdict == schema.Done {
		return d
	}
	var list document.List
	shown := map[string]bool{}
	for _, group := range Groups(record) {
		for _, hint := range Hints(group, record, way) {
			if !shown[hint] && len(shown) < mostGroups {
				list.Items = append(list.Items, hintItem(hint))
			}
			shown[hint] = true
		}
	}
	d.Blocks = append(d.Blocks, list, document.Paragraph{Text: document.Line("record: " + file)})
	return d
}

// verdict says how a run ended.
func verdict(record *schema.Record) document.Document {
	counts, reboots := map[schema.Outcome]int{}, map[schema.RebootOutcome]int{}
	for _, host := range record.Hosts {
		counts[host.Outcome]++
		if host.Reboot != nil {
			reboots[host.Reboot.State]++
		}
	}
	took := ""
	if record.Finished != nil {
		took = " in " + human.Duration(record.Finished.Sub(record.Started))
	}
	title := document.Line(document.Bold(string(record.Verdict)), took+": ", progress.Counts(counts, progress.Name))
	between := "; reboots: "
	for _, known := range []struct {
		state schema.RebootOutcome
		text  string
	}{{schema.RebootDone, "done"}, {schema.RebootHeld, "held"}, {schema.RebootFailed, "failed"}} {
		if n := reboots[known.state]; n > 0 {
			title = document.Line(title, fmt.Sprintf("%s%d %s", between, n, known.text))
			between = ", "
		}
	}
	d := document.Document{Title: title}
	if record.Halted != "" {
		d.Blocks = append(d.Blocks, document.List{Items: []document.Item{document.Message("halted because: ", record.Halted)}})
	}
	return d
}

// item is a group: who, what, why, and what to type.
func item(g Group, record *schema.Record, way Way) document.Item {
	what := progress.Outcome(g.Outcome, string(g.Outcome))
	switch g.Reboot {
	case schema.RebootHeld:
		what = document.Span{Text: "reboot held", Kind: document.Warn}
	case schema.RebootFailed:
		what = document.Span{Text: "reboot failed", Kind: document.Bad}
	}
	head, list := document.Line(document.Hosts(g.Hosts), ": ", what), document.List{}
	if reason := human.FirstLine(g.Error); reason != "" && reason != record.Halted {
		if !g.Alike {
			reason = "such as " + string(g.Hosts[0]) + ": " + reason
		}
		if len(g.Hosts) > 1 {
			list.Items = append(list.Items, document.Item{Text: document.Line(reason)})
		} else {
			head = document.Line(head, ": "+reason)
		}
	}
	for _, hint := range Hints(g, record, way) {
		list.Items = append(list.Items, hintItem(hint))
	}
	return document.Item{Text: head, Blocks: []document.Block{list}}
}

func hintItem(hint string) document.Item {
	return document.Item{Text: document.Line(document.Bold("hint:"), " ", hint)}
}
