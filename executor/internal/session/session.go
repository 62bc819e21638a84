// Package session talks to the helper on one host: it starts it, recognises why
// it does not start, puts the plan's helper in place, and carries requests.
package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Identity is what every request of a run to one host carries.
type Identity struct {
	Host     schema.HostName
	Run      string
	Digest   schema.Digest
	Manifest schema.Digest
	Operator string
	// System is what the plan says the host is, for hints.
	System schema.System
	// Wire is told every message, sent or received, in parts; may be nil.
	Wire func(sent bool, parts ...[]byte)
}

// Session is a running helper. One request is under way at a time.
type Session struct {
	Identity
	conn    *transport.Conn
	command *transport.Command
	wire    *protocol.Conn
	noise   *head
	seq     int
	user    string
	// epoch is that of the lease that the helper says we hold.
	epoch int64
}

// Epoch returns the epoch of the lease that the session holds; 0 where it holds none.
func (s *Session) Epoch() int64 { return s.epoch }

// How long a helper may take. A login is part of the first: PAM may ask a directory server.
const (
	helloPatience   = time.Minute
	endPatience     = 5 * time.Second
	replacePatience = 10 * time.Minute
)

// start runs the helper; whether that works shows at the first reply.
func start(conn *transport.Conn, id Identity) (*Session, error) {
	command, err := conn.Start(AsRoot(conn.User(), protocol.HelperPath+" serve"))
	if err != nil {
		return nil, err
	}
	noise := &head{r: command}
	wire := protocol.NewConn(noise, command)
	wire.Trace(id.Wire)
	return &Session{
		Identity: id, conn: conn, command: command, user: conn.User(), wire: wire, noise: noise,
	}, nil
}

// AsRoot returns the command line that runs a command as root.
func AsRoot(user, command string) string {
	if user == "root" {
		return command
	}
	return "sudo -n " + command
}

// Close ends the helper: it exits when its standard input ends.
func (s *Session) Close() { s.command.Close() }

// Request is one request; the body is the JSON of its operation's field, in
// parts that may be shared between hosts.
type Request struct {
	Op    protocol.Op
	Field string
	Body  [][]byte
	// Deadline is how long the helper may take; 0 is for ever.
	Deadline time.Duration
	// OnEvent takes what the helper reports meanwhile; may be nil.
	OnEvent func(*protocol.Event)
	// Epoch is that of another session's lease, to speak for it; 0 for our own.
	Epoch int64
}

// Call sends a request and waits for its reply. An error that the helper
// reported is a [*protocol.Error]; any other leaves open whether the request was
// carried out.
func (s *Session) Call(ctx context.Context, request Request) (*protocol.Response, error) {
	outer := ctx
	if request.Deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, request.Deadline,
			fmt.Errorf("the helper on %s did not answer %q within %s", s.Host, request.Op, request.Deadline))
		defer cancel()
	}
	stop := context.AfterFunc(ctx, s.command.Close)
	defer stop()
	s.seq++
	if err := s.send(request); err != nil {
		return nil, s.ended(request.Op, s.because(outer, ctx, err))
	}
	for {
		var response protocol.Response
		if err := s.wire.Receive(&response); err != nil {
			return nil, s.ended(request.Op, s.because(outer, ctx, err))
		}
		if response.Seq != s.seq && response.Error == nil {
			return nil, fault.New(fault.Refused, "the helper on %s answers request %d instead of %d", s.Host, response.Seq, s.seq)
		}
		if response.Event != nil {
			if request.OnEvent != nil {
				request.OnEvent(response.Event)
			}
			continue
		}
		s.epoch = response.Epoch
		if response.Error != nil {
			return nil, response.Error
		}
		return &response, nil
	}
}

// because prefers the context's cause to the end of the stream that it brought about.
func (s *Session) because(outer, ctx context.Context, err error) error {
	if cause := context.Cause(outer); cause != nil {
		return fault.New(fault.Interrupted, "%w", cause)
	}
	if cause := context.Cause(ctx); cause != nil {
		return fault.New(fault.Refused, "%w", cause)
	}
	return err
}

// ended tells how the helper ended, where it did. For the first request, which
// finds more to tell, it leaves that to [Session.diagnose].
func (s *Session) ended(op protocol.Op, err error) error {
	if s.seq == 1 && op != protocol.OpReplaceHelper || fault.KindOf(err) != fault.Failed {
		return err
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.New(fault.Refused, "cannot understand the helper on %s: %w", s.Host, err)
	}
	exit, waitErr := s.command.Wait(endPatience)
	if waitErr != nil {
		return waitErr
	}
	return fault.New(fault.Refused, "the helper on %s ended during %q: %s", s.Host, op, describeExit(exit))
}

func (s *Session) send(request Request) error {
	epoch := request.Epoch
	if epoch == 0 {
		epoch = s.epoch
	}
	prefix := fmt.Appendf(nil, `{"seq":%d,"op":%q,"run":%q,"epoch":%d,"digest":%q,%q:`, s.seq, request.Op, s.Run, epoch, s.Digest, request.Field)
	parts := append([][]byte{prefix}, request.Body...)
	err := s.wire.SendEncoded(append(parts, []byte{'}'})...)
	if errors.Is(err, io.EOF) || err == nil {
		return nil // the helper ended; reading tells why
	}
	return err
}

// head reads through. It stops at text: a frame begins with a length, whose first
// byte is never printable, and a length made of text would be waited for in vain.
type head struct {
	r io.Reader
	// noise is what came instead of the first frame.
	noise string
	begun bool
}

var errNoise = errors.New("text where a message must be")

func (h *head) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if h.begun || n == 0 {
		return n, err
	}
	h.begun = true
	if first := rune(p[0]); unicode.IsPrint(first) || unicode.IsSpace(first) || first == 0x1b || first >= 0x80 {
		text, _, _ := strings.Cut(string(p[:min(n, 160)]), "\x00") // where the first frame begins
		h.noise = strings.TrimSpace(strings.ToValidUTF8(text, "?"))
		return 0, errNoise
	}
	return n, err
}
