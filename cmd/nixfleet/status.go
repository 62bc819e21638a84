package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/status"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/internal/durable"
	"github.com/nixfleet/nixfleet/schema"
)

func statusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "check hosts: last apply, drift, units, reboots, disks, reachability",
		ArgsUsage: "[FLEET]",
		Description: `Asks all hosts about themselves at once, without evaluating anything. Hosts come from --plan, or from the
inventory file of FLEET (default: the current directory); hosts declared in Nix are known from a plan only.
With --plan, each host is also compared with the plan.

States: ok; attention, worth a look (drift, another plan, a reboot needed, little disk space, a wrong clock);
failing, something is broken (a unit, an interrupted change, a full disk); unseen, reached but could not be
asked; unreachable. Nothing changes on any host.

Exit status: 0 every host answered and nothing is failing, 4 otherwise, 1 an error of ours or of a
file, 2 wrong usage, 130 interrupted.

Examples: nixfleet status --group web
          nixfleet status --plan plan.json --problems
          nixfleet status --plan plan.json --watch 30s --html /srv/www/fleet.html
          nixfleet status --prometheus /var/lib/node_exporter/nixfleet.prom`,
		Flags: append(append(selection.Flags(), lookFlags()...),
			&cli.StringFlag{Name: "plan", Usage: "take hosts and their desired state from this plan `FILE`"},
			&cli.StringSliceFlag{Name: "input", Usage: "use `inventory=FILE` as the inventory"},
			&cli.StringFlag{Name: "inventory", Usage: "use this `FILE` of the fleet's inventory/, if there are several"},
			&cli.BoolFlag{Name: "problems", Usage: "show only hosts with problems"},
			&cli.BoolFlag{Name: "json", Usage: "print JSON (docs/reference/status-format.md)"},
			&cli.DurationFlag{Name: "watch", Usage: "repeat every `TIME`, for example 30s, until interrupted"},
			&cli.StringFlag{Name: "prometheus", Usage: "write metrics to `FILE` for the node exporter's textfile collector, instead of the table"},
			&cli.StringFlag{Name: "html", Usage: "write a self-contained page to `FILE`, instead of the table"},
		),
		Action: statusAction,
	}
}

// roster is whom to ask, and what is wanted of each.
type roster struct {
	fleet  string
	plan   schema.Digest
	hosts  schema.Hosts
	wanted bool
}

func statusAction(c *cli.Context) error {
	options, err := lookOptions(c)
	if err != nil {
		return err
	}
	if c.IsSet("watch") && c.Duration("watch") < time.Second {
		return ui.Usagef("--watch %s: expected a second or more, as 30s", c.Duration("watch"))
	}
	ctx, release := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer release()
	asked, err := rosterOf(ctx, c)
	if err != nil {
		return err
	}
	for {
		found, err := look(ctx, c, asked, options)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ui.WithCode(ui.ExitInterrupted, ui.ErrReported)
		}
		if err := tellStatus(c, found); err != nil {
			return err
		}
		if !c.IsSet("watch") {
			if !status.Fine(found) {
				return ui.WithCode(ui.ExitHostsFailed, ui.ErrReported)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return ui.WithCode(ui.ExitInterrupted, ui.ErrReported)
		case <-time.After(c.Duration("watch")):
		}
	}
}

// rosterOf reads a plan or an inventory.
func rosterOf(ctx context.Context, c *cli.Context) (*roster, error) {
	return rosterFrom(ctx, c, c.Args().Slice())
}

