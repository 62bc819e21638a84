package main

import (
	"context"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/execution"
	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/cmd/internal/wiring"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/schema"
)

// taskPrefix makes a word the name of a task.
const taskPrefix = "task:"

// groupedOutput is how much of each host's output is kept to be put together with
// that of others.
const groupedOutput = 256_000

func runHostsCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run a task of the fleet, or any command, on hosts",
		ArgsUsage: "[FLEET] -- task:NAME | -- COMMAND [ARGUMENT...]",
		Description: `task:NAME is a task of the intent (nixfleet.tasks) as applied to each host: the command, user, environment and
timeout of the approved plan. Anything else is a program with its arguments, passed on exactly as typed. It
runs as root and without a shell, unless you name one: -- sh -c 'df / | tail -n 1'.

Hosts come from --plan, or from the inventory of FLEET (default: the current directory); nothing is evaluated.
The command runs once on each host, in its own systemd unit, and holds the host's lock: it is refused during a
change, and no change starts until it ends. --no-lock is for read-only commands. It ends with this process and
with its connection. It appears in the record of the run, not in the host's history.

With several hosts, those with the same output and result are shown together at the end. --stream shows each
line as it arrives, with the host's name. With one host, its output passes through unchanged. Up to 256 kB of
output per host are shown, or 64 MB with --stream or a single host; the rest is counted.

Exit status: 0 it exited with 0 on all hosts, 1 an error of ours or of a file, 2 wrong usage, 3 it ran on no
host, 4 it failed on some, 5 stopped and hosts left out, 130 interrupted twice.

Examples: nixfleet run --host web-1 -- task:rotate-logs
          nixfleet run --group web -- systemctl is-active nginx
          nixfleet run --plan plan.json --tag zone=a --stream --timeout 1h -- sh -c 'apt-get update && apt-get -s upgrade'
          nixfleet run --group all --json -- uname -r`,
		Flags: append(append(append(selection.Flags(), rosterFlags()...), execution.RunFlags()...),
			&cli.IntFlag{Name: "parallel", Usage: "run on at most `N` hosts at once", Value: executor.LookParallel},
			&cli.DurationFlag{Name: "timeout", Usage: "stop it on a host after this `TIME`; can only shorten a task's own timeout", DefaultText: "10m"},
			&cli.BoolFlag{Name: "stream", Usage: "show each line as it arrives"},
			&cli.BoolFlag{Name: "no-lock", Usage: "run even during a change or another command; for read-only commands"},
		),
		Action: runOnHosts,
	}
}

func runOnHosts(c *cli.Context) error {
	before, words, found := ui.Verbatim(c)
	if !found || len(words) == 0 {
		return schema.WithHint(ui.Usagef("what shall run?"), "it follows --, as: nixfleet run --host web-1 -- uptime")
	}
	command, err := commandOf(c, words)
	if err != nil {
		return err
	}
	if c.Int("parallel") < 1 {
		return ui.Usagef("--parallel %d: expected 1 or more", c.Int("parallel"))
	}
	if c.Bool("stream") && c.Bool("json") {
		return ui.Usagef("--stream and --json: expected one of them")
	}
	chosen, err := selection.Of(c)
	if err != nil {
		return err
	}
	if !chosen.Names() {
		return whichHosts()
	}
	asked, err := rosterFrom(c.Context, c, before)
	if err != nil {
		return err
	}
	hosts, err := executor.SelectFrom(asked.hosts, chosen)
	if err != nil {
		return ui.WithCode(ui.ExitRefused, err)
	}
	teller := newRunTeller(c, hosts)
	command.MaxOutput = teller.most()
	_, err = execution.RunWith(c, teller, func(ctx context.Context, stop <-chan struct{}, deps executor.Deps) (*schema.Record, error) {
		return executor.Run(ctx, asked.hosts, command, executor.BackOptions{
			Fleet: asked.fleet, Select: chosen, Parallel: c.Int("parallel"), Operator: wiring.Operator(), Stop: stop,
		}, deps)
	})
	return err
}

// commandOf reads what follows "--".
func commandOf(c *cli.Context, words []string) (executor.Command, error) {
	command := executor.Command{Argv: words, Timeout: c.Duration("timeout"), NoLock: c.Bool("no-lock")}
	if c.IsSet("timeout") && command.Timeout < time.Second {
		return command, ui.Usagef("--timeout %s: expected a second or more, as 30s", command.Timeout)
	}
	task, isTask := strings.CutPrefix(words[0], taskPrefix)
	switch {
	case !isTask:
		return command, nil
	case task == "":
		return command, schema.WithHint(ui.Usagef("which task?"), "-- task:rotate-logs; nixfleet show plan.json lists a plan's tasks")
	case len(words) > 1:
		return command, ui.Usagef("the task %q takes no arguments, found %q: what runs is what was approved", task, words[1:])
	case command.NoLock:
		return command, ui.Usagef("--no-lock is for commands: a task never runs while somebody is at work on a host")
	}
	command.Argv, command.Task = nil, task
	return command, nil
}
