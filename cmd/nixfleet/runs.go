package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/cmd/internal/wiring"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// runsLimit is how many runs are listed where nothing else is said.
const runsLimit = 20

func runsCommand() *cli.Command {
	return &cli.Command{
		Name:            "runs",
		Usage:           "list past runs from this machine and what can be resumed",
		ArgsUsage:       "[show RUN]",
		HideHelpCommand: true,
		Description: `Lists the runs that this machine has a record of, newest first: executions, rollbacks, releases, reboots,
tasks and commands. "died" means that the process ended without a verdict; LEFT is the number of hosts left
for nixfleet execute --resume. No host is contacted.

Exit status: 0 listed, 1 an error of ours or of a file, 2 wrong usage.

Examples: nixfleet runs
          nixfleet runs show 20261122-141502-k3v9qx
          nixfleet runs --last 0 --json`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "last", Usage: "show the last `N` runs; 0 shows all", Value: runsLimit},
			&cli.BoolFlag{Name: "json", Usage: "print JSON"},
			stateDirFlag(),
		},
		Action: listRuns,
		Subcommands: []*cli.Command{{
			Name:      "show",
			Usage:     "show the story of a run, with times",
			ArgsUsage: "RUN",
			Description: `Shows what a run did and when, from its journal, and the outcome of each host, from its record. RUN is a run id,
the start of one, or "last" for the latest run.

Exit status: 0 shown, 1 an error of ours or of a file, 2 wrong usage.

Examples: nixfleet runs show last
          nixfleet runs show 20261122-1415 --json`,
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "json", Usage: "print JSON: the summary, the record (docs/reference/record-format.md) and the journal (docs/reference/journal-format.md)"},
				stateDirFlag(),
			},
			Action: showRun,
		}},
	}
}

func stateDirFlag() cli.Flag {
	return &cli.StringFlag{Name: "state-dir", Usage: "read run records from `DIR` (default: $XDG_STATE_HOME/nixfleet)", EnvVars: []string{"NIXFLEET_STATE_DIR"}}
}

func listRuns(c *cli.Context) error {
	if c.NArg() > 0 {
		return schema.WithHint(ui.Usagef("%q: expected no argument", c.Args().First()), "nixfleet runs show %s tells of one run", c.Args().First())
	}
	if c.Int("last") < 0 {
		return ui.Usagef("--last %d: expected 0 or more", c.Int("last"))
	}
	deps, err := wiring.Deps(c.String("state-dir"))
	if err != nil {
		return err
	}
	runs, err := executor.Runs(deps.StateDir, c.Int("last"))
	if err != nil {
		return err
	}
	if runs == nil {
		runs = []executor.RunSummary{}
	}
	return report(c, runs, func() document.Document { return runsDocument(runs, deps.StateDir) })
}

func runsDocument(runs []executor.RunSummary, stateDir string) document.Document {
	if len(runs) == 0 {
		return document.Document{Title: document.Line("no run is recorded in " + filepath.Join(stateDir, "runs"))}
	}
	table := document.Table{Titled: true, Head: []string{"run", "began", "took", "what", "fleet", "by", "hosts", "left", "end"}}
	for _, r := range runs {
		row := append(document.Row(r.Run, r.Started.Local().Format(time.DateTime), took(r), whatRan(r), orDash(r.Fleet), r.Operator, strconv.Itoa(r.Hosts), number(r.Left)), runEnd(r))
		if r.State == "" { // nothing is known but that it is there
			row = append(document.Row(r.Run, "-", "-", "-", "-", "-", "-", "-"), document.Line(document.Span{Text: r.Problem, Kind: document.Bad}))
		}
		table.Rows = append(table.Rows, row)
	}
	return document.Document{Blocks: []document.Block{table}}
}

func took(r executor.RunSummary) string {
	if r.Finished == nil {
		return "-"
	}
	return human.Duration(r.Finished.Sub(r.Started))
}

func whatRan(r executor.RunSummary) string {
	if r.Task != "" {
		return r.Task
	}
	return "plan " + r.Digest.Short()
}

// runEnd says how a run ended.
func runEnd(r executor.RunSummary) document.Text {
	kind := document.Bad
	switch r.State {
	case string(schema.Done):
		kind = document.Good
	case executor.RunAtWork, string(schema.Held):
		kind = document.Warn
	}
	text := r.State
	if r.Halted != "" {
		text += ": " + human.FirstLine(r.Halted)
	}
	return document.Line(document.Span{Text: text, Kind: kind})
}

func showRun(c *cli.Context) error {
	name, err := ui.OneArgument(c, "RUN", "a run")
	if err != nil {
		return err
	}
	deps, err := wiring.Deps(c.String("state-dir"))
	if err != nil {
		return err
	}
	run, err := executor.FindRun(deps.StateDir, name)
	if err != nil {
		return err
	}
	story, err := executor.ReadRun(deps.StateDir, run)
	if err != nil {
		return err
	}
	return report(c, story, func() document.Document { return runDocument(story) })
}

