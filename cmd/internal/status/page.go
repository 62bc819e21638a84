package status

import (
	_ "embed"
	"html/template"
	"io"
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
	Titles  []string
	Hosts   []pageHost
}

type tile struct {
	Condition schema.Condition
	Sign      string
	Count     int
}

type pageHost struct {
	Name            schema.HostName
	Condition       schema.Condition
	Sign            string
	Facts, Problems []string
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
	for _, c := range columns {
		data.Titles = append(data.Titles, c.title)
	}
	for _, name := range worstFirst(s) {
		h := s.Hosts[name]
		host := pageHost{Name: name, Condition: h.Condition, Sign: signs[h.Condition]}
		for _, c := range columns {
			host.Facts = append(host.Facts, ui.Printable(c.of(h)))
		}
		for _, text := range slices.Concat(h.Because, h.Notes) {
			host.Problems = append(host.Problems, ui.Printable(text))
		}
		if h.Hint != "" {
			host.Problems = append(host.Problems, ui.Printable("hint: "+h.Hint))
		}
		data.Hosts = append(data.Hosts, host)
	}
	return page.Execute(w, data)
}
