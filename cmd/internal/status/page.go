package status

import (
	_ "embed"
	"html/template"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// pageData is what the page shows.
type pageData struct {
	Title   string
	At      time.Time
	Plan    string
	Refresh int // seconds; 0 for a page that is written once
	Tiles   []tile
	Hosts   []pageHost
}

type tile struct {
	Condition schema.Condition
	Sign      string
	Count     int
}

type pageHost struct {
	Name                                                             schema.HostName
	Condition                                                        schema.Condition
	Sign                                                             string
	Applied, Generation, Operator, Planned, Units, Free, Updated, Up string
	Because, Notes                                                   []string
}

// signs stand beside the colours, which not everybody can tell apart.
var signs = map[schema.Condition]string{
	schema.Well: "✓", schema.Attention: "!", schema.Failing: "✗", schema.Unseen: "?", schema.Unreachable: "⦸",
}

// WritePage writes one page of HTML that needs nothing else: no network, no other
// file. Refresh is how often it is written again; 0 for once.
func WritePage(w io.Writer, s *schema.Status, refresh time.Duration) error {
	data := pageData{Title: "NixFleet status", At: s.At, Refresh: int(refresh.Round(time.Second).Seconds())}
	if s.Fleet != "" {
		data.Title = s.Fleet + ": status"
	}
	if s.Plan != "" {
		data.Plan = s.Plan.Short()
	}
	counts := Counts(s)
	for _, condition := range order {
		data.Tiles = append(data.Tiles, tile{condition, signs[condition], counts[condition]})
	}
	slices.Reverse(data.Tiles)
	names := slices.Sorted(maps.Keys(s.Hosts))
	slices.SortStableFunc(names, func(a, b schema.HostName) int {
		return slices.Index(order, s.Hosts[a].Condition) - slices.Index(order, s.Hosts[b].Condition)
	})
	for _, name := range names {
		h := s.Hosts[name]
		if h.Hint != "" {
			h.Notes = append(slices.Clone(h.Notes), "hint: "+h.Hint)
		}
		data.Hosts = append(data.Hosts, pageHost{
			Name: name, Condition: h.Condition, Sign: signs[h.Condition],
			Applied: applied(h), Generation: generation(h), Operator: operator(h), Planned: planned(h), Units: units(h), Free: free(h), Updated: updated(h), Up: up(h),
			Because: printable(h.Because), Notes: printable(h.Notes),
		})
	}
	return page.Execute(w, data)
}

func printable(texts []string) []string {
	list := make([]string, len(texts))
	for i, text := range texts {
		list[i] = ui.Printable(text)
	}
	return list
}
