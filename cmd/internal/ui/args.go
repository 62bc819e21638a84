package ui

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// Interleave moves a command's flags in front of its arguments, so that
// `compile FLEET -o plan.json` means what it says: the flag parser below the
// library stops at the first argument. What follows "--" stays as it is.
func Interleave(app *cli.App, args []string) []string {
	// A shell that asks for completions puts its question last, and there it stays.
	if len(args) == 0 || args[len(args)-1] == "--generate-bash-completion" {
		return args
	}
	noteVerbatim(app, args)
	out := []string{args[0]}
	commands, flags, rest := app.Commands, app.Flags, args[1:]
	for len(commands) > 0 {
		taken, after := leading(flags, rest)
		out = append(out, taken...)
		if len(after) == 0 {
			return out
		}
		command := findCommand(commands, after[0])
		if command == nil {
			return append(out, after...)
		}
		out = append(out, after[0])
		commands, flags, rest = command.Subcommands, command.Flags, after[1:]
	}
	taken, tail := hoist(flags, rest)
	return append(append(out, taken...), tail...)
}

// verbatim is under which name an app keeps what follows "--".
const verbatim = "what follows --"

func noteVerbatim(app *cli.App, args []string) {
	if i := slices.Index(args, "--"); i >= 0 {
		if app.Metadata == nil {
			app.Metadata = map[string]any{}
		}
		app.Metadata[verbatim] = slices.Clone(args[i+1:])
	}
}

// Verbatim returns what followed "--" on the command line, as it was typed, and the
// arguments before; found says whether there was a "--".
func Verbatim(c *cli.Context) (before, after []string, found bool) {
	before = c.Args().Slice()
	after, found = c.App.Metadata[verbatim].([]string)
	if !found || len(after) > len(before) {
		return before, nil, false
	}
	return before[:len(before)-len(after)], after, true
}

// leading takes the flags at the beginning of args; after begins with the first
// argument.
func leading(flags []cli.Flag, args []string) (taken, after []string) {
	for len(args) > 0 {
		n := flagLength(flags, args)
		if n == 0 {
			break
		}
		taken, args = append(taken, args[:n]...), args[n:]
	}
	return taken, args
}

// hoist takes all flags of args up to "--"; tail are the arguments.
func hoist(flags []cli.Flag, args []string) (taken, tail []string) {
	for len(args) > 0 {
		if args[0] == "--" {
			return taken, append(append([]string{"--"}, tail...), args[1:]...)
		}
		if n := flagLength(flags, args); n > 0 {
			taken, args = append(taken, args[:n]...), args[n:]
			continue
		}
		tail, args = append(tail, args[0]), args[1:]
	}
	return taken, tail
}

// flagLength returns how many of args the flag at their beginning takes; 0
// where there is none.
func flagLength(flags []cli.Flag, args []string) int {
	name, isFlag := strings.CutPrefix(args[0], "-")
	if !isFlag || name == "" || name == "-" {
		return 0
	}
	name, _, hasValue := strings.Cut(strings.TrimPrefix(name, "-"), "=")
	for _, flag := range flags {
		if !slices.Contains(flag.Names(), name) {
			continue
		}
		if doc, ok := flag.(cli.DocGenerationFlag); ok && doc.TakesValue() && !hasValue && len(args) > 1 {
			return 2
		}
	}
	return 1 // an unknown flag too: the parser names it
}

func findCommand(commands []*cli.Command, name string) *cli.Command {
	for _, command := range commands {
		if command.HasName(name) {
			return command
		}
	}
	return nil
}
