package selection

import (
	"fmt"
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/schema"
)

// Complete makes a command answer a shell that asks for a value of --host, --exclude,
// --group or --tag, with the hosts that read returns for the command line so far;
// where it returns none there is no answer.
func Complete(command *cli.Command, read func(args []string) schema.Hosts, line []string) {
	otherwise := command.BashComplete
	if otherwise == nil {
		otherwise = cli.DefaultCompleteWithFlags(command)
	}
	command.BashComplete = func(c *cli.Context) {
		if len(line) < 2 {
			otherwise(c)
			return
		}
		values, mine := valuesOf[line[len(line)-2]] // the last is the shell's own question
		if !mine {
			otherwise(c)
			return
		}
		for _, word := range slices.Sorted(maps.Keys(values(read(line)))) {
			fmt.Fprintln(c.App.Writer, word)
		}
	}
}

// valuesOf are the values that a flag can have, as hosts are.
var valuesOf = map[string]func(schema.Hosts) map[string]bool{
	"--host": namesOf, "--exclude": namesOf, "--group": groupsOf, "--tag": tagsOf,
}

func namesOf(hosts schema.Hosts) map[string]bool {
	words := map[string]bool{}
	for name := range hosts {
		words[string(name)] = true
	}
	return words
}

func groupsOf(hosts schema.Hosts) map[string]bool {
	words := map[string]bool{}
	for _, host := range hosts {
		words["all"] = true
		for _, group := range host.Groups {
			words[group] = true
		}
	}
	return words
}

func tagsOf(hosts schema.Hosts) map[string]bool {
	words := map[string]bool{}
	for _, host := range hosts {
		for key, value := range host.Tags {
			words[key+"="+value] = true
		}
	}
	return words
}
