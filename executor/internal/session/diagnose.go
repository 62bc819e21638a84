package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// AbsentError says that there is no helper on the host, and that the account may run it
// as root if there were one.
type AbsentError struct{ error }

// Unwrap returns the error with its kind.
func (e *AbsentError) Unwrap() error { return e.error }

// diagnose finds out why the helper gave no first reply.
func (s *Session) diagnose(ctx context.Context, err error) error {
	if isVersion(err) {
		return fault.New(fault.Refused, "the helper on %s is of another version of NixFleet: %w", s.Host, err).
			WithHint("an execution replaces it by the plan's; or use the nixfleet that executed last")
	}
	var reported *protocol.Error
	if errors.As(err, &reported) || fault.Is(err, fault.LinkLost) || fault.Is(err, fault.Interrupted) || ctx.Err() != nil {
		return err
	}
	if errors.Is(err, errNoise) {
		return fault.New(fault.Refused, "the login shell of %q on %s prints text where only the helper may speak: expected a message, found %q", s.user, s.Host, s.noise.noise).
			WithHint("make its start-up files (~/.bashrc, /etc/bash.bashrc, …) silent where there is no terminal: put [ -t 1 ] || return at their top")
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return s.unreadable(err)
	}
	exit, waitErr := s.command.Wait(endPatience)
	if waitErr != nil {
		return waitErr
	}
	if found := recognise(s.user, string(s.Host), exit); found != nil {
		if absent := new(AbsentError); errors.As(found, &absent) {
			return &AbsentError{fault.New(fault.Refused, "%w: nothing was ever applied there, or it was released", absent.error).
				WithHint("the first execution installs the helper where %q may use sudo freely; or %s", s.user, byHand(s.Identity))}
		}
		if s.isAbsent(found) {
			return mayNotInstall(s.Identity, s.user)
		}
		return found
	}
	return fault.New(fault.Refused, "the helper on %s ended without a reply: %s", s.Host, describeExit(exit))
}

// isAbsent reports whether sudo refused because there is no helper: it allows a
// command by its file, and says that it wants a password where there is none.
func (s *Session) isAbsent(refusal error) bool {
	if !fault.Is(refusal, fault.Refused) {
		return false
	}
	exit, err := run(s.conn, "ls -d "+protocol.HelperPath, nil)
	return err == nil && strings.Contains(exit.Stderr, "No such file")
}

func mayNotInstall(id Identity, user string) error {
	return fault.New(fault.Refused, "the helper is not on %s, and sudo does not let %q install it", id.Host, user).
		WithHint("%s", byHand(id))
}

// byHand says how to put the helper in place with another login.
func byHand(id Identity) string {
	return fmt.Sprintf("put it there as root: nixfleet helper %s | ssh root@%s 'install -D -m 0755 /dev/stdin %s'", id.System, id.Host, protocol.HelperPath)
}

func describeExit(exit transport.Exit) string {
	how := fmt.Sprintf("exit status %d", exit.Status)
	if exit.Signal != "" {
		how = "killed by signal " + exit.Signal
	}
	if exit.Stderr == "" {
		return how + ", and nothing on standard error"
	}
	return how + ": " + exit.Stderr
}

// recognise knows what sudo, shells and the kernel say when they do not start a
// program; nil where it is none of that.
func recognise(user, host string, exit transport.Exit) error {
	says := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(exit.Stderr, part) {
				return true
			}
		}
		return false
	}
	switch {
	case says("a password is required", "a terminal is required", "no askpass program"):
		return fault.New(fault.Refused, "sudo on %s wants a password of %q", host, user).
			WithHint("as root on %s, in /etc/sudoers.d/nixfleet: %s", host, sudoersLine(user))
	case says("is not in the sudoers file", "is not allowed to execute", "is not allowed to run sudo", "may not run sudo"):
		return fault.New(fault.Refused, "sudo on %s does not allow %q to run the helper", host, user).
			WithHint("as root on %s, in /etc/sudoers.d/nixfleet: %s", host, sudoersLine(user))
	case says("you must have a tty to run sudo"):
		return fault.New(fault.Refused, "sudo on %s wants a terminal (requiretty)", host).
			WithHint("as root, in /etc/sudoers.d/nixfleet: Defaults:%s !requiretty", user)
	case says("Exec format error", "cannot execute binary file"), asScript.MatchString(exit.Stderr):
		return fault.New(fault.Refused, "the helper on %s is for another architecture, or damaged: %s", host, exit.Stderr).
			WithHint("correct the host's system in the inventory and compile again; where it is right: rm %s as root on %s, and execute again or put it there yourself (nixfleet helper --help)", protocol.HelperPath, host)
	case says(protocol.HelperPath+": command not found", protocol.HelperPath+": No such file", protocol.HelperPath+": not found"):
		return &AbsentError{fault.New(fault.Refused, "there is no helper on %s at %s", host, protocol.HelperPath)}
	case says("sudo: command not found", "sudo: not found", "sudo: No such file"):
		return fault.New(fault.Refused, "there is no sudo on %s", host).WithHint("as root on the host: apt install sudo")
	case says("This account is currently not available", "account is currently not available"):
		return fault.New(fault.Refused, "the account %q on %s has no shell: %s", user, host, exit.Stderr).
			WithHint("as root on the host: usermod --shell /bin/sh %s", user)
	case says("No space left on device"):
		return fault.New(fault.Refused, "the disk of %s is full: %s", host, exit.Stderr)
	}
	return nil
}

// asScript is what a shell says that takes the helper for a script, which sudo
// hands it to when the kernel does not know its format.
var asScript = regexp.MustCompile(regexp.QuoteMeta(protocol.HelperPath) + `: (line )?[0-9]+: `)

func sudoersLine(user string) string {
	return fmt.Sprintf("%s ALL=(root) NOPASSWD: %[2]s serve, %[2]s store", user, protocol.HelperPath)
}

// Deserted reports whether nothing of NixFleet is on the host: neither the helper nor
// the directory that it lives in.
func Deserted(conn *transport.Conn) (bool, error) {
	exit, err := run(conn, "ls -d "+stateDirectory, nil)
	return err == nil && exit.Status != 0 && strings.Contains(exit.Stderr, "No such file"), err
}

const stateDirectory = "/var/lib/nixfleet"
