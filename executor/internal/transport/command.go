package transport

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"golang.org/x/crypto/ssh"
)

// Command is a command that runs on the host: a stream to its standard input
// and one from its standard output. Its end is found by reading to io.EOF and
// asking [Command.Wait].
type Command struct {
	conn    *Conn
	channel ssh.Channel
	stderr  tail
	// closed is closed when exit status and standard error have arrived in full.
	closed chan struct{}
	status *int
	signal string
}

// Start runs a command line through the account's login shell. It does not wait
// for the host to confirm: a command that cannot run ends at once.
func (c *Conn) Start(command string) (*Command, error) {
	channel, requests, err := c.link.OpenChannel("session", nil)
	if err != nil {
		var open *ssh.OpenChannelError
		if errors.As(err, &open) {
			return nil, fault.New(fault.Refused, "%s lets %q run no command: %s", c.name, c.user, open.Message)
		}
		if c.ended() {
			return nil, c.lostError()
		}
		return nil, fmt.Errorf("cannot start a command on %s: %w", c.name, err)
	}
	cmd := &Command{conn: c, channel: channel, closed: make(chan struct{})}
	go cmd.watch(requests)
	// Messages of sudo and the shell are recognised by their English text. A server
	// that does not accept the variable ignores it.
	_, err = channel.SendRequest("env", false, ssh.Marshal(struct{ Name, Value string }{"LC_ALL", "C"}))
	if err == nil {
		_, err = channel.SendRequest("exec", false, ssh.Marshal(struct{ Command string }{command}))
	}
	if err != nil {
		channel.Close()
		return nil, cmd.describe(err)
	}
	return cmd, nil
}

func (c *Command) watch(requests <-chan *ssh.Request) {
	stderr := make(chan struct{})
	go func() {
		c.stderr.readAll(c.channel.Stderr())
		close(stderr)
	}()
	for request := range requests {
		switch request.Type {
		case "exit-status":
			var body struct{ Status uint32 }
			if ssh.Unmarshal(request.Payload, &body) == nil {
				status := int(body.Status)
				c.status = &status
			}
		case "exit-signal":
			var body struct {
				Signal     string
				CoreDumped bool
				Message    string
				Lang       string
			}
			if ssh.Unmarshal(request.Payload, &body) == nil {
				c.signal = body.Signal
			}
		}
		if request.WantReply {
			_ = request.Reply(false, nil)
		}
	}
	<-stderr
	close(c.closed)
}

// Read reads the command's standard output. The error is io.EOF when the command
// closed it, and of kind link-lost when the connection ended instead.
func (c *Command) Read(p []byte) (int, error) {
	n, err := c.channel.Read(p)
	if err != nil && n == 0 {
		err = c.describe(err)
	}
	return n, err
}

// Packet is how much is written at once. The library keeps a buffer as large as the
// largest write for each command, and one for each connection, until they end: with
// the 32 KB that SSH allows, a thousand hosts would take 100 MB for that, and a
// single one be a quarter faster.
const Packet = 8000

// Write writes to the command's standard input.
func (c *Command) Write(p []byte) (written int, err error) {
	for len(p) > 0 && err == nil {
		var n int
		n, err = c.channel.Write(p[:min(len(p), Packet)])
		written += n
		p = p[n:]
	}
	if err != nil {
		err = c.describe(err)
	}
	return written, err
}

// CloseWrite ends the command's standard input.
func (c *Command) CloseWrite() error { return c.channel.CloseWrite() }

// Close abandons the command.
func (c *Command) Close() { _ = c.channel.Close() }

// describe tells the end of a stream from the end of the connection.
func (c *Command) describe(err error) error {
	select {
	case <-c.closed:
		if c.status != nil || c.signal != "" {
			return err
		}
	case <-c.conn.lost:
	case <-time.After(settled):
		return err
	}
	if c.conn.ended() {
		return c.conn.lostError()
	}
	return err
}

// Exit is how a command ended.
type Exit struct {
	// Status is the exit status; -1 where a signal ended the command or nothing is known.
	Status int
	// Signal is the name of the signal that ended it: "KILL".
	Signal string
	// Stderr is the end of what it wrote to standard error.
	Stderr string
}

// Wait waits for the command's end, but not longer than patience.
func (c *Command) Wait(patience time.Duration) (Exit, error) {
	select {
	case <-c.closed:
	case <-c.conn.lost:
		select { // the exit status may have come just before
		case <-c.closed:
		case <-time.After(settled):
		}
	case <-time.After(patience):
		return Exit{Status: -1, Stderr: c.stderr.String()}, fmt.Errorf("the command did not end within %s", patience)
	}
	exit := Exit{Status: -1, Stderr: c.stderr.String()}
	select {
	case <-c.closed:
	default:
		return exit, c.conn.lostError()
	}
	exit.Signal = c.signal
	if c.status != nil {
		exit.Status = *c.status
	} else if c.signal == "" && c.conn.ended() {
		return exit, c.conn.lostError()
	}
	return exit, nil
}

// tail keeps the end of a stream, for error messages.
type tail struct {
	mu   sync.Mutex
	data []byte
}

const tailSize = 4096

// readAll reads to the end, whatever it is. Mostly nothing comes, so the buffer is small.
func (t *tail) readAll(r io.Reader) {
	var buffer [256]byte
	for {
		n, err := r.Read(buffer[:])
		t.add(buffer[:n])
		if err != nil {
			return
		}
	}
}

func (t *tail) add(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if over := len(t.data) - tailSize; over > 0 {
		t.data = append(t.data[:0], t.data[over:]...)
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.data))
}
