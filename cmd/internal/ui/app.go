package ui

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/schema"
)

// Configure makes an app follow this package's rules: it reports wrong usage as
// an error with a hint, never exits by itself, and prints errors once.
func Configure(app *cli.App) {
	app.ExitErrHandler = func(*cli.Context, error) {}
	app.OnUsageError = wrongFlag
	quietDefaults(app.Flags)
	configure(app.Commands)
	if app.Action == nil {
		app.Action = func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowAppHelp(c)
		}
	}
}

func configure(commands []*cli.Command) {
	for _, command := range commands {
		command.OnUsageError = wrongFlag
		quietDefaults(command.Flags)
		configure(command.Subcommands)
	}
}

// quietDefaults keeps "(default: false)" out of the help.
func quietDefaults(flags []cli.Flag) {
	for _, flag := range flags {
		if flag, ok := flag.(*cli.BoolFlag); ok {
			flag.DisableDefaultText = true
		}
	}
}

// fullName is what people type to get here.
func fullName(c *cli.Context) string {
	if c.Command == nil || c.Command.Name == c.App.Name {
		return c.App.Name
	}
	if c.Command.HelpName != "" { // it has the names of the commands above it
		return c.Command.HelpName
	}
	return c.App.Name + " " + c.Command.Name
}

func unknownCommand(c *cli.Context) error {
	name := c.Args().First()
	hint := c.App.Name + " help lists the commands"
	var names []string
	for _, command := range c.App.VisibleCommands() {
		names = append(names, command.Name)
	}
	if near := nearest(name, names); near != "" {
		hint = "did you mean `" + c.App.Name + " " + near + "`?"
	}
	return schema.WithHint(Usagef("there is no command %q", name), "%s", hint)
}

// OneArgument returns the command's only argument. Its default is used where
// none is given and the default is an existing file's usual name.
func OneArgument(c *cli.Context, name, what string) (string, error) {
	switch c.NArg() {
	case 1:
		return c.Args().First(), nil
	case 0:
		return "", schema.WithHint(Usagef("%s is missing", what), "%s %s", fullName(c), name)
	}
	return "", Usagef("expected one argument, %s, found %d: %s", what, c.NArg(), fmt.Sprintf("%q", c.Args().Slice()))
}
