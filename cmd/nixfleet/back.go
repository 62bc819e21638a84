package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/execution"
	"github.com/nixfleet/nixfleet/cmd/internal/planview"
	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// wayBack is a command that takes hosts back.
type wayBack struct {
	// operation is what it does, and task is that as records say it: "rollback to previous".
	operation schema.Operation
	task      string
	// foresee asks hosts what it would do to them, and carryOut does it.
	foresee  func(context.Context, schema.Hosts, executor.LookOptions, executor.Deps, func(executor.Seen)) error
	carryOut func(context.Context, schema.Hosts, executor.BackOptions, executor.Deps) (*schema.Record, error)
	// question is what to ask, and answer the text that agrees.
	question func(hosts []schema.HostName) (question string, agrees func(answer string) bool)
}

// backFlags are those of the commands that take hosts back.
func backFlags() []cli.Flag {
	return append(append(append(selection.Flags(), rosterFlags()...), execution.RunFlags()...),
		&cli.BoolFlag{Name: "dry-run", Usage: "show what would change on which host, and change nothing"},
		&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "skip the preview and the confirmation; required without a terminal"},
		&cli.IntFlag{Name: "parallel", Usage: "change at most `N` hosts at once", Value: executor.BackParallel},
		&cli.DurationFlag{Name: "timeout", Usage: "give up on a host that does not finish its preview within `TIME`", Value: time.Minute},
		&cli.BoolFlag{Name: "show-sensitive", Usage: "include contents of files that not every user on the host may read"},
	)
}

// rosterFlags say where hosts are known from.
func rosterFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "plan", Usage: "take hosts and their addresses from this plan `FILE`; any plan that has them works"},
		&cli.StringSliceFlag{Name: "input", Usage: "use `inventory=FILE` as the inventory"},
		&cli.StringFlag{Name: "inventory", Usage: "use this `FILE` of the fleet's inventory/, if there are several"},
	}
}

// run looks, asks, and carries out.
func (w *wayBack) run(c *cli.Context) (*schema.Record, error) {
	options, err := lookOptions(c)
	if err != nil {
		return nil, err
	}
	if !options.Select.Names() {
		return nil, whichHosts()
	}
	options.Sensitive = c.Bool("show-sensitive")
	asked, err := rosterOf(c.Context, c)
	if err != nil {
		return nil, err
	}
	chosen, err := executor.SelectFrom(asked.hosts, options.Select)
	if err != nil {
		return nil, ui.WithCode(ui.ExitRefused, err)
	}
	if c.Bool("dry-run") {
		return nil, w.tell(c, asked, options)
	}
	if !c.Bool("yes") {
		agreed, err := w.ask(c, asked, options, chosen)
		if !agreed || err != nil {
			return nil, err
		}
	}
	head := fmt.Sprintf("%s of %s", w.task, human.Count(len(chosen), "host"))
	return execution.Run(c, head, len(chosen), func(ctx context.Context, stop <-chan struct{}, deps executor.Deps) (*schema.Record, error) {
		return w.carryOut(ctx, asked.hosts, executor.BackOptions{
			Fleet: asked.fleet, Select: options.Select, Parallel: options.Parallel, Operator: options.Operator, Stop: stop,
		}, deps)
	})
}

// tell is a dry run.
func (w *wayBack) tell(c *cli.Context, asked *roster, options executor.LookOptions) error {
	told, err := w.look(c, asked, options)
	if err != nil {
		return err
	}
	if err := report(c, told, func() document.Document { return planview.Document(told) }); err != nil {
		return err
	}
	if _, err := planview.Verdict(told); err != nil {
		return ui.WithCode(ui.ExitRefused, ui.ErrReported)
	}
	return nil
}

// ask shows what would be done and asks for it.
func (w *wayBack) ask(c *cli.Context, asked *roster, options executor.LookOptions, chosen []schema.HostName) (agreed bool, err error) {
	if !ui.IsTerminal(os.Stdin) || !ui.IsTerminal(os.Stderr) {
		return false, ui.WithCode(ui.ExitRefused, schema.WithHint(fmt.Errorf("a %s asks first, and there is no terminal to ask on; nothing was touched", w.operation), "--dry-run looks, --yes does it unasked"))
	}
	told, err := w.look(c, asked, options)
	if err != nil {
		return false, err
	}
	if err := document.WriteText(os.Stderr, planview.Document(told), ui.StyleFor(os.Stderr)); err != nil {
		return false, err
	}
	changes, err := planview.Verdict(told)
	switch {
	case err != nil:
		return false, ui.WithCode(ui.ExitRefused, schema.WithHint(fmt.Errorf("%s would not be possible on every host; nothing was touched", w.task), "leave those hosts out, or --yes takes the others all the same"))
	case !changes:
		return false, nil
	}
	question, agrees := w.question(chosen)
	err = execution.Confirm(question, agrees)
	return err == nil, err
}

func (w *wayBack) look(c *cli.Context, asked *roster, options executor.LookOptions) (*schema.Forecast, error) {
	ctx, release := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer release()
	chosen, err := executor.SelectFrom(asked.hosts, options.Select)
	if err != nil {
		return nil, err
	}
	told := planview.NewBack(asked.fleet, w.task)
	progress := newAsking(chosen, false)
	err = w.foresee(ctx, asked.hosts, options, viewer(c), func(seen executor.Seen) {
		told.Hosts[seen.Host] = planview.Back(seen, planview.Options{Sensitive: options.Sensitive})
		progress.answered(seen.Host)
	})
	progress.close()
	if err == nil && ctx.Err() != nil {
		err = ui.WithCode(ui.ExitInterrupted, ui.ErrReported)
	}
	return told, err
}

// whichHosts asks whoever named none: what changes hosts and has no plan takes no
// host that nobody spoke of.
func whichHosts() error {
	return schema.WithHint(ui.Usagef("which hosts?"), "--host NAME, --group NAME, --tag KEY=VALUE, or --group all for every one")
}
