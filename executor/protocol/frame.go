package protocol

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"github.com/nixfleet/nixfleet/schema"
)

const (
	// maxHead bounds the head of a message: names and numbers.
	maxHead = 8 << 10
	// maxReply bounds what a helper may send at once.
	maxReply = 64 << 20
)

// Conn sends and receives messages. A message is a head and a body, each of them JSON,
// behind their lengths: four bytes each, big endian. A Conn serves one goroutine at a
// time in each direction.
type Conn struct {
	r *bufio.Reader
	w io.Writer
	// trace sees every message, sent or received, in parts; may be nil.
	trace func(sent bool, parts ...[]byte)
}

// NewConn returns a connection over a pair of streams.
func NewConn(r io.Reader, w io.Writer) *Conn {
	return &Conn{r: bufio.NewReaderSize(r, 1024), w: w} // large bodies bypass it
}

// Trace shows every message to look, for debugging.
func (c *Conn) Trace(look func(sent bool, parts ...[]byte)) { c.trace = look }

// Request sends a request; requests may share the parts of its body.
func (c *Conn) Request(request *Request, body ...[]byte) error { return c.send(request, body) }

// Respond sends an event, a reply or an error.
func (c *Conn) Respond(response *Response, body any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("internal error: cannot encode a message: %w", err)
	}
	return c.send(response, [][]byte{encoded})
}

func (c *Conn) send(head any, body [][]byte) error {
	encoded, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("internal error: cannot encode a message: %w", err)
	}
	if len(encoded) > maxHead {
		return fmt.Errorf("cannot send a message whose head has %d bytes: at most %d are allowed", len(encoded), maxHead)
	}
	if c.trace != nil {
		c.trace(true, append([][]byte{encoded, []byte(" ")}, body...)...)
	}
	size := 0
	for _, part := range body {
		size += len(part)
	}
	if size > maxBody {
		return fmt.Errorf("cannot send a message of %d bytes: at most %d are allowed", size, maxBody)
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 8+len(encoded)), uint32(len(encoded)))
	frame = append(binary.BigEndian.AppendUint32(frame, uint32(size)), encoded...)
	// A small beginning of the body travels with the head: one packet instead of two.
	if len(body) > 0 && len(body[0]) <= 4096 {
		frame = append(frame, body[0]...)
		body = body[1:]
	}
	if _, err := c.w.Write(frame); err != nil {
		return err
	}
	for _, part := range body {
		if _, err := c.w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// ReceiveResponse reads an event, a reply or an error. At the end of the stream between
// messages the error is io.EOF; within one it is io.ErrUnexpectedEOF.
func (c *Conn) ReceiveResponse() (*Response, []byte, error) {
	response := &Response{}
	body, err := c.receive(response, func() int { return maxReply })
	return response, body, err
}

// receive reads a message. limit bounds the body once the head is read.
func (c *Conn) receive(head any, limit func() int) ([]byte, error) {
	var lengths [8]byte
	if _, err := io.ReadFull(c.r, lengths[:]); err != nil {
		return nil, err
	}
	headSize, bodySize := binary.BigEndian.Uint32(lengths[:4]), binary.BigEndian.Uint32(lengths[4:])
	if headSize > maxHead {
		return nil, fmt.Errorf("cannot read a message: its head cannot have %d bytes; another program writes to the stream", headSize)
	}
	encoded, err := c.read(headSize)
	if err != nil {
		return nil, err
	}
	if err := decodeHead(encoded, head); err != nil {
		return nil, fmt.Errorf("cannot read the head of a message: %w", err)
	}
	if most := limit(); int64(bodySize) > int64(most) {
		return nil, fmt.Errorf("cannot read a message of %d bytes: at most %d are allowed", bodySize, most)
	}
	body, err := c.read(bodySize)
	if err == nil && c.trace != nil {
		c.trace(false, encoded, []byte(" "), body)
	}
	return body, err
}

// read allocates memory as bytes arrive: a length alone is no reason to.
func (c *Conn) read(size uint32) ([]byte, error) {
	data := bytes.NewBuffer(make([]byte, 0, min(int(size), 64<<10)+bytes.MinRead)) // with room to find the end
	if _, err := io.CopyN(data, c.r, int64(size)); err != nil {
		if err == io.EOF { // the lengths were there
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return data.Bytes(), nil
}

// decodeHead is strict about heads of this version. Of another version's it takes what
// it knows: enough to answer that the versions differ.
func decodeHead(data []byte, head any) error {
	if err := json.Unmarshal(data, head); err != nil {
		return err
	}
	if request, ok := head.(*Request); ok && request.Version == Version {
		*request = Request{}
		return schema.DecodeStrict(data, request)
	}
	return nil
}
