package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/execution"
	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

func rebootCommand() *cli.Command {
	return &cli.Command{
		Name:      "reboot",
		Usage:     "reboot hosts that need it, within the plan's windows and limits",
		ArgsUsage: "plan.json",
		Description: `Reboots hosts as an execution of the plan would, wave by wave, and changes nothing else. The plan is the one
that was executed last; a host with another plan applied is refused. A host reboots if it needs to (a new
kernel, /run/reboot-required), the plan allows it (reboot.auto), one of its windows is open, and another host
may be down. Its hooks run before and after, it must come back in another boot with the same host key, and its
health checks must pass. A host that does not come back halts the run.

Reboots that are not allowed now are held, with the time from which they are: exit status 6. With --due, held
reboots are not a failure, for timers and CI schedules (see examples/reboots). --wait waits for the windows.
--force also reboots hosts that do not need it, within windows and limits.

Prints one line per host on standard output. Asks on a terminal; without one, the approved plan is the answer.

Exit status: 0 done or nothing to do, 1 an error of ours or of a file, 2 wrong usage, 3 refused and
nothing touched, 4 hosts failed, 5 halted and hosts left out, 6 reboots held for later, 130 interrupted twice.

Examples: nixfleet reboot plan.json --group web
          nixfleet reboot --plan plan.json --due
          nixfleet reboot plan.json --host web-1 --force --yes`,
		Flags: append(append(selection.Flags(), execution.RunFlags()...),
			&cli.StringFlag{Name: "plan", Usage: "the plan `FILE`, instead of the argument"},
			&cli.BoolFlag{Name: "due", Usage: "reboot what is allowed now; held hosts are not a failure"},
			&cli.BoolFlag{Name: "force", Usage: "also reboot hosts that do not need it"},
			execution.WaitFlag(),
			&cli.IntFlag{Name: "parallel", Usage: "change at most `N` hosts at once; can only lower the plan's limit", DefaultText: "what the plan says"},
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "skip the confirmation, which only a terminal gets"},
		),
		Action: rebootAction,
	}
}

func rebootAction(c *cli.Context) error {
	name := c.String("plan")
	if name == "" || c.NArg() > 0 {
		var err error
		if name, err = ui.OneArgument(c, "plan.json", "a plan"); err != nil {
			return err
		}
		if c.String("plan") != "" {
			return ui.Usagef("a plan is given twice, as --plan and as an argument")
		}
	}
	switch {
	case c.IsSet("parallel") && c.Int("parallel") < 1:
		return ui.Usagef("--parallel %d: expected 1 or more", c.Int("parallel"))
	case c.Bool("due") && c.Bool("wait"):
		return ui.Usagef("--due and --wait: expected one of them\nhint: --due does what may be done now, --wait stays until it may")
	}
	plan, err := planfile.Read(name)
	if err != nil {
		return ui.WithCode(ui.ExitRefused, err)
	}
	chosen, err := selection.Of(c)
	if err != nil {
		return err
	}
	hosts, err := executor.Select(plan, chosen)
	if err != nil {
		return ui.WithCode(ui.ExitRefused, err)
	}
	record, err := execution.Reboot(c, plan, hosts, executor.RebootOptions{
		Select: chosen, Parallel: c.Int("parallel"), Force: c.Bool("force"), Wait: c.Bool("wait"),
	})
	if record != nil && !c.Bool("json") {
		writeReboots(c.App.Writer, record, plan.Index.TimeZone)
	}
	if c.Bool("due") && record != nil && record.Verdict == schema.Held && ui.ExitCode(err) == ui.ExitHeld {
		return nil
	}
	return err
}

// writeReboots writes what became of every host, a line each.
func writeReboots(w io.Writer, record *schema.Record, timeZone string) {
	zone, err := time.LoadLocation(timeZone)
	if err != nil { // the plan was carried out, so it was there
		zone = time.UTC
	}
	for _, name := range slices.Sorted(maps.Keys(record.Hosts)) {
		host := record.Hosts[name]
		fmt.Fprintf(w, "%s: %s\n", name, ui.Printable(rebootLine(&host, zone)))
	}
}

func rebootLine(host *schema.HostRecord, zone *time.Location) string {
	r := host.Reboot
	if r == nil {
		return fmt.Sprintf("%s: %s", host.Outcome, human.FirstLine(host.Error))
	}
	because := ""
	if len(r.Because) > 0 {
		because = " (" + strings.Join(r.Because, ", ") + ")"
	}
	switch {
	case r.State == schema.RebootNotNeeded:
		return "needs no reboot"
	case r.State == schema.RebootDone && host.Outcome == schema.HostUnhealthy:
		return fmt.Sprintf("rebooted%s, and is not well: %s", because, human.FirstLine(host.Error))
	case r.State == schema.RebootDone:
		return fmt.Sprintf("rebooted%s, away for %s", because, human.Seconds(r.Seconds))
	case r.State == schema.RebootHeld && r.Until != nil:
		return fmt.Sprintf("held until %s%s: %s", human.Time(*r.Until, zone), because, human.FirstLine(r.Error))
	case r.State == schema.RebootHeld:
		return fmt.Sprintf("held%s: %s", because, human.FirstLine(r.Error))
	}
	return fmt.Sprintf("failed%s: %s", because, human.FirstLine(r.Error))
}