func runDocument(story *executor.RunStory) document.Document {
	d := document.Document{Title: document.Line(document.Bold(story.Run), fmt.Sprintf(": %s of fleet %q, by %s, on %s", whatRan(story.RunSummary), story.Fleet, story.Operator, human.Count(story.Hosts, "host")))}
	var times document.Table
	times.Head = []string{"after", "what"}
	for _, entry := range story.Journal {
		if line := entryLine(entry); line != nil {
			times.Rows = append(times.Rows, []document.Text{document.Line(sinceBegun(entry.Time.Sub(story.Started))), line})
		}
	}
	d.Blocks = append(d.Blocks, document.Section{Heading: document.Line("began " + story.Started.Local().Format(time.DateTime)), Blocks: []document.Block{times}})
	end := runEnd(story.RunSummary)
	if story.Finished != nil {
		end = document.Line("after "+took(story.RunSummary)+": ", end)
	}
	var list document.List
	if story.Problem != "" {
		list.Items = append(list.Items, document.Item{Text: document.Line(document.Span{Text: story.Problem, Kind: document.Bad})})
	}
	if story.Verdict != "" {
		list.Items = append(list.Items, hostItems(story)...)
	}
	if story.Left > 0 && story.State != executor.RunAtWork {
		list.Items = append(list.Items, document.Item{Text: document.Line(fmt.Sprintf("%s left: nixfleet execute PLAN --resume --run %s", human.Count(story.Left, "host"), story.Run))})
	}
	d.Blocks = append(d.Blocks, document.Section{Heading: end, Blocks: []document.Block{list}})
	return d
}

// hostItems are the hosts that need a look, one by one, and how many others there are.
func hostItems(story *executor.RunStory) (items []document.Item) {
	look := func(name schema.HostName, what document.Span, why string) {
		items = append(items, document.Item{Text: document.Line(document.Name(name), ": ", what, ": "+human.FirstLine(why))})
	}
	well := map[schema.Outcome]int{}
	rebooted := 0
	for _, name := range slices.SortedFunc(maps.Keys(story.Record.Hosts), schema.HostName.Compare) {
		host := story.Record.Hosts[name]
		switch host.Outcome {
		case schema.HostChanged, schema.HostUnchanged, schema.HostRan:
			well[host.Outcome]++
		default:
			look(name, progress.Outcome(host.Outcome, string(host.Outcome)), host.Error)
		}
		switch r := host.Reboot; {
		case r == nil:
		case r.State == schema.RebootDone:
			rebooted++
		case r.State == schema.RebootHeld:
			look(name, document.Span{Text: "reboot held", Kind: document.Warn}, r.Error)
		case r.State == schema.RebootFailed && r.Error != host.Error:
			look(name, document.Span{Text: "reboot failed", Kind: document.Bad}, r.Error)
		}
	}
	for _, outcome := range slices.Sorted(maps.Keys(well)) {
		items = append(items, document.Item{Text: document.Line(human.Count(well[outcome], "host")+" ", progress.Outcome(outcome, string(outcome)))})
	}
	if rebooted > 0 {
		items = append(items, document.Item{Text: document.Line(human.Count(rebooted, "host")+" ", document.Span{Text: "rebooted", Kind: document.Good})})
	}
	return items
}

// sinceBegun is a time as a column: minutes, seconds and tenths since the run began.
func sinceBegun(d time.Duration) string {
	d = max(d, 0).Round(time.Second / 10)
	return fmt.Sprintf("%3d:%04.1f", int(d.Minutes()), (d % time.Minute).Seconds())
}

// entryLine is what an entry of the journal tells people; empty where that is nothing.
func entryLine(e schema.Entry) document.Text {
	switch e.Kind {
	case schema.RunResumed:
		return document.Line("resumed by " + e.Operator)
	case schema.WaveBegun:
		return document.Line("wave " + e.Wave)
	case schema.WaveEnded:
		if e.Wave == "" {
			return nil
		}
		return document.Line("wave " + e.Wave + " is over")
	case schema.RunHalting:
		return document.Line(document.Span{Text: "halted: ", Kind: document.Warn}, human.FirstLine(e.Error))
	case schema.HostHooks:
		return document.Line(fmt.Sprintf("%s: hooks %s", e.Host, e.Hook))
	case schema.HostRebooting:
		return document.Line(fmt.Sprintf("%s: reboots", e.Host))
	case schema.HostRebooted:
		return document.Line(fmt.Sprintf("%s: is back", e.Host))
	case schema.HostGoingBack:
		return document.Line(fmt.Sprintf("%s: goes back", e.Host))
	case schema.HostEnded, schema.HostAmended:
		line := fmt.Sprintf("%s: %s", e.Host, e.Record.Outcome)
		if e.Record.Error != "" {
			line += ": " + human.FirstLine(e.Record.Error)
		}
		return document.Line(line)
	}
	return nil
}
