package execution

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/selection"
	"github.com/nixfleet/nixfleet/cmd/internal/summary"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
)

// WayOf tells how a command was asked for, so that what to type next can be said. It
// leaves out which hosts, and what is of this one time.
func WayOf(c *cli.Context) summary.Way {
	before, after, dashes := ui.Verbatim(c)
	program := c.App.Name
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != program {
		program += " " + c.Command.Name
	}
	way := summary.Way{Again: program + words(before) + flags(c), Resume: hasFlag(c, "resume"), Zone: time.Local}
	if dashes {
		way.After = " --" + words(after)
	}
	switch plan := c.String("plan"); {
	case plan != "":
		way.Roster = words([]string{"--plan", plan})
	case c.Command != nil && slices.Contains(ofFleets, c.Command.Name):
		way.Roster = words(before)
	case len(before) > 0:
		way.Roster = words([]string{"--plan", before[0]})
	}
	return way
}

// ofFleets are the commands whose argument is a fleet, and no plan.
var ofFleets = []string{"apply", "run", "rollback", "release"}

// passing are flags of one time, and those by which hosts are chosen.
var passing = []string{"yes", "json", "verbose", "debug-wire", "dry-run", "resume", "run", "output", "due"}

// flags are those that were given, as they would be typed.
func flags(c *cli.Context) string {
	left := slices.Clone(passing)
	for _, flag := range selection.Flags() {
		left = append(left, flag.Names()[0])
	}
	var text strings.Builder
	for _, flag := range commandFlags(c) {
		name := flag.Names()[0]
		if slices.Contains(left, name) || !c.IsSet(name) || fromEnvironment(c, flag) {
			continue
		}
		switch flag.(type) {
		case *cli.BoolFlag:
			text.WriteString(" --" + name)
		case *cli.StringSliceFlag:
			for _, value := range c.StringSlice(name) {
				text.WriteString(words([]string{"--" + name, value}))
			}
		default:
			text.WriteString(words([]string{"--" + name, fmt.Sprint(c.Value(name))}))
		}
	}
	return text.String()
}

func commandFlags(c *cli.Context) []cli.Flag {
	if c.Command != nil && c.Command.Name != c.App.Name {
		return c.Command.Flags
	}
	return c.App.Flags
}

func hasFlag(c *cli.Context, name string) bool {
	return slices.ContainsFunc(commandFlags(c), func(flag cli.Flag) bool { return flag.Names()[0] == name })
}

// fromEnvironment reports whether a variable gives the flag, as it will the next time.
func fromEnvironment(c *cli.Context, flag cli.Flag) bool {
	documented, ok := flag.(cli.DocGenerationFlag)
	return ok && slices.ContainsFunc(documented.GetEnvVars(), func(name string) bool {
		return os.Getenv(name) != "" && os.Getenv(name) == c.String(flag.Names()[0])
	})
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,-]+$`)

// words are words as a shell reads them, each after a space.
func words(list []string) string {
	var text strings.Builder
	for _, word := range list {
		if !plainWord.MatchString(word) {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		text.WriteString(" " + word)
	}
	return text.String()
}
