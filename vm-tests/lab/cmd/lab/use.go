package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
)

func labFlag() cli.Flag {
	return &cli.StringFlag{Name: "lab", Usage: "`ID` of the lab, where more than one is up"}
}

func downCommand() *cli.Command {
	return &cli.Command{
		Name: "down", Usage: "end a lab and remove all of it", ArgsUsage: "[ID]",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "end all labs that were left running"}},
		Action: func(c *cli.Context) error {
			infos, err := lab.List(c.String("cache"), os.Stderr)
			if err != nil {
				return err
			}
			if !c.Bool("all") {
				l, err := open(c, c.Args().First())
				if err != nil {
					return err
				}
				return l.Close()
			}
			// In the others a test or a benchmark is at work.
			infos = slices.DeleteFunc(infos, func(info lab.Info) bool { return !info.Keep })
			if len(infos) == 0 {
				fmt.Fprintln(os.Stderr, "no lab is up")
			}
			for _, info := range infos {
				l, err := lab.Open(c.String("cache"), info.ID, os.Stderr)
				if err == nil {
					err = l.Close()
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func listCommand() *cli.Command {
	return &cli.Command{
		Name: "list", Usage: "say which labs are up",
		Action: func(c *cli.Context) error {
			infos, err := lab.List(c.String("cache"), os.Stderr)
			for _, info := range infos {
				owner := fmt.Sprintf("process %d", info.Owner)
				if info.Keep {
					owner = "left running"
				}
				fmt.Printf("%-12s since %s  %-16s %s\n", info.ID, info.Started.Local().Format(time.DateTime), owner, strings.Join(info.Hosts, " "))
			}
			return err
		},
	}
}

func execCommand() *cli.Command {
	return &cli.Command{
		Name: "exec", Usage: "run a command as root on a host, not over ssh", ArgsUsage: "HOST -- COMMAND …",
		Flags: []cli.Flag{labFlag()},
		Action: func(c *cli.Context) error {
			args := dropDashes(c.Args().Slice(), 1)
			if len(args) < 2 {
				return errors.New("nothing to run\nhint: lab exec HOST -- COMMAND …")
			}
			_, h, err := openHost(c, args[0])
			if err != nil {
				return err
			}
			return attached(h.Command(untilItEnds(c), args[1], args[2:]...))
		},
	}
}

func runCommand() *cli.Command {
	return &cli.Command{
		Name: "run", Usage: "run a command of this machine in the lab's network", ArgsUsage: "-- COMMAND …",
		Flags: []cli.Flag{labFlag()},
		Action: func(c *cli.Context) error {
			args := dropDashes(c.Args().Slice(), 0)
			if len(args) == 0 {
				return errors.New("nothing to run\nhint: lab run -- COMMAND …")
			}
			l, err := open(c, c.String("lab"))
			if err != nil {
				return err
			}
			return attached(l.Command(untilItEnds(c), args[0], args[1:]...))
		},
	}
}

func hostCommand() *cli.Command {
	actions := map[string]func(*cli.Context, *lab.Host) error{
		"reboot":    func(c *cli.Context, h *lab.Host) error { return h.Reboot(c.Context) },
		"power-cut": func(c *cli.Context, h *lab.Host) error { return h.PowerCut(c.Context) },
		"unplug":    func(c *cli.Context, h *lab.Host) error { return h.Unplug(c.Context) },
		"stop":      func(c *cli.Context, h *lab.Host) error { return h.Stop(c.Context) },
		"start":     func(c *cli.Context, h *lab.Host) error { return h.Start(c.Context) },
		"link-down": func(c *cli.Context, h *lab.Host) error { return h.LinkDown(c.Context) },
		"link-up":   func(c *cli.Context, h *lab.Host) error { return h.LinkUp(c.Context) },
		"fill-disk": func(_ *cli.Context, h *lab.Host) error { return h.FillDisk(0) },
		"free-disk": func(_ *cli.Context, h *lab.Host) error { return h.FreeDisk() },
	}
	const names = "reboot, power-cut, unplug, stop, start, link-down, link-up, fill-disk or free-disk"
	return &cli.Command{
		Name: "host", Usage: "do something to a host: " + names, ArgsUsage: "HOST ACTION",
		Flags: []cli.Flag{labFlag()},
		Action: func(c *cli.Context) error {
			action := actions[c.Args().Get(1)]
			if action == nil || c.NArg() != 2 {
				return fmt.Errorf("unknown action %q\nhint: lab host HOST ACTION, where ACTION is %s", c.Args().Get(1), names)
			}
			_, h, err := openHost(c, c.Args().First())
			if err != nil {
				return err
			}
			return action(c, h)
		},
	}
}

func imagesCommand() *cli.Command {
	return &cli.Command{
		Name: "images", Usage: "build the Debian roots that are missing in the cache",
		Action: func(c *cli.Context) error {
			for _, release := range lab.Releases {
				if err := lab.BuildImage(c.Context, c.String("cache"), release, os.Stderr); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func cleanCommand() *cli.Command {
	return &cli.Command{
		Name: "clean", Usage: "remove the cache, Debian roots included",
		Action: func(c *cli.Context) error { return lab.Clean(c.String("cache"), os.Stderr) },
	}
}

// open opens the lab of that ID, or, without one, the only one that was left running.
func open(c *cli.Context, id string) (*lab.Lab, error) {
	if id != "" {
		return lab.Open(c.String("cache"), id, os.Stderr)
	}
	infos, err := lab.List(c.String("cache"), os.Stderr)
	if err != nil {
		return nil, err
	}
	var kept []string
	for _, info := range infos {
		if info.Keep {
			kept = append(kept, info.ID)
		}
	}
	switch len(kept) {
	case 0:
		return nil, errors.New("no lab is up\nhint: lab up --hosts web-1,web-2")
	case 1:
		return lab.Open(c.String("cache"), kept[0], os.Stderr)
	}
	return nil, fmt.Errorf("several labs are up: %s\nhint: say which, with --lab ID, or lab down ID", strings.Join(kept, ", "))
}

func openHost(c *cli.Context, name string) (*lab.Lab, *lab.Host, error) {
	l, err := open(c, c.String("lab"))
	if err != nil {
		return nil, nil, err
	}
	h := l.Host(name)
	if h == nil {
		return nil, nil, fmt.Errorf("lab %s has no host %q", l.ID, name)
	}
	return l, h, nil
}

// attached runs a command with this process's input and output.
func attached(cmd *exec.Cmd) error {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exitStatus(exit.ExitCode())
	}
	return err
}

// untilItEnds is the context of a command in the foreground: what Ctrl-C means is the command's own business.
func untilItEnds(c *cli.Context) context.Context { return context.WithoutCancel(c.Context) }

// dropDashes removes a "--" at that position.
func dropDashes(args []string, at int) []string {
	if len(args) > at && args[at] == "--" {
		return append(args[:at:at], args[at+1:]...)
	}
	return args
}
