package show

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// Rollout is the plan's, with every host by name instead of in ranges.
type Rollout struct {
	schema.Rollout
	Waves   []Wave   `json:"waves"`
	Reboots *Reboots `json:"reboots,omitempty"`
}

// Wave is a wave of the plan.
type Wave struct {
	schema.Wave
	Hosts []schema.HostName `json:"hosts"`
}

// Reboots are those of the plan.
type Reboots struct {
	schema.Reboots
	Limits []RebootLimit `json:"limits,omitempty"`
	Waves  []RebootWave  `json:"waves"`
}

// RebootLimit is a limit of the plan.
type RebootLimit struct {
	schema.RebootLimit
	Hosts []schema.HostName `json:"hosts"`
}

// RebootWave is a wave of reboots of the plan.
type RebootWave struct {
	schema.RebootWave
	Hosts []schema.HostName `json:"hosts"`
}

func summarizeRollout(frozen schema.Rollout) Rollout {
	r := Rollout{Rollout: frozen}
	for _, wave := range frozen.Waves {
		r.Waves = append(r.Waves, Wave{wave, wave.Hosts})
	}
	if frozen.Reboots == nil {
		return r
	}
	r.Reboots = &Reboots{Reboots: *frozen.Reboots}
	for _, limit := range frozen.Reboots.Limits {
		r.Reboots.Limits = append(r.Reboots.Limits, RebootLimit{limit, limit.Hosts})
	}
	for _, wave := range frozen.Reboots.Waves {
		r.Reboots.Waves = append(r.Reboots.Waves, RebootWave{wave, wave.Hosts})
	}
	return r
}

// sections draw who comes when, how many at once, and what a failure means; and who
// may reboot when. With hosts, only the waves are drawn in which these come.
func (r Rollout) sections(timeZone string, only map[schema.HostName]bool) []document.Block {
	name := "Rollout"
	if r.Name != "" {
		name = fmt.Sprintf("Rollout %q", r.Name)
	}
	all, done := 0, 0
	for _, wave := range r.Waves {
		all += len(wave.Hosts)
	}
	table := document.Table{Head: []string{"wave", "hosts", "terms"}}
	for i, wave := range r.Waves {
		done += len(wave.Hosts)
		reached := when(len(r.Waves) > 1, fmt.Sprintf(" (%d/%d)", done, all))
		if concerns(wave.Hosts, only) {
			table.Rows = append(table.Rows, []document.Text{
				document.Line(fmt.Sprintf("%d. %s", i+1, wave.Name) + reached), document.Hosts(wave.Hosts), document.Line(WaveTerms(wave.Wave)),
			})
		}
	}
	section := document.Section{
		Heading: document.Line(fmt.Sprintf("%s: %s, at most %s at once", name, human.Count(len(r.Waves), "wave"), human.Count(r.MaxParallel, "host"))),
		Blocks:  []document.Block{table},
	}
	if lines := slices.Concat(r.bounds(), r.explain()); len(lines) > 0 {
		section.Blocks = append(section.Blocks, document.Strings(lines, len(lines), ""))
	}
	return append([]document.Block{section}, r.Reboots.sections(timeZone, only)...)
}

// concerns reports whether any of the hosts is asked for; nil asks for all.
func concerns(hosts []schema.HostName, only map[schema.HostName]bool) bool {
	return only == nil || slices.ContainsFunc(hosts, func(name schema.HostName) bool { return only[name] })
}

// WaveTerms are what holds for a wave.
func WaveTerms(w schema.Wave) string {
	failures := ""
	if budget := w.FailureBudget; budget != nil {
		failures = mayFail(*budget)
	}
	return words(when(w.Soak != "", "soak "+w.Soak), failures, when(w.OnFailure != "", "on failure "+string(w.OnFailure)), when(w.Offline == schema.OfflineHold, "offline hosts are held"))
}

func mayFail(hosts int) string {
	if hosts == 0 {
		return "no host may fail"
	}
	return human.Count(hosts, "host") + " may fail"
}

