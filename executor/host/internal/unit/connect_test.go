package unit

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestNothingIsCalledBeforeTheGreetingIsRead has a manager that leaves the end of
// the greeting unread for a while, as a busy systemd does.
func TestNothingIsCalledBeforeTheGreetingIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "private")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	const busy = 100 * time.Millisecond
	seen := make(chan error, 1)
	go func() { seen <- greet(listener, busy) }()
	began := time.Now()
	conn, err := dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if took := time.Since(began); took < busy {
		t.Errorf("connected after %s, when the greeting was not read yet", took)
	}
	if err := <-seen; err != nil {
		t.Error(err)
	}
}

// greet plays systemd's part up to BEGIN, which it reads late.
func greet(listener net.Listener, busy time.Duration) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	line := bufio.NewReaderSize(conn, 16) // 16 bytes at a time: BEGIN stays in the socket
	if _, err := line.ReadByte(); err != nil {
		return err
	}
	for {
		text, err := line.ReadString('\n')
		if err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(text, "AUTH EXTERNAL"):
			fmt.Fprint(conn, "OK 0123456789abcdef0123456789abcdef\r\n")
			time.Sleep(busy)
		case strings.HasPrefix(text, "AUTH"):
			fmt.Fprint(conn, "REJECTED EXTERNAL\r\n")
		case strings.HasPrefix(text, "BEGIN"):
			return nil
		default:
			return fmt.Errorf("unexpected %q", text)
		}
	}
}