// rosterFrom is [rosterOf] for the arguments that are not the command's own.
func rosterFrom(ctx context.Context, c *cli.Context, args []string) (*roster, error) {
	if name := c.String("plan"); name != "" {
		if len(args) > 0 || c.IsSet("inventory") || c.IsSet("input") {
			return nil, ui.Usagef("--plan and a fleet: hosts are taken from one of them")
		}
		plan, err := planfile.Read(name)
		if err != nil {
			return nil, err
		}
		// A preview's manifests are not those that hosts can have.
		return &roster{fleet: plan.Index.Fleet, plan: plan.Digest, hosts: plan.Index.Hosts, wanted: !plan.Index.Preview}, nil
	}
	if len(args) > 1 {
		return nil, ui.Usagef("expected one argument, a fleet, found %d: %q", len(args), args)
	}
	fleet := append(args, ".")[0]
	inputs, err := parseInputs(c.StringSlice("input"))
	if err != nil {
		return nil, err
	}
	read, found, err := compiler.ReadRoster(ctx, compiler.Input{Fleet: fleet, Inputs: inputs, Inventory: c.String("inventory")}, compiler.Deps{Worker: worker()})
	printDiagnostics(found)
	if errors.Is(err, compiler.ErrRefused) {
		return nil, ui.WithCode(ui.ExitError, ui.ErrReported)
	}
	if err != nil {
		return nil, err
	}
	return &roster{fleet: read.Fleet, hosts: read.Hosts}, nil
}

// look asks all hosts once.
func look(ctx context.Context, c *cli.Context, asked *roster, options executor.LookOptions) (*schema.Status, error) {
	chosen, err := executor.SelectFrom(asked.hosts, options.Select)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	found := status.New(asked.fleet, "", begun)
	if asked.wanted {
		found.Plan = asked.plan
	}
	progress := newAsking(chosen, false)
	err = executor.Look(ctx, asked.hosts, options, viewer(c), func(seen executor.Seen) {
		wanted := schema.Digest("")
		if asked.wanted {
			wanted = asked.hosts[seen.Host].Manifest
		}
		found.Hosts[seen.Host] = status.Host(seen, wanted)
		progress.answered(seen.Host)
	})
	progress.close()
	found.Seconds = time.Since(begun).Round(time.Millisecond).Seconds()
	return found, err
}

// tellStatus writes a status where it was asked for: into files, or as a table or
// JSON on standard output.
func tellStatus(c *cli.Context, found *schema.Status) error {
	if err := replaceFile(c.String("prometheus"), func(w io.Writer) error { return status.WritePrometheus(w, found) }); err != nil {
		return err
	}
	if err := replaceFile(c.String("html"), func(w io.Writer) error { return status.WritePage(w, found, c.Duration("watch")) }); err != nil {
		return err
	}
	if c.Bool("json") {
		encoder := json.NewEncoder(c.App.Writer)
		encoder.SetEscapeHTML(false)
		if !c.IsSet("watch") {
			encoder.SetIndent("", "  ")
		}
		return encoder.Encode(found)
	}
	if c.String("prometheus") != "" || c.String("html") != "" {
		return nil
	}
	return writeTable(c, found)
}

func writeTable(c *cli.Context, found *schema.Status) error {
	w := c.App.Writer
	var table bytes.Buffer
	if c.IsSet("watch") {
		if ui.IsTerminal(w) {
			table.WriteString("\x1b[H\x1b[2J") // home, and an empty screen
		}
		fmt.Fprintf(&table, "%s, every %s\n\n", found.At.Local().Format(time.DateTime), c.Duration("watch"))
	}
	if err := document.WriteText(&table, status.Document(found, screenWidth(w), c.Bool("problems")), ui.StyleFor(w)); err != nil {
		return err
	}
	_, err := w.Write(table.Bytes()) // at once, so that a screen does not flicker
	return err
}

// screenWidth is the terminal's; elsewhere what COLUMNS says, or as much as it takes.
func screenWidth(w any) int {
	if file, ok := w.(*os.File); ok && ui.IsTerminal(w) {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 20 {
			return width
		}
		return 80
	}
	width, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil || width < 20 {
		return 0
	}
	return width
}

// replaceFile replaces a file that everybody may read. An empty name means no file, and
// "-" is standard output.
func replaceFile(name string, write func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	if name == "-" {
		return write(os.Stdout)
	}
	err := durable.Replace(name, 0o644, func(file *os.File) error {
		return errors.Join(file.Chmod(0o644), write(file)) // whatever the umask: other programs read it
	})
	if err != nil {
		return fmt.Errorf("cannot write %q: %w", name, err)
	}
	return nil
}
