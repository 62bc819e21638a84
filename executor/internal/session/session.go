// Package session talks to the helper on one host: it starts it, recognises why
// it does not start, puts the plan's helper in place, and calls its operations.
package session

import (
	"cmp"
	"context"
	"encoding/json"
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
	// Wire sees every message, sent or received, in parts; may be nil.
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

// endPatience is how long a helper may take to end.
const endPatience = 5 * time.Second

// Start runs the helper that is on the host, whatever its hash. Whether that works shows
// at the first reply.
func Start(conn *transport.Conn, id Identity) (*Session, error) {
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

// Options are what differs between calls of one operation.
type Options struct {
	// Deadline is how long the helper may take; 0 stands for the operation's patience,
	// which is unlimited where the operation has none.
	Deadline time.Duration
	// OnEvent takes the events that come before the reply; may be nil.
	OnEvent func(*protocol.Event)
	// Epoch is that of another session's lease, to speak for it; 0 for our own.
	Epoch int64
}

// Call sends a request and waits for its reply. An error that the helper reported
// unwraps to a [*protocol.Error]; any other leaves open whether the request was
// carried out.
func Call[Q, R any](ctx context.Context, s *Session, op protocol.Op[Q, R], ask Q, options Options) (*R, error) {
	body, err := protocol.Encode(ask)
	if err != nil {
		return nil, fmt.Errorf("internal error: cannot encode a request: %w", err)
	}
	return CallEncoded(ctx, s, op, body, options)
}

// CallEncoded is [Call] with a body that may share its parts with others.
func CallEncoded[Q, R any](ctx context.Context, s *Session, op protocol.Op[Q, R], body protocol.Body[Q], options Options) (*R, error) {
	data, err := s.call(ctx, protocol.Rules(op), body, options)
	if err != nil {
		if s.seq == 1 {
			err = s.diagnose(ctx, err)
		}
		return nil, err
	}
	reply := new(R)
	if err := schema.DecodeKnown(data, reply); err != nil {
		return nil, Unexpected(s, op, err.Error())
	}
	return reply, nil
}

// Unexpected refuses a reply that makes no sense.
func Unexpected[Q, R any](s *Session, op protocol.Op[Q, R], because string) error {
	return fault.New(fault.Refused, "unexpected reply to %q from the helper on %s: %s", op.Name, s.Host, because)
}

func (s *Session) call(ctx context.Context, op protocol.Rules, body [][]byte, options Options) ([]byte, error) {
	outer := ctx
	if deadline := cmp.Or(options.Deadline, op.Patience); deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, deadline,
			fmt.Errorf("the helper on %s did not answer %q within %s", s.Host, op.Name, deadline))
		defer cancel()
	}
	stop := context.AfterFunc(ctx, s.command.Close)
	defer stop()
	s.seq++
	err := s.wire.Request(&protocol.Request{
		Seq: s.seq, Op: op.Name, Version: protocol.Version, Run: s.Run, Host: s.Host, Operator: s.Operator,
		Epoch: cmp.Or(options.Epoch, s.epoch), Digest: s.Digest,
	}, body...)
	if err != nil && !errors.Is(err, io.EOF) { // a helper that has ended says why when it is read
		return nil, s.ended(op, s.because(outer, ctx, err))
	}
	for {
		response, data, err := s.wire.ReceiveResponse()
		if err != nil {
			return nil, s.ended(op, s.because(outer, ctx, err))
		}
		if response.Kind != protocol.EventBody {
			return data, s.conclude(op, response, data)
		}
		event := &protocol.Event{}
		if err := schema.DecodeKnown(data, event); err != nil {
			return nil, s.unreadable(err)
		}
		if options.OnEvent != nil {
			options.OnEvent(event)
		}
	}
}

// conclude takes the head of a reply, or the whole of an error.
func (s *Session) conclude(op protocol.Rules, response *protocol.Response, data []byte) error {
	if response.Kind == protocol.ErrorBody {
		reported := &protocol.Error{}
		if err := json.Unmarshal(data, reported); err != nil {
			return s.unreadable(err)
		}
		s.epoch = response.Epoch
		return reported
	}
	if response.Kind != protocol.ReplyBody || response.Seq != s.seq {
		return s.unreadable(fmt.Errorf("expected the reply to request %d, %q, found the %s to request %d", s.seq, op.Name, response.Kind, response.Seq))
	}
	s.epoch = response.Epoch
	return nil
}

func (s *Session) unreadable(err error) error {
	return fault.New(fault.Refused, "cannot understand the helper on %s: %w", s.Host, err)
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

// ended describes how the helper ended, where it did. For the first request
// [Session.diagnose] finds out more.
func (s *Session) ended(op protocol.Rules, err error) error {
	if s.seq == 1 || fault.KindOf(err) != fault.Failed {
		return err
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return s.unreadable(err)
	}
	exit, waitErr := s.command.Wait(endPatience)
	if waitErr != nil {
		return waitErr
	}
	return fault.New(fault.Refused, "the helper on %s ended during %q: %s", s.Host, op.Name, describeExit(exit))
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
