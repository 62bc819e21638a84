package host

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// caller is the executor's end of a session, for tests.
type caller struct {
	Conn *protocol.Conn
	// Head is that of the last request. The next one has the next number, and the epoch
	// of the last reply.
	Head protocol.Request
	// OnEvent sees every event; may be nil.
	OnEvent func(*protocol.Event)
}

// newCaller returns a caller over a pair of streams, for the run r1 and the host web-1.
func newCaller(r io.Reader, w io.Writer) *caller {
	return &caller{Conn: protocol.NewConn(r, w), Head: protocol.Request{
		Version: protocol.Version, Run: "r1", Host: "web-1", Operator: "ann@desk", Digest: schema.DigestOf(nil),
	}}
}

// call sends a request and waits for its reply. What the helper refuses is a
// [*protocol.Error].
func call[Q, R any](c *caller, op protocol.Op[Q, R], ask Q) (*R, error) {
	if err := sendRequest(c, op, ask); err != nil {
		return nil, err
	}
	return awaitReply(c, op)
}

// sendRequest sends a request.
func sendRequest[Q, R any](c *caller, op protocol.Op[Q, R], ask Q) error {
	body, err := protocol.Encode(ask)
	if err != nil {
		return err
	}
	return c.SendRaw(op.Name, body...)
}

// SendRaw sends a request whose body may be anything.
func (c *caller) SendRaw(op string, body ...[]byte) error {
	c.Head.Seq++
	c.Head.Op = op
	return c.Conn.Request(&c.Head, body...)
}

// awaitReply waits for the reply to the last request.
func awaitReply[Q, R any](c *caller, _ protocol.Op[Q, R]) (*R, error) {
	body, err := c.WaitRaw()
	if err != nil {
		return nil, err
	}
	reply := new(R)
	return reply, schema.DecodeKnown(body, reply)
}

// WaitRaw waits for the reply to the last request and returns its body.
func (c *caller) WaitRaw() ([]byte, error) {
	for {
		response, body, err := c.Conn.ReceiveResponse()
		if err != nil {
			return nil, err
		}
		if response.Seq != c.Head.Seq && response.Kind != protocol.ErrorBody {
			return nil, fmt.Errorf("expected an answer to request %d, found the %s to request %d", c.Head.Seq, response.Kind, response.Seq)
		}
		if response.Kind != protocol.EventBody {
			c.Head.Epoch = response.Epoch
		}
		switch response.Kind {
		case protocol.ReplyBody:
			return body, nil
		case protocol.ErrorBody:
			reported := &protocol.Error{}
			if err := json.Unmarshal(body, reported); err != nil {
				return nil, err
			}
			return nil, reported
		case protocol.EventBody:
			event := &protocol.Event{}
			if err := schema.DecodeKnown(body, event); err != nil {
				return nil, err
			}
			if c.OnEvent != nil {
				c.OnEvent(event)
			}
		default:
			return nil, fmt.Errorf("unknown kind of response %q", response.Kind)
		}
	}
}
