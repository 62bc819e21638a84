package document

import (
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// mostNames is how many hosts or ranges of hosts are named.
const mostNames = 8

// Hosts names hosts shortly, with their number where it is not plain.
func Hosts(list []schema.HostName) Text {
	text := HostNames(list)
	if ranges := schema.RangesOf(list); len(list) > len(ranges) || len(ranges) > mostNames {
		text = Line(text, " ("+human.Count(len(list), "host")+")")
	}
	return text
}

// HostNames names hosts shortly: those whose numbers follow each other as a range.
func HostNames(list []schema.HostName) Text {
	ranges := schema.RangesOf(list)
	var text Text
	for i, r := range ranges[:min(len(ranges), mostNames)] {
		if i > 0 {
			text = Line(text, ", ")
		}
		text = Line(text, Name(r))
	}
	if len(ranges) > mostNames {
		text = Line(text, ", …")
	}
	return text
}
