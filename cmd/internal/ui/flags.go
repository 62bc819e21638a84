package ui

import (
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"

	"github.com/nixfleet/nixfleet/schema"
)

// wrongFlag says what is wrong with a flag; the flag parser's own words are for
// those who know it.
func wrongFlag(c *cli.Context, err error, _ bool) error {
	help := fullName(c) + " --help"
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		if near := nearest(name, longNames(c)); near != "" {
			return schema.WithHint(Usagef("there is no flag %s", dashed(name)), "did you mean --%s?", near)
		}
		return schema.WithHint(Usagef("there is no flag %s", dashed(name)), "%s", help)
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return schema.WithHint(Usagef("the flag %s needs a value", dashed(name)), "%s", help)
	}
	if value, rest, ok := strings.Cut(strings.TrimPrefix(text, "invalid value "), " for flag -"); ok {
		name, why, _ := strings.Cut(rest, ": ")
		if why == "parse error" {
			why = "it is not of the kind that the flag takes"
		}
		return schema.WithHint(Usagef("the value %s for %s is not possible: %s", value, dashed(name), why), "%s", help)
	}
	return schema.WithHint(WithCode(ExitUsage, err), "%s", help)
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + strings.TrimPrefix(name, "-")
}

func longNames(c *cli.Context) []string {
	flags := c.App.Flags
	if c.Command != nil && c.Command.Name != c.App.Name {
		flags = c.Command.Flags
	}
	var names []string
	for _, flag := range flags {
		names = append(names, flag.Names()[0])
	}
	return names
}

// nearest returns the name that was probably meant: one that begins with what
// was typed, or differs from it by a slip or two. Otherwise "".
func nearest(typed string, names []string) string {
	best, least := "", len(typed)/3+2
	for _, name := range names {
		distance := smetrics.WagnerFischer(typed, name, 1, 1, 1)
		if len(typed) > 1 && strings.HasPrefix(name, typed) {
			distance = 0
		}
		if distance < least {
			best, least = name, distance
		}
	}
	return best
}
