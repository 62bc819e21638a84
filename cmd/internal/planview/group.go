package planview

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// group is hosts to which the same would happen.
type group struct {
	hosts    []schema.HostName
	forecast schema.HostForecast
	// task is what would be done instead of an execution; empty where that is it.
	task string
}

// groups puts hosts together that read the same, those that need a look first:
// hosts that could not be asked, refusals, changes, and those as planned.
func groups(f *schema.Forecast) []*group {
	var list []*group
	seen := map[string]*group{}
	for _, name := range slices.Sorted(maps.Keys(f.Hosts)) {
		forecast := f.Hosts[name]
		key, err := json.Marshal(forecast)
		if err != nil {
			key = []byte(name) // alone, then
		}
		if g := seen[string(key)]; g != nil {
			g.hosts = append(g.hosts, name)
			continue
		}
		g := &group{[]schema.HostName{name}, forecast, f.Task}
		seen[string(key)] = g
		list = append(list, g)
	}
	order := []schema.ForecastVerdict{schema.NotAsked, schema.WouldRefuse, schema.WouldChange, schema.WouldNothing}
	slices.SortStableFunc(list, func(a, b *group) int {
		return slices.Index(order, a.forecast.Verdict) - slices.Index(order, b.forecast.Verdict)
	})
	return list
}

// title says in a few words what would happen.
func (g *group) title() string {
	switch f := g.forecast; {
	case f.Verdict == schema.NotAsked:
		return "could not be asked"
	case g.task != "" && f.Verdict == schema.WouldRefuse:
		return "the " + firstWord(g.task) + " would be refused"
	case g.task != "" && f.Verdict == schema.WouldNothing:
		return "nothing to do"
	case g.task != "" && len(f.Changes) == 0:
		return "another generation, without a change"
	}
	switch f := g.forecast; f.Verdict {
	case schema.WouldRefuse:
		return "an execution would refuse"
	case schema.WouldNothing:
		return "as the plan says"
	default:
		things, units := split(&f)
		return strings.Join(nonEmpty(count(len(things), "change"), count(len(units), "unit")), ", ")
	}
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return word
}

func nonEmpty(texts ...string) []string {
	return slices.DeleteFunc(texts, func(text string) bool { return text == "" })
}

// count is empty for nothing.
func count(n int, noun string) string {
	if n == 0 {
		return ""
	}
	return human.Count(n, noun)
}

// Summary says of how many hosts what is true.
func Summary(f *schema.Forecast) string {
	counts := map[schema.ForecastVerdict]int{}
	for _, host := range f.Hosts {
		counts[host.Verdict]++
	}
	var parts []string
	asIs := "as the plan says"
	if f.Task != "" {
		asIs = "with nothing to do"
	}
	for _, part := range []struct {
		verdict schema.ForecastVerdict
		text    string
	}{
		{schema.WouldNothing, asIs}, {schema.WouldChange, "would change"},
		{schema.WouldRefuse, "would be refused"}, {schema.NotAsked, "could not be asked"},
	} {
		if n := counts[part.verdict]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, part.text))
		}
	}
	return count(len(f.Hosts), "host") + ": " + strings.Join(parts, ", ")
}
