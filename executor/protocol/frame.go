package protocol

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// maxFrame bounds a frame: a plan's index of some thousand hosts, or a helper
// binary in base64, and room.
const maxFrame = 256 << 20

// Conn sends and receives frames: four bytes of length, big endian, and so many
// bytes of JSON. It is for one goroutine at a time in each direction.
type Conn struct {
	r *bufio.Reader
	w io.Writer
	// trace is told the body of every frame, sent or received, in parts; may be nil.
	trace func(sent bool, parts ...[]byte)
}

// NewConn returns a connection over a pair of streams.
func NewConn(r io.Reader, w io.Writer) *Conn {
	return &Conn{r: bufio.NewReaderSize(r, 1024), w: w} // large bodies go around it
}

// Trace lets somebody look on, for finding faults.
func (c *Conn) Trace(look func(sent bool, parts ...[]byte)) { c.trace = look }

func (c *Conn) traced(sent bool, parts ...[]byte) {
	if c.trace != nil {
		c.trace(sent, parts...)
	}
}

// Send writes v as one frame, in one write.
func (c *Conn) Send(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("internal error: cannot encode a message: %w", err)
	}
	c.traced(true, body)
	if len(body) > maxFrame {
		return fmt.Errorf("cannot send a message of %d bytes: at most %d are allowed", len(body), maxFrame)
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, len(body)+4), uint32(len(body)))
	_, err = c.w.Write(append(frame, body...))
	return err
}

// SendEncoded writes one frame whose body, already JSON, is the parts one after
// the other. It lets many connections share one encoding of something large.
func (c *Conn) SendEncoded(parts ...[]byte) error {
	c.traced(true, parts...)
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	if size > maxFrame {
		return fmt.Errorf("cannot send a message of %d bytes: at most %d are allowed", size, maxFrame)
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(size))
	// The small beginning goes out with the length: one packet instead of two.
	if len(parts) > 0 && len(parts[0]) <= 4096 {
		head = append(head, parts[0]...)
		parts = parts[1:]
	}
	if _, err := c.w.Write(head); err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := c.w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// Receive reads one frame into v. At the end of the stream between frames the
// error is io.EOF; within one it is io.ErrUnexpectedEOF.
func (c *Conn) Receive(v any) error {
	var head [4]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxFrame {
		return fmt.Errorf("cannot read a message: its length of %d bytes cannot be right; something else writes to the stream", size)
	}
	// Memory is taken as bytes arrive: a length alone is no reason to take it.
	body := bytes.NewBuffer(make([]byte, 0, min(int(size), 64<<10)+bytes.MinRead)) // with room to find the end
	if _, err := io.CopyN(body, c.r, int64(size)); err != nil {
		if err == io.EOF { // there was a length
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	c.traced(false, body.Bytes())
	if err := json.Unmarshal(body.Bytes(), v); err != nil {
		return fmt.Errorf("cannot read a message: %w", err)
	}
	return nil
}
