package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/schema"
)

// historyLimit is how many changes are told of where nothing else is said.
const historyLimit = 20

func historyCommand() *cli.Command {
	return &cli.Command{
		Name:      "history",
		Usage:     "list past changes of hosts: when, by whom, from which plan, with what result",
		ArgsUsage: "[FLEET]",
		Description: `Each host keeps its own history, whichever machine changed it. Shows the newest changes first, and the
generations that the host keeps and can be rolled back to. Addresses come from --plan, or from the inventory
of FLEET (default: the current directory). Nothing changes on any host.

Exit status: 0 every host answered, 1 an error of ours or of a file, 2 wrong usage, 4 a host could
not be asked, 130 interrupted.

Examples: nixfleet history --host web-1
          nixfleet history --host web-1 --plan plan.json --last 0 --json`,
		Flags: append(append(append(selection.Flags(), lookFlags()...), rosterFlags()...),
			&cli.IntFlag{Name: "last", Usage: "show the last `N` changes; 0 shows all", Value: historyLimit},
			&cli.BoolFlag{Name: "json", Usage: "print JSON (docs/reference/history-format.md)"},
		),
		Action: historyAction,
	}
}

func historyAction(c *cli.Context) error {
	options, err := lookOptions(c)
	if err != nil {
		return err
	}
	limit := c.Int("last")
	if limit < 0 {
		return ui.Usagef("--last %d: expected 0 or more", limit)
	}
	ctx, release := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer release()
	asked, err := rosterOf(ctx, c)
	if err != nil {
		return err
	}
	chosen, err := executor.SelectFrom(asked.hosts, options.Select)
	if err != nil {
		return err
	}
	told := &schema.History{Kind: schema.HistoryKind, Version: schema.HistoryVersion, Fleet: asked.fleet, Hosts: map[schema.HostName]schema.HostHistory{}}
	progress := newAsking(chosen, false)
	err = executor.History(ctx, asked.hosts, limit, options, viewer(c), func(seen executor.Seen) {
		told.Hosts[seen.Host] = historyOf(seen)
		progress.answered(seen.Host)
	})
	progress.close()
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ui.WithCode(ui.ExitInterrupted, ui.ErrReported)
	}
	if err := writeHistory(c, told); err != nil {
		return err
	}
	for _, host := range told.Hosts {
		if host.Error != "" {
			return ui.WithCode(ui.ExitHostsFailed, ui.ErrReported)
		}
	}
	return nil
}

func historyOf(seen executor.Seen) schema.HostHistory {
	if seen.Err != nil {
		return schema.HostHistory{Error: seen.Err.Error(), Hint: strings.Join(schema.Hints(seen.Err), "\n"), Entries: []schema.HistoryEntry{}, Generations: []schema.KeptGeneration{}}
	}
	return schema.HostHistory{Entries: seen.History.Entries, Generations: seen.History.Generations}
}

func writeHistory(c *cli.Context, told *schema.History) error {
	for _, name := range slices.Sorted(maps.Keys(told.Hosts)) {
		if host := told.Hosts[name]; host.Error != "" && !c.Bool("json") {
			ui.PrintError(os.Stderr, schema.WithHint(errors.New(string(name)+": "+host.Error), "%s", host.Hint))
		}
	}
	return report(c, told, func() document.Document { return historyDocument(told) })
}

func historyDocument(told *schema.History) (d document.Document) {
	for _, name := range slices.Sorted(maps.Keys(told.Hosts)) {
		switch host := told.Hosts[name]; {
		case host.Error != "":
		case len(told.Hosts) == 1:
			d.Blocks = historyOfHost(host)
		default:
			d.Blocks = append(d.Blocks, document.Section{Heading: document.Line(document.Name(name)), Blocks: historyOfHost(host)})
		}
	}
	return d
}

func historyOfHost(host schema.HostHistory) []document.Block {
	if len(host.Entries) == 0 {
		return []document.Block{document.Paragraph{Text: document.Line("no changes recorded")}}
	}
	table := document.Table{Titled: true, Head: []string{"when", "what", "generation", "plan", "revision", "by", "end"}}
	for _, e := range host.Entries {
		row := document.Row(e.At.Local().Format(time.DateTime), what(e), number(e.Generation), digestOf(e), orDash(shortRevision(e.Revision)), orDash(e.Operator))
		table.Rows = append(table.Rows, append(row, end(e)))
	}
	blocks := []document.Block{table}
	if kept := keptGenerations(host.Generations); kept != "" {
		blocks = append(blocks, document.Paragraph{Text: document.Line("kept generations: " + kept)})
	}
	return blocks
}

// what names a change: "apply", "rollback to 4".
func what(e schema.HistoryEntry) string {
	if e.RollbackTo > 0 {
		return fmt.Sprintf("%s to %d", e.Kind, e.RollbackTo)
	}
	return e.Kind
}

func number(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

// digestOf is the plan's, by which people know it; of what had none, the manifest's.
func digestOf(e schema.HistoryEntry) string {
	switch {
	case e.Plan != "":
		return e.Plan.Short()
	case e.Manifest == "":
		return "-"
	}
	return "(" + e.Manifest.Short() + ")"
}

// shortRevision is as much of a commit as people write.
func shortRevision(revision string) string {
	return revision[:min(len(revision), 10)]
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// end says how a change ended, with the first line of why.
func end(e schema.HistoryEntry) document.Text {
	if e.Failure == "" {
		return document.Line(document.Span{Text: e.Verdict, Kind: document.Good})
	}
	line, _, more := strings.Cut(e.Failure, "\n")
	if more {
		line += " …"
	}
	return document.Line(document.Span{Text: e.Verdict, Kind: document.Bad}, ": "+line)
}

// keptGenerations are those that the host can be rolled back to.
func keptGenerations(kept []schema.KeptGeneration) string {
	var names []string
	for _, g := range kept {
		name := strconv.Itoa(g.Generation)
		if g.InEffect {
			name += " (in effect)"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}
