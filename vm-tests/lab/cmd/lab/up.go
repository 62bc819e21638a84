package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
)

func upCommand() *cli.Command {
	return &cli.Command{
		Name:  "up",
		Usage: "boot hosts, and leave them running",
		Description: "A host is NAME, or NAME:OPTION,… with the options trixie (Debian 13), nonix, disk=MIB,\n" +
			"sudo=helper|all|password|none, role=ROLE, group=GROUP. Hosts are separated by spaces or given\n" +
			"by several --host; --hosts is for plain names.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "id", Usage: "`NAME` of the lab (default: random)"},
			&cli.StringFlag{Name: "hosts", Usage: "plain hosts: `NAME,…`"},
			&cli.GenericFlag{Name: "host", Usage: "one host: `NAME[:OPTION,…]`, may be repeated", Value: &words{}},
			&cli.StringFlag{Name: "release", Usage: "Debian `RELEASE` of hosts that do not say it: bookworm or trixie", Value: string(lab.Bookworm)},
			&cli.StringFlag{Name: "helper", Usage: "nixfleet-host `FILE` to install on every host"},
		},
		Action: up,
	}
}

// words collects a repeated flag whose values contain commas.
type words []string

func (w *words) Set(value string) error { *w = append(*w, value); return nil }
func (w *words) String() string         { return strings.Join(*w, " ") }

func up(c *cli.Context) error {
	if c.Args().Present() {
		return fmt.Errorf("unexpected argument %q\nhint: lab up --hosts web-1,web-2", c.Args().First())
	}
	var specs []lab.HostSpec
	for _, name := range strings.FieldsFunc(c.String("hosts"), func(r rune) bool { return r == ',' || r == ' ' }) {
		specs = append(specs, lab.HostSpec{Name: name})
	}
	for _, text := range *c.Generic("host").(*words) {
		spec, err := parseHost(text)
		if err != nil {
			return err
		}
		specs = append(specs, spec)
	}
	for i := range specs {
		if specs[i].Release == "" {
			specs[i].Release = lab.Release(c.String("release"))
		}
	}
	l, err := lab.Start(c.Context, lab.Options{
		Hosts: specs, ID: c.String("id"), Helper: c.String("helper"), CacheDir: c.String("cache"), Log: os.Stderr, Keep: true,
	})
	if err != nil {
		return err
	}
	fmt.Print(usage(l, self(c)))
	return nil
}

// parseHost reads NAME:OPTION,…
func parseHost(text string) (lab.HostSpec, error) {
	name, options, _ := strings.Cut(text, ":")
	spec := lab.HostSpec{Name: name}
	for option := range strings.SplitSeq(options, ",") {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "":
		case string(lab.Bookworm), string(lab.Trixie):
			spec.Release = lab.Release(key)
		case "nonix":
			spec.NoNix = true
		case "disk":
			var mib int64
			if _, err := fmt.Sscan(value, &mib); err != nil {
				return spec, fmt.Errorf("cannot read host %q: disk=%s is no number of MiB", text, value)
			}
			spec.DiskSize = mib << 20
		case "sudo":
			spec.Sudo = lab.Sudo(value)
		case "role":
			spec.Roles = append(spec.Roles, value)
		case "group":
			spec.Groups = append(spec.Groups, value)
		default:
			return spec, fmt.Errorf("cannot read host %q: unknown option %q", text, key)
		}
	}
	return spec, nil
}

// self is how this command was called, for telling how to call it again.
func self(c *cli.Context) string {
	if !c.IsSet("cache") || os.Getenv("NIXFLEET_LAB_CACHE") != "" {
		return os.Args[0]
	}
	return os.Args[0] + " --cache " + c.String("cache")
}

// usage says how to reach a lab.
func usage(l *lab.Lab, self string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "lab %s is up:\n", l.ID)
	for _, h := range l.Hosts() {
		fmt.Fprintf(&text, "  %-12s %-12s Debian %s\n", h.Name, h.Addr, h.Spec().Release)
	}
	first := l.Hosts()[0].Name
	fmt.Fprintf(&text, `
inventory:        %s
log in:           %s run --lab %s -- ssh -F %s %s
a root shell:     %s exec --lab %s %s -- bash
run among them:   %s run --lab %s -- COMMAND
end it:           %s down %s
`, l.InventoryFile(), self, l.ID, l.SSHConfig, first, self, l.ID, first, self, l.ID, self, l.ID)
	return text.String()
}
