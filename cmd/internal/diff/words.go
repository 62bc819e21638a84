package diff

import (
	"fmt"
	"slices"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/schema"
)

// verbs say in the third person what becomes of an object.
var verbs = map[schema.Action]string{
	schema.Create: "creates", schema.Update: "changes", schema.Remove: "removes", schema.Adopt: "takes over", schema.GiveUp: "gives back",
	schema.Enable: "enables", schema.Disable: "disables", schema.Mask: "masks", schema.Unmask: "unmasks", schema.Start: "starts", schema.Stop: "stops", schema.Restarts: "restarts", schema.Reloads: "reloads",
}

// isJob reports whether a change is of what runs.
func isJob(p schema.PlannedChange) bool {
	return slices.Contains([]schema.Action{schema.Start, schema.Stop, schema.Restarts, schema.Reloads}, p.Action)
}

// happens reports whether something becomes of the host now.
func happens(p schema.PlannedChange) bool { return !p.Inert }

// surrounds reports whether a change is of what holds from then on.
func surrounds(p schema.PlannedChange) bool {
	return slices.Contains([]string{kindHost, kindUpdates, kindReboot, kindActivation, kindHealthCheck, kindHook, kindTask, kindConnection, kindSelection}, p.Kind)
}

// sentence says what becomes of one object: "restarts nginx.service because …".
func sentence(p schema.PlannedChange) document.Text {
	text := document.Line(head(p))
	switch {
	case p.Detail == "":
	case p.Refused:
		text = document.Line(text, ", "+p.Detail)
	case isJob(p):
		text = document.Line(text, " because "+p.Detail)
	case isLinkChange(p):
	default:
		text = document.Line(text, ": "+p.Detail)
	}
	if p.Condition != "" {
		text = document.Line(text, ", "+p.Condition)
	}
	if p.Note != "" {
		text = document.Line(text, " ("+p.Note+")")
	}
	return text
}

func isLinkChange(p schema.PlannedChange) bool {
	return slices.Contains([]schema.Action{schema.Enable, schema.Disable, schema.Mask, schema.Unmask}, p.Action)
}

// head is the verb and the object.
func head(p schema.PlannedChange) document.Text {
	name := document.Name(p.Object)
	switch {
	case p.Refused:
		return document.Line(document.Span{Text: refuses(p), Kind: document.Bad}, " the "+p.Kind+" ", name)
	case isJob(p):
		return document.Line(document.Bold(verbs[p.Action]), " ", name)
	case p.Kind == schema.KindProfile:
		return document.Line("switches to another closure")
	case isLinkChange(p) && p.Detail != "":
		return document.Line(verbs[p.Action]+" ", name, " (", document.Name(p.Detail), ")")
	case isLinkChange(p):
		return document.Line(verbs[p.Action]+" ", name)
	case p.Kind == kindHost || p.Kind == kindActivation || p.Kind == kindReboot || p.Kind == kindConnection || p.Kind == kindSelection:
		return document.Line(p.Object)
	case p.Kind == kindUpdates:
		return document.Line(p.Object + "'s updates")
	case p.Kind == schema.KindFile:
		return document.Line(verbs[p.Action]+" ", name)
	}
	return document.Line(verbs[p.Action]+" the "+p.Kind+" ", name)
}

// plural says of a number of hosts what they do: "1 host changes", "2 hosts change".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// tally sums up the hosts.
func tally(d *schema.PlanDifference) []string {
	var changing, declared, renamed, come, leave int
	for _, g := range d.Groups {
		n := len(g.Hosts)
		switch {
		case g.What == schema.HostComes:
			come += n
		case g.What == schema.HostLeaves:
			leave += n
		case Happens(g):
			changing += n
		case g.What == schema.HostDiffers:
			declared += n
		}
		if g.What == schema.HostRenamed {
			renamed += n
		}
	}
	var parts []string
	add := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, plural(n, one, many))
		}
	}
	add(changing, "host changes", "hosts change")
	add(come, "host comes", "hosts come")
	add(leave, "host leaves", "hosts leave")
	add(renamed, "host is renamed", "hosts are renamed")
	add(declared, "host is declared otherwise without a change on it", "hosts are declared otherwise without a change on them")
	add(len(d.Unchanged), "host stays as it is", "hosts stay as they are")
	return parts
}
