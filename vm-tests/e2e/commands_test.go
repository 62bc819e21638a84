package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
)

type command = func(ts *testscript.TestScript, neg bool, args []string)

// commands are what scripts have beyond testscript's own.
func (f *fixture) commands() map[string]command {
	return map[string]command{
		"nixfleet":         f.program("nixfleet"),
		"nixfleet-execute": f.program("nixfleet-execute"),
		"inventory":        f.inventory,
		"host":             f.onHost,
		"link":             f.link,
		"fill":             f.fill,
		"exits":            f.exits,
		"put":              f.put,
		"reboot":           f.reboot,
		"power":            f.power,
		"holding":          f.holding,
		"await":            f.await,
		"page":             f.page,
	}
}

// program runs a built command; with "!" it must fail.
func (f *fixture) program(name string) command {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		judge(ts, neg, ts.Exec(name, args...))
	}
}

func judge(ts *testscript.TestScript, neg bool, err error) {
	switch {
	case err != nil && !neg:
		ts.Fatalf("%v", err)
	case err == nil && neg:
		ts.Fatalf("it succeeded")
	}
}

// inventory FILE HOST… boots hosts for this script alone and writes their inventory. A
// script says it once.
func (f *fixture) inventory(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: inventory FILE HOST...")
	}
	text, err := json.MarshalIndent(f.boot(ts, args[1:]).Inventory(), "", "  ")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o644))
}

// host NAME SCRIPT runs a shell script as root on a host, not over SSH; with "!"
// it must fail.
func (f *fixture) onHost(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: host NAME SCRIPT")
	}
	inside := f.hostOf(ts, args[0]).Command(context.Background(), "/bin/sh", "-ec", strings.Join(args[1:], " "))
	judge(ts, neg, ts.Exec(inside.Path, inside.Args[1:]...))
}

func (f *fixture) hostOf(ts *testscript.TestScript, name string) *lab.Host {
	l := scriptOf(ts).lab
	if l == nil || l.Host(name) == nil {
		ts.Fatalf("the script has no host %q: see the command inventory", name)
	}
	return l.Host(name)
}

// link down|up HOST unplugs a host or plugs it in again.
func (f *fixture) link(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: link down|up HOST")
	}
	host := f.hostOf(ts, args[1])
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if args[0] == "up" {
		ts.Check(host.LinkUp(ctx))
		return
	}
	ts.Check(host.LinkDown(ctx))
}

// fill HOST fills the disk of a host up to 256 KiB.
func (f *fixture) fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fill HOST")
	}
	ts.Check(f.hostOf(ts, args[0]).FillDisk(256 << 10))
}

// put HOST DIRECTORY FILE… copies files and directories of the script to a
// directory on a host, which it makes.
func (f *fixture) put(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: put HOST DIRECTORY FILE...")
	}
	var archive bytes.Buffer
	for _, file := range args[2:] {
		pack := exec.Command("tar", "-C", filepath.Dir(ts.MkAbs(file)), "-cf", "-", filepath.Base(file))
		unpack := f.hostOf(ts, args[0]).Command(context.Background(), "/bin/sh", "-ec", "mkdir -p \"$1\"; tar -C \"$1\" -xf -", "sh", args[1])
		archive.Reset()
		pack.Stdout, unpack.Stdin = &archive, &archive
		ts.Check(pack.Run())
		ts.Check(unpack.Run())
	}
}

// reboot HOST reboots a host and waits for it.
func (f *fixture) reboot(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: reboot HOST")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ts.Check(f.hostOf(ts, args[0]).Reboot(ctx))
}

// power off|on|cut HOST cuts the power of a host, gives it back, or both. A host with
// a disk of its own then has only what was written to it.
func (f *fixture) power(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: power off|on|cut HOST")
	}
	host := f.hostOf(ts, args[1])
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	do := map[string]func(context.Context) error{"off": host.Unplug, "on": host.Start, "cut": host.PowerCut}[args[0]]
	if do == nil {
		ts.Fatalf("usage: power off|on|cut HOST")
	}
	ts.Check(do(ctx))
}

// holding HOST waits until a change of the fleet "change" is held in the middle.
func (f *fixture) holding(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: holding HOST")
	}
	f.await(ts, false, []string{args[0], `test "$(systemctl show --property=ActiveState --value change-hold.service)" = activating`})
}

// patience is when a script gives up waiting. No script waits that long for its
// success on a machine that is only busy.
const patience = 3 * time.Minute

// await HOST SCRIPT runs a shell script as root on a host, again and again until it
// succeeds. With "controller" for the host it runs here, in the script's directory.
func (f *fixture) await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await HOST SCRIPT")
	}
	script := strings.Join(args[1:], " ")
	run := func(ctx context.Context) (string, error) { return f.hostOf(ts, args[0]).Exec(ctx, script) }
	if args[0] == "controller" {
		run = func(ctx context.Context) (string, error) {
			cmd := exec.CommandContext(ctx, "/bin/sh", "-ec", script)
			cmd.Dir = ts.MkAbs(".")
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		out, err := run(ctx)
		if err == nil {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			ts.Fatalf("still not so on %s after %s: %s\n%s%v", args[0], patience, script, out, err)
		}
	}
}
