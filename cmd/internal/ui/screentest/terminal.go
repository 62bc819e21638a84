package screentest

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Terminal is a terminal of the kernel's with a screen that shows what is written to it.
type Terminal struct {
	*Screen
	// File is what a program has for its standard error.
	File   *os.File
	master *os.File
	read   chan struct{}
}

// Open returns a terminal. It sets the environment to one in which there is one.
func Open(t *testing.T, width, height int) *Terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	terminal := &Terminal{Screen: New(width, height), File: file, master: master, read: make(chan struct{})}
	terminal.SetSize(t, width, height)
	go func() {
		defer close(terminal.read)
		buffer := make([]byte, 4096)
		for {
			n, err := master.Read(buffer)
			_, _ = terminal.Write(buffer[:n])
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { terminal.Close() })
	t.Setenv("TERM", "xterm")
	t.Setenv("CI", "")
	return terminal
}

// SetSize tells programs another size. The screen is resized by itself.
func (t *Terminal) SetSize(tb testing.TB, width, height int) {
	tb.Helper()
	if err := unix.IoctlSetWinsize(int(t.File.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(width), Row: uint16(height)}); err != nil {
		tb.Fatal(err)
	}
}

// Close ends the terminal, when all that was written to it is on the screen.
func (t *Terminal) Close() {
	t.File.Close()
	<-t.read
	t.master.Close()
}
