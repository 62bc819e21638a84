package execution

import (
	"fmt"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
)

// What to type next is what was typed, without which hosts and what is of one time.
func TestWhatToTypeNext(t *testing.T) {
	t.Setenv("NIXFLEET_STATE_DIR", "/srv/state")
	for line, want := range map[string]string{
		"nixfleet execute plan.json --host web-1 --yes --json":                        "nixfleet execute plan.json|| --plan plan.json|true",
		"nixfleet execute plan.json --closures ./c --parallel 3 --limit 2":            "nixfleet execute plan.json --parallel 3 --closures ./c|| --plan plan.json|true",
		"nixfleet execute plan.json --resume --run r1":                                "nixfleet execute plan.json|| --plan plan.json|true",
		"nixfleet execute my_plan's.json --state-dir /else":                           `nixfleet execute 'my_plan'\''s.json' --state-dir /else|| --plan 'my_plan'\''s.json'|true`,
		"nixfleet back fleet --to previous --group web --dry-run=false":               "nixfleet back fleet --to previous|| --plan fleet|false",
		"nixfleet rollback fleet --to previous --group web --input a=1 --input b=2":   "nixfleet rollback fleet --to previous --input a=1 --input b=2|| fleet|false",
		"nixfleet rollback --plan p.json --host a":                                    "nixfleet rollback --plan p.json|| --plan p.json|false",
		"nixfleet rollback --host a":                                                  "nixfleet rollback|||false",
		"nixfleet run my-fleet --host a -- sh -c $x":                                  "nixfleet run my-fleet| -- sh -c '$x'| my-fleet|false",
		"nixfleet-execute plan.json --group web --closures https://cache.example/nix": "nixfleet-execute plan.json --closures https://cache.example/nix|| --plan plan.json|true",
	} {
		var found string
		tell := func(c *cli.Context) error {
			way := WayOf(c)
			found = fmt.Sprintf("%s|%s|%s|%t", way.Again, way.After, way.Roster, way.Resume)
			return nil
		}
		execute := Command()
		execute.Action = tell
		app := &cli.App{Name: "nixfleet", Commands: []*cli.Command{execute}}
		for _, name := range []string{"rollback", "back", "run"} {
			app.Commands = append(app.Commands, &cli.Command{Name: name, Action: tell, Flags: append(append(selection.Flags(), RunFlags()...),
				&cli.StringFlag{Name: "to"}, &cli.StringFlag{Name: "plan"}, &cli.StringSliceFlag{Name: "input"}, &cli.BoolFlag{Name: "dry-run"},
			)})
		}
		if strings.HasPrefix(line, "nixfleet-execute ") {
			app = &cli.App{Name: "nixfleet-execute", Flags: execute.Flags, Action: tell}
		}
		ui.Configure(app)
		if err := app.Run(ui.Interleave(app, strings.Fields(line))); err != nil || found != want {
			t.Errorf("%s:\nexpected %s\nfound    %s, %v", line, want, found, err)
		}
	}
}
