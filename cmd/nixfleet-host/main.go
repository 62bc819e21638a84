// Command nixfleet-host is the helper that works on a host. The executor starts
// it over SSH; nobody else needs to.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/nixfleet/nixfleet/executor/host"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// version is set by the linker.
var version = "dev"

const usage = `usage: nixfleet-host serve | store | run TRANSACTION | recover | version

  serve    carry on a session with nixfleet over standard input and output (as root)
  store    run nix-store --serve --write, for copying closures
  run      carry out a transaction that a session has written down; systemd starts this
  recover  finish or undo a transaction that was interrupted; systemd starts this at
           boot and after a crash, and it does no harm at any time (as root)
  version  print the version and this program's own digest
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", schema.InFull(err))
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 2 && args[0] == "run" {
		return asRoot(func(ctx context.Context, deps host.Deps) error { return host.Run(ctx, deps, args[1]) })
	}
	if len(args) == 1 {
		switch args[0] {
		case "recover":
			return asRoot(host.Recover)
		case "serve":
			return serve()
		case "store":
			return store()
		case "version":
			return printVersion()
		case "--help", "-h", "help":
			_, err := fmt.Print(usage)
			return err
		}
	}
	return schema.WithHint(fmt.Errorf("expected one of serve, store, run TRANSACTION, recover, version; found %q", args), "nixfleet-host --help")
}

func serve() error {
	if os.Geteuid() != 0 {
		refusal := &protocol.Error{Kind: protocol.KindRefused,
			Message: fmt.Sprintf("the helper must run as root: expected user id 0, found %d", os.Geteuid()),
			Hint:    "allow the login user `sudo -n " + protocol.HelperPath + " serve`"}
		return protocol.NewConn(nil, os.Stdout).Respond(&protocol.Response{Kind: protocol.ErrorBody}, refusal)
	}
	unix.Umask(0o022)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	catchSignals(stop)
	return host.Serve(ctx, os.Stdin, os.Stdout, host.System())
}

// asRoot does the work of a transaction. A signal that ends programs makes it undo
// what it has done, and then end.
func asRoot(work func(context.Context, host.Deps) error) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("expected to run as root, found user id %d", os.Geteuid())
	}
	unix.Umask(0o022)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	catchSignals(stop)
	return work(ctx, host.System())
}

// catchSignals ends the session between two requests at the signals that end
// programs. Caught and not ignored, since the host's tools would inherit that.
// SIGPIPE and SIGHUP say that the link is cut, which reading and writing tell as well.
func catchSignals(stop func()) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE)
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM || s == syscall.SIGINT {
				stop()
			}
		}
	}()
}

// store becomes nix-store: sudo needs to allow only this program.
func store() error {
	program := host.FindNixStore()
	if program == "" {
		return schema.WithHint(errors.New("the host has no nix-store"), "apt install nix-bin nix-setup-systemd")
	}
	return syscall.Exec(program, []string{"nix-store", "--serve", "--write"}, os.Environ())
}

func printVersion() error {
	own, err := host.Self()
	if err != nil {
		return err
	}
	_, err = fmt.Printf("nixfleet-host %s %s\n", version, own)
	return err
}
