package session

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// machines are what `uname -sm` says on each system.
var machines = map[schema.System]string{
	schema.X8664Linux:   "Linux x86_64",
	schema.AArch64Linux: "Linux aarch64",
}

// wrongHash is the exit status with which the upload says that what arrived is
// not what was sent.
const wrongHash = 93

// install puts the helper onto a host that has none, which only an account that
// may run anything as root can do.
func install(ctx context.Context, conn *transport.Conn, id Identity, helper *Helper, note func(string)) error {
	binary, err := helper.Binary()
	if err != nil {
		return err
	}
	stop := conn.CloseWhenDone(ctx)
	defer stop()
	if err := checkMachine(conn, id, helper.System); err != nil {
		return err
	}
	exit, err := run(conn, AsRoot(conn.User(), "sh -c '"+uploadScript(helper.Hash)+"'"), binary)
	if err != nil {
		return fmt.Errorf("cannot install the helper on %s: %w", id.Host, err)
	}
	switch {
	case exit.Status == 0:
		note("installed the helper " + helper.Hash.Short())
		return nil
	case exit.Status == wrongHash:
		return fault.New(fault.Refused, "cannot install the helper on %s: what arrived is not what was sent", id.Host)
	}
	if recognise(conn.User(), string(id.Host), exit) != nil {
		return mayNotInstall(id, conn.User())
	}
	return fault.New(fault.Refused, "cannot install the helper on %s: %s", id.Host, describeExit(exit))
}

// uploadScript reads the helper from standard input. It holds no single quote:
// it is quoted with them.
//
// If we crash here, a temporary file stays that the next upload removes; the
// helper's own name appears only with the whole, checked file behind it.
func uploadScript(hash schema.Digest) string {
	dir := protocol.HelperPath[:strings.LastIndexByte(protocol.HelperPath, '/')]
	return fmt.Sprintf(`set -e; umask 022; mkdir -p %[1]s; rm -f %[1]s/.upload.*; t=%[1]s/.upload.$$; `+
		`trap "rm -f $t" EXIT HUP TERM; cat >$t; `+
		`echo "%[2]s  $t" | sha256sum -c --status - || exit %[3]d; `+
		`chmod 0755 $t; sync $t; mv -f $t %[4]s; sync %[1]s`,
		dir, strings.TrimPrefix(string(hash), "sha256:"), wrongHash, protocol.HelperPath)
}

// checkMachine compares the host's architecture with the plan's before a byte is sent.
func checkMachine(conn *transport.Conn, id Identity, system schema.System) error {
	command, err := conn.Start("uname -sm")
	if err != nil {
		return err
	}
	defer command.Close()
	output, err := io.ReadAll(io.LimitReader(command, 4096))
	if err != nil {
		return err
	}
	found := strings.TrimSpace(string(output))
	if want := machines[system]; found != want {
		return WrongSystem(string(id.Host), string(system)+" ("+want+")", found)
	}
	return nil
}

// WrongSystem refuses a host whose architecture is not the plan's.
func WrongSystem(host, want, found string) error {
	return fault.New(fault.Refused, "wrong architecture of %s: expected %s, found %s", host, want, found).
		WithHint("correct the host's system in the inventory and compile again")
}

// run runs a command with some input to its end.
func run(conn *transport.Conn, line string, input []byte) (transport.Exit, error) {
	command, err := conn.Start(line)
	if err != nil {
		return transport.Exit{}, err
	}
	defer command.Close()
	drained := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, command) // its exit status tells
		close(drained)
	}()
	// A command that ends early leaves the rest unread; why, its exit tells.
	if _, err := command.Write(input); err == nil {
		_ = command.CloseWrite()
	}
	<-drained
	return command.Wait(time.Minute)
}
