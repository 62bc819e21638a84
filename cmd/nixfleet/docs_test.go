package main

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
)

// TestDocumentedCommandsAreRight reads every command line of the pages on looking at
// hosts and plans as the commands do, up to the point at which they would begin to work.
func TestDocumentedCommandsAreRight(t *testing.T) {
	var text []byte
	for _, page := range []string{"status", "run", "review", "pull-requests", "policy"} {
		content, err := os.ReadFile("../../docs/" + page + ".md")
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, content...)
	}
	lines := regexp.MustCompile(`(?m)^\$ (nixfleet .*)$`).FindAllStringSubmatch(string(text), -1)
	if len(lines) < 18 {
		t.Fatalf("found %d command lines", len(lines))
	}
	for _, match := range lines {
		line, _, _ := strings.Cut(match[1], " #")
		line, _, _ = strings.Cut(line, ">")
		line, _, _ = strings.Cut(line, " &&")
		if err := reads(strings.Fields(strings.ReplaceAll(line, "'", ""))); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// reads reads a command line up to the point at which the command would begin to work.
func reads(words []string) error {
	app := newApp()
	ran := false
	commands := app.Commands
	for _, command := range app.Commands {
		commands = append(commands, command.Subcommands...)
	}
	for _, command := range commands {
		command.Action = func(c *cli.Context) error {
			before, after, dashes := ui.Verbatim(c)
			ran = (len(before) <= 1 || c.Command.Name == "diff" && len(before) == 2) && dashes == (c.Command.Name == "run") && dashes == (len(after) > 0)
			return nil
		}
	}
	if err := app.Run(ui.Interleave(app, words)); err != nil {
		return err
	}
	if !ran {
		return errors.New("it is not taken")
	}
	return nil
}

// Every command that asks hosts chooses them alike.
func TestHostsAreChosenAlikeEverywhere(t *testing.T) {
	app := newApp()
	for _, name := range []string{"show", "plan", "status", "execute", "watch", "history", "rollback", "release", "reboot", "apply", "run"} {
		command := findCommand(app, name)
		for _, flag := range []string{"host", "group", "tag", "exclude", "failed-of", "limit"} {
			found := false
			for _, f := range command.Flags {
				found = found || f.Names()[0] == flag
			}
			if !found {
				t.Errorf("%s has no --%s", name, flag)
			}
		}
	}
}

func findCommand(app *cli.App, name string) *cli.Command {
	for _, command := range app.Commands {
		if command.Name == name {
			return command
		}
	}
	return nil
}
