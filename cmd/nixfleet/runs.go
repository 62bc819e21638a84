package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

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
		return ui.Usagef("%q: expected no argument\nhint: nixfleet runs show %s tells of one run", c.Args().First(), c.Args().First())
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
	out := bufio.NewWriter(c.App.Writer)
	if c.Bool("json") {
		if runs == nil {
			runs = []executor.RunSummary{}
		}
		return errors.Join(ui.WriteJSON(out, runs), out.Flush())
	}
	if len(runs) == 0 {
		fmt.Fprintf(out, "no run is recorded in %s\n", filepath.Join(deps.StateDir, "runs"))
		return out.Flush()
	}
	style := ui.StyleFor(c.App.Writer)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RUN\tBEGAN\tTOOK\tWHAT\tFLEET\tBY\tHOSTS\tLEFT\tEND")
	for _, r := range runs {
		if r.State == "" { // nothing is known but that it is there
			fmt.Fprintf(table, "%s\t-\t-\t-\t-\t-\t-\t-\t%s\n", r.Run, style.Red(ui.Printable(r.Problem)))
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", r.Run, r.Started.Local().Format(time.DateTime), took(r), ui.Printable(whatRan(r)), orDash(ui.Printable(r.Fleet)),
			ui.Printable(r.Operator), r.Hosts, number(r.Left), runEnd(style, r))
	}
	return errors.Join(table.Flush(), out.Flush())
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

// runEnd says how a run ended, in colour, since it stands last in its line.
func runEnd(style ui.Style, r executor.RunSummary) string {
	text := r.State
	if r.Halted != "" {
		text += ": " + ui.Printable(firstLineOf(r.Halted))
	}
	switch r.State {
	case string(schema.Done):
		return style.Green(text)
	case executor.RunAtWork, string(schema.Held):
		return style.Yellow(text)
	}
	return style.Red(text)
}

func firstLineOf(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
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
	out := bufio.NewWriter(c.App.Writer)
	if c.Bool("json") {
		return errors.Join(ui.WriteJSON(out, story), out.Flush())
	}
	tellRun(out, ui.StyleFor(c.App.Writer), story)
	return out.Flush()
}

func tellRun(w io.Writer, style ui.Style, story *executor.RunStory) {
	fmt.Fprintf(w, "%s: %s of fleet %q, by %s, on %s\n", style.Bold(story.Run), ui.Printable(whatRan(story.RunSummary)), ui.Printable(story.Fleet), ui.Printable(story.Operator), human.Count(story.Hosts, "host"))
	fmt.Fprintf(w, "began %s\n", story.Started.Local().Format(time.DateTime))
	for _, entry := range story.Journal {
		if line := entryLine(style, entry); line != "" {
			fmt.Fprintf(w, "  %s  %s\n", sinceBegun(entry.Time.Sub(story.Started)), line)
		}
	}
	if story.Finished != nil {
		fmt.Fprintf(w, "after %s: ", took(story.RunSummary))
	}
	fmt.Fprintln(w, runEnd(style, story.RunSummary))
	if story.Problem != "" {
		fmt.Fprintf(w, "%s\n", style.Red(ui.Printable(story.Problem)))
	}
	tellHosts(w, style, story)
	if story.Left > 0 && story.State != executor.RunAtWork {
		fmt.Fprintf(w, "%s left: nixfleet execute PLAN --resume --run %s\n", human.Count(story.Left, "host"), story.Run)
	}
}

// tellHosts tells of the hosts that need somebody's attention, and counts the others.
func tellHosts(w io.Writer, style ui.Style, story *executor.RunStory) {
	if story.Verdict == "" {
		return
	}
	well := map[schema.Outcome]int{}
	rebooted := 0
	for _, name := range slices.SortedFunc(maps.Keys(story.Record.Hosts), schema.HostName.Compare) {
		host := story.Record.Hosts[name]
		switch host.Outcome {
		case schema.HostChanged, schema.HostUnchanged, schema.HostRan:
			well[host.Outcome]++
		default:
			fmt.Fprintf(w, "  %s: %s: %s\n", name, style.Red(string(host.Outcome)), ui.Printable(firstLineOf(host.Error)))
		}
		switch r := host.Reboot; {
		case r == nil:
		case r.State == schema.RebootDone:
			rebooted++
		case r.State == schema.RebootHeld:
			fmt.Fprintf(w, "  %s: %s: %s\n", name, style.Yellow("reboot held"), ui.Printable(firstLineOf(r.Error)))
		case r.State == schema.RebootFailed && r.Error != host.Error:
			fmt.Fprintf(w, "  %s: %s: %s\n", name, style.Red("reboot failed"), ui.Printable(firstLineOf(r.Error)))
		}
	}
	for _, outcome := range slices.Sorted(maps.Keys(well)) {
		fmt.Fprintf(w, "  %s %s\n", human.Count(well[outcome], "host"), style.Green(string(outcome)))
	}
	if rebooted > 0 {
		fmt.Fprintf(w, "  %s %s\n", human.Count(rebooted, "host"), style.Green("rebooted"))
	}
}

// sinceBegun is a time as a column: minutes, seconds and tenths since the run began.
func sinceBegun(d time.Duration) string {
	d = max(d, 0).Round(time.Second / 10)
	return fmt.Sprintf("%3d:%04.1f", int(d.Minutes()), (d % time.Minute).Seconds())
}

// entryLine is what an entry of the journal tells people; empty where that is nothing.
func entryLine(style ui.Style, e schema.Entry) string {
	switch e.Kind {
	case schema.RunResumed:
		return "resumed by " + ui.Printable(e.Operator)
	case schema.WaveBegun:
		return "wave " + e.Wave
	case schema.WaveEnded:
		if e.Wave == "" {
			return ""
		}
		return "wave " + e.Wave + " is over"
	case schema.RunHalting:
		return style.Yellow("halted: ") + ui.Printable(firstLineOf(e.Reason))
	case schema.HostHooks:
		return fmt.Sprintf("%s: hooks %s", e.Host, e.Hook)
	case schema.HostRebooting:
		return fmt.Sprintf("%s: reboots", e.Host)
	case schema.HostRebooted:
		return fmt.Sprintf("%s: is back", e.Host)
	case schema.HostGoingBack:
		return fmt.Sprintf("%s: goes back", e.Host)
	case schema.HostEnded, schema.HostAmended:
		line := fmt.Sprintf("%s: %s", e.Host, e.Record.Outcome)
		if e.Record.Error != "" {
			line += ": " + ui.Printable(firstLineOf(e.Record.Error))
		}
		return line
	}
	return ""
}