// bounds are what holds for the whole rollout.
func (r Rollout) bounds() []string {
	var lines, limits, budgets []string
	for _, limit := range r.Limits {
		limits = append(limits, human.Count(limit.MaxParallel, "host")+when(limit.Group != "", " of group "+limit.Group)+
			when(limit.Tag != "", " with the same "+limit.Tag))
	}
	for _, budget := range r.Budgets {
		budgets = append(budgets, when(budget.Group != "", "of group "+budget.Group+" ")+mayFail(budget.Hosts))
	}
	if len(limits) > 0 {
		lines = append(lines, "at once, at most: "+strings.Join(limits, ", "))
	}
	if len(budgets) > 0 {
		lines = append(lines, "in all: "+strings.Join(budgets, ", "))
	}
	if gate := r.Gate; gate != nil {
		lines = append(lines, fmt.Sprintf("gate, before the first wave and after each, on the controller: %s (within %s, asked again %s every %s)",
			oneLine(gate.Command), gate.Timeout, times(gate.Retries), gate.Interval))
	}
	return lines
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

// explain says in words what the terms mean, those that the rollout has.
func (r Rollout) explain() []string {
	var lines []string
	add := func(needed bool, text string) {
		if needed {
			lines = append(lines, text)
		}
	}
	has := func(of func(Wave) bool) bool { return slices.ContainsFunc(r.Waves, of) }
	onFailure := func(what schema.OnFailure) bool {
		return has(func(w Wave) bool { return w.OnFailure == what })
	}
	add(len(r.Limits) > 0, "A host that may not begin yet is passed over until it may.")
	add(has(func(w Wave) bool { return w.Soak != "" }), "A wave that soaks is watched for that long; its health checks must pass before and after.")
	bounded := has(func(w Wave) bool { return w.FailureBudget != nil })
	add(bounded, "One failure more than may be halts the rollout: nothing more starts, and hosts at work finish.")
	finished := has(func(w Wave) bool { return w.FailureBudget == nil })
	add(bounded && finished, "A wave that does not say how many may fail is finished, and no other starts where any did.")
	add(len(r.Waves) > 1 && !bounded, "A wave in which a host fails is finished, and no other starts.")
	add(r.Gate != nil, "A gate that stays closed halts the rollout as well.")
	add(onFailure(schema.RollbackHost), "rollback-host: a host that fails goes back to what it was before the run.")
	add(onFailure(schema.RollbackWave), "rollback-wave: when the rollout halts, all hosts of that wave go back to what they were before the run.")
	add(onFailure(schema.RollbackAll), "rollback-all: when the rollout halts, all hosts that it changed go back to what they were, the last wave first.")
	add(has(func(w Wave) bool { return w.Offline == schema.OfflineHold }), "Offline hosts are left for a later execution, and count as no failure.")
	return lines
}

func (r *Reboots) sections(timeZone string, only map[schema.HostName]bool) []document.Block {
	if r == nil {
		return nil
	}
	hosts := 0
	table := document.Table{Head: []string{"in wave", "hosts", "when"}}
	for _, wave := range r.Waves {
		hosts += len(wave.Hosts)
		if !concerns(wave.Hosts, only) {
			continue
		}
		open := "at any time"
		if len(wave.Windows) > 0 {
			open = "in " + strings.Join(wave.Windows, " or ") + " " + timeZone
		}
		table.Rows = append(table.Rows, []document.Text{
			document.Line("in wave " + wave.Wave), document.Hosts(wave.Hosts), document.Line(words(open, "back within "+wave.Deadline+", watched for "+wave.Stability)),
		})
	}
	section := document.Section{Heading: document.Line("Reboots: " + words(human.Count(hosts, "host")+" may reboot",
		when(hosts > r.MaxConcurrent, fmt.Sprintf("at most %d down at once", r.MaxConcurrent))))}
	if len(table.Rows) == 0 {
		section.Blocks = []document.Block{document.Paragraph{Text: document.Line("None of the hosts that are shown may.")}}
		return []document.Block{section}
	}
	section.Blocks = []document.Block{table}
	var limits document.List
	for _, limit := range r.Limits {
		of := "hosts without a group"
		if limit.Group != "" {
			of = "group " + limit.Group
		}
		if concerns(limit.Hosts, only) {
			limits.Items = append(limits.Items, document.Item{Text: document.Line(fmt.Sprintf("%s: at most %d down at once, of ", of, limit.MaxConcurrent), document.Hosts(limit.Hosts))})
		}
	}
	if len(limits.Items) > 0 {
		section.Blocks = append(section.Blocks, limits)
	}
	return []document.Block{section}
}
