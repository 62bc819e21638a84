package unit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// Booting reports whether systemd is still bringing the host up: it then starts
// things by itself, and waiting for it may be waiting for oneself.
func (s *Systemd) Booting(ctx context.Context) (bool, error) {
	call, err := s.call(ctx, "/org/freedesktop/systemd1", propertyGet+"Get", destination+".Manager", "SystemState")
	if err != nil {
		return false, err
	}
	var state dbus.Variant
	if err := call.Store(&state); err != nil {
		return false, fmt.Errorf("cannot understand systemd: %w", err)
	}
	word, _ := state.Value().(string)
	return word == "initializing" || word == "starting", nil
}

// Reboot has the host end its services and boot again. It returns when that is under
// way, and does nothing where it is already. After a [RefusedError] it is not; after any
// other error it may be.
//
// If we crash here, the host goes down or not; whoever asks again learns which boot it
// is in, and asks for the same.
func (s *Systemd) Reboot(ctx context.Context) error {
	return s.Fault.Do("reboot", func() error {
		// As systemctl does it: nothing that starts meanwhile can take the reboot back.
		_, err := s.ask(ctx, "StartUnit", "reboot.target", "replace-irreversibly")
		var failure dbus.Error
		if errors.As(err, &failure) {
			return &RefusedError{reason(err)}
		}
		return err
	})
}

// RefusedError says that systemd does not do what it was asked for.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "systemd does not do it: " + e.Reason }

// Inhibitor is a program that keeps the host from going down, as apt does while it
// installs.
type Inhibitor struct {
	Who, Why string
	PID      uint32
}

const (
	// busSocket is the system bus's, and busPatience how long it may take to answer.
	busSocket   = "/run/dbus/system_bus_socket"
	busPatience = 10 * time.Second
)

// Inhibitors asks logind who keeps the host from going down. On a host without it
// nobody can.
func Inhibitors(ctx context.Context) ([]Inhibitor, error) {
	found, err := askLogind(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot ask logind what keeps the host from going down: %w", err)
	}
	return found, nil
}

func askLogind(ctx context.Context) ([]Inhibitor, error) {
	ctx, cancel := context.WithTimeout(ctx, busPatience)
	defer cancel()
	socket, err := (&net.Dialer{}).DialContext(ctx, "unix", busSocket)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	// A bus that hangs must not keep us.
	defer context.AfterFunc(ctx, func() { socket.Close() })()
	conn, err := dbus.NewConn(socket)
	if err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	defer conn.Close()
	if err := conn.Auth([]dbus.Auth{dbus.AuthExternal("0")}); err != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	if err := conn.Hello(); err != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	logind := conn.Object("org.freedesktop.login1", "/org/freedesktop/login1")
	call := logind.CallWithContext(ctx, "org.freedesktop.login1.Manager.ListInhibitors", dbus.FlagNoAutoStart)
	var failure dbus.Error
	if errors.As(call.Err, &failure) && (strings.HasSuffix(failure.Name, ".NameHasNoOwner") || strings.HasSuffix(failure.Name, ".ServiceUnknown")) {
		return nil, nil
	}
	var listed []struct {
		What, Who, Why, Mode string
		UID, PID             uint32
	}
	if err := call.Store(&listed); err != nil {
		return nil, err
	}
	var found []Inhibitor
	for _, l := range listed {
		// What only delays is told by the end of its service, too.
		if l.Mode == "block" && strings.Contains(":"+l.What+":", ":shutdown:") {
			found = append(found, Inhibitor{Who: l.Who, Why: l.Why, PID: l.PID})
		}
	}
	return found, nil
}
