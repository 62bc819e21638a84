package main

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/planfile"
	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/compiler"
	"github.com/nixfleet/nixfleet/schema"
)

// completeHosts lets all commands that take hosts complete their names.
func completeHosts(app *cli.App) {
	for _, command := range app.Commands {
		takesHosts := slices.ContainsFunc(command.Flags, func(flag cli.Flag) bool { return slices.Contains(flag.Names(), "host") })
		if takesHosts {
			selection.Complete(command, hostsOfLine, os.Args)
		}
	}
}

// largestPlan is what is read while somebody waits for a name.
const largestPlan = 64 << 20

// hostsOfLine knows hosts from the first plan or fleet that a line names, or from the
// fleet here. It says nothing where it cannot: somebody is typing.
func hostsOfLine(line []string) schema.Hosts {
	fleet := "."
	for _, word := range line[min(len(line), 2):] {
		info, err := os.Stat(strings.TrimPrefix(word, "--plan="))
		switch {
		case err != nil:
		case info.IsDir():
			fleet = word
		case strings.HasSuffix(word, ".json") && info.Size() <= largestPlan:
			if plan, err := planfile.Read(strings.TrimPrefix(word, "--plan=")); err == nil {
				return plan.Index.Hosts
			}
		}
	}
	roster, _, err := compiler.ReadRoster(context.Background(), compiler.Input{Fleet: fleet}, compiler.Deps{Worker: worker()})
	if err != nil {
		return nil
	}
	return roster.Hosts
}
