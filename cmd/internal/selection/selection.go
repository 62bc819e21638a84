// Package selection is how people name hosts on the command line, alike for all
// commands.
package selection

import (
	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/schema"
)

// Flags returns the flags by which hosts are chosen.
func Flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "host", Usage: "select hosts with this `NAME` or pattern (can be repeated)"},
		&cli.StringSliceFlag{Name: "group", Usage: "select hosts of this `GROUP` (can be repeated); \"all\" is every host"},
		&cli.StringSliceFlag{Name: "tag", Usage: "only hosts with this tag, as `KEY=VALUE` (can be repeated: values of one key are alternatives, several keys must all match)"},
		&cli.StringSliceFlag{Name: "exclude", Usage: "leave out hosts with this `NAME` or pattern (can be repeated)"},
		&cli.StringFlag{Name: "failed-of", Usage: "only hosts not done in this `RUN` (\"last\": the latest): failed, rolled back, not reached, held, or due to reboot"},
		&cli.IntFlag{Name: "limit", Usage: "at most `N` hosts, in the order of the waves, or by name", DefaultText: "all"},
	}
}

// Of returns what the flags choose. It reads the record of the run that --failed-of
// names.
func Of(c *cli.Context) (executor.Selection, error) {
	if c.IsSet("limit") && c.Int("limit") < 1 {
		return executor.Selection{}, ui.Usagef("--limit %d: expected 1 or more", c.Int("limit"))
	}
	chosen := executor.Selection{
		Hosts: c.StringSlice("host"), Groups: c.StringSlice("group"), Tags: c.StringSlice("tag"), Exclude: c.StringSlice("exclude"), Limit: c.Int("limit"),
	}
	if c.IsSet("failed-of") {
		record, err := readRecord(c, c.String("failed-of"))
		if err != nil {
			return executor.Selection{}, err
		}
		chosen.Among = notDone(record)
	}
	return chosen, nil
}

// notDone are the hosts of a run that did not come to what was asked of them.
func notDone(record *schema.Record) *executor.Among {
	among := &executor.Among{What: "the hosts that are not done in run " + record.Run}
	for name, host := range record.Hosts {
		if !done(host) {
			among.Hosts = append(among.Hosts, name)
		}
	}
	return among
}

func done(host schema.HostRecord) bool {
	switch host.Outcome {
	case schema.HostChanged, schema.HostUnchanged, schema.HostRan:
		return host.Reboot == nil || host.Reboot.State != schema.RebootHeld
	}
	return false
}
