package execution

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/cmd/internal/wiring"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// WatchFlags are those of a command that looks on, apart from what says which hosts.
func WatchFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "json", Usage: "print events as JSON lines, as execute does"},
		&cli.BoolFlag{Name: "verbose", Usage: "print everything that happens, even with many hosts"},
		&cli.BoolFlag{Name: "debug-wire", Usage: "print every message to and from the helpers, including file contents"},
	}
}

// Watch looks on while hosts, the chosen ones of those that are known, are changed by
// somebody else.
func Watch(c *cli.Context, known schema.Hosts) error {
	ctx, release := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer release()
	records, err := watchHosts(ctx, c, known)
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ui.WithCode(ui.ExitInterrupted, ui.ErrReported)
	}
	for _, record := range records {
		switch record.Outcome {
		case schema.HostChanged, schema.HostUnchanged, schema.HostRefused:
		default:
			return ui.WithCode(ui.ExitHostsFailed, ui.ErrReported)
		}
	}
	return nil
}

func watchHosts(ctx context.Context, c *cli.Context, known schema.Hosts) (map[schema.HostName]schema.HostRecord, error) {
	chosen, err := selection.Of(c)
	if err != nil {
		return nil, err
	}
	options := executor.LookOptions{Select: chosen, Operator: wiring.Operator()}
	hosts, err := executor.SelectFrom(known, options.Select)
	if err != nil {
		return nil, err
	}
	deps := wiring.Viewer()
	if c.Bool("debug-wire") {
		deps.Wire = wiring.Wire(os.Stderr)
	}
	teller := newTeller(c, progress.Shape{Hosts: len(hosts), Parallel: len(hosts)}, fmt.Sprintf("watching %s", human.Count(len(hosts), "host")))
	defer teller.Close()
	deps.Observe, deps.Passphrase = teller.Tell, teller.live.Asking(deps.Passphrase)
	return executor.Watch(ctx, known, options, deps)
}
