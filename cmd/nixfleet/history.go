package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

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
		message, hint, _ := strings.Cut(seen.Err.Error(), "\nhint: ")
		return schema.HostHistory{Error: message, Hint: hint, Entries: []schema.HistoryEntry{}, Generations: []schema.KeptGeneration{}}
	}
	return schema.HostHistory{Entries: seen.History.Entries, Generations: seen.History.Generations}
}

func writeHistory(c *cli.Context, told *schema.History) error {
	out := bufio.NewWriter(c.App.Writer)
	if c.Bool("json") {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return errors.Join(encoder.Encode(told), out.Flush())
	}
	style := ui.StyleFor(c.App.Writer)
	for i, name := range slices.Sorted(maps.Keys(told.Hosts)) {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if len(told.Hosts) > 1 {
			fmt.Fprintln(out, style.Bold(string(name)))
		}
		if err := writeHostHistory(out, style, name, told.Hosts[name]); err != nil {
			return err
		}
	}
	return out.Flush()
}

func writeHostHistory(w io.Writer, style ui.Style, name schema.HostName, host schema.HostHistory) error {
	if host.Error != "" {
		ui.PrintError(os.Stderr, errors.New(hinted(string(name)+": "+host.Error, host.Hint)))
		return nil
	}
	if len(host.Entries) == 0 {
		_, err := fmt.Fprintln(w, "nothing was ever done to it")
		return err
	}
	// Colour would count as width, so that only what comes last may have some.
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHEN\tWHAT\tGENERATION\tPLAN\tREVISION\tBY\tEND")
	for _, e := range host.Entries {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.At.Local().Format(time.DateTime), what(e), number(e.Generation), digestOf(e),
			orDash(shortRevision(e.Revision)), orDash(ui.Printable(e.Operator)), end(style, e))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return writeKept(w, host.Generations)
}

func hinted(message, hint string) string {
	if hint == "" {
		return message
	}
	return message + "\nhint: " + hint
}

// what names a change: "apply", "rollback to 4".
func what(e schema.HistoryEntry) string {
	if e.RollbackTo > 0 {
		return fmt.Sprintf("%s to %d", e.Kind, e.RollbackTo)
	}
	return ui.Printable(e.Kind)
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
	return ui.Printable(revision[:min(len(revision), 10)])
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// end says how a change ended, with the first line of why.
func end(style ui.Style, e schema.HistoryEntry) string {
	verdict := ui.Printable(e.Verdict)
	if e.Failure == "" {
		return style.Green(verdict)
	}
	line, _, more := strings.Cut(e.Failure, "\n")
	if more {
		line += " …"
	}
	return style.Red(verdict) + ": " + ui.Printable(line)
}

// writeKept tells what the host can be rolled back to.
func writeKept(w io.Writer, kept []schema.KeptGeneration) error {
	var names []string
	for _, g := range kept {
		name := strconv.Itoa(g.Generation)
		if g.InEffect {
			name += " (in effect)"
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "kept generations: %s\n", strings.Join(names, ", "))
	return err
}
