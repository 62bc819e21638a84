package unit

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// connectPatience is how long systemd may take to read the end of a greeting. It
// does so between two of its own chores.
const connectPatience = 90 * time.Second

// dial connects to the manager's own socket and authenticates.
//
// The greeting ends with a line after which no answer comes. Where systemd reads
// that line and our first call at once, it keeps the call in a buffer that it
// looks into only when more arrives: both ends then wait for ever. So nothing is
// called before systemd has read everything.
func dial(path string) (*dbus.Conn, error) {
	socket, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	conn, err := dbus.NewConn(socket)
	if err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	err = conn.Auth([]dbus.Auth{dbus.AuthExternal("0")})
	if err == nil {
		err = awaitRead(socket, connectPatience)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// awaitRead waits until the peer has read all that was written.
func awaitRead(socket *net.UnixConn, patience time.Duration) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	pause := 50 * time.Microsecond
	for end := time.Now().Add(patience); ; pause = min(2*pause, 10*time.Millisecond) {
		var unread int
		var asked error
		if err := raw.Control(func(fd uintptr) { unread, asked = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); err != nil {
			return err
		}
		switch {
		case asked != nil:
			return fmt.Errorf("cannot tell what of the greeting was read: %w", asked)
		case unread == 0:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("it did not read the greeting within %s", patience)
		}
		time.Sleep(pause)
	}
}
