package storecopy

import (
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"io"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/schema"
)

// checked passes a NAR on, except for its end, until size and hash are known to
// be the plan's: a store registers nothing before the end has arrived.
type checked struct {
	w     io.Writer
	entry schema.PathEntry
	hash  hash.Hash
	size  int64
	held  []byte
}

const (
	heldSize = 2*transport.Packet + endSize
	endSize  = 8 // within the last word of a NAR: without it, the NAR is not whole
)

func newChecked(w io.Writer, entry schema.PathEntry) *checked {
	return &checked{w: w, entry: entry, hash: sha256.New(), held: make([]byte, 0, max(min(heldSize, entry.NarSize), 0))}
}

func (c *checked) Write(p []byte) (int, error) {
	if c.size += int64(len(p)); c.size > c.entry.NarSize {
		return 0, c.wrong("size", c.entry.NarSize, "more")
	}
	c.hash.Write(p)
	for rest := p; len(rest) > 0; {
		n := min(len(rest), heldSize-len(c.held))
		c.held = append(c.held, rest[:n]...)
		rest = rest[n:]
		if len(c.held) < heldSize {
			break
		}
		if err := c.pass(heldSize - endSize); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// pass gives n of the held bytes on.
func (c *checked) pass(n int) error {
	if _, err := c.w.Write(c.held[:n]); err != nil {
		return asSink(err)
	}
	c.held = append(c.held[:0], c.held[n:]...)
	return nil
}

// finish gives the end on, when all was as the plan says.
func (c *checked) finish() error {
	if c.size != c.entry.NarSize {
		return c.wrong("size", c.entry.NarSize, c.size)
	}
	found := "sha256-" + base64.StdEncoding.EncodeToString(c.hash.Sum(nil))
	if found != string(c.entry.NarHash) {
		return c.wrong("hash", c.entry.NarHash, found)
	}
	return c.pass(len(c.held))
}

func (c *checked) wrong(what string, expected, found any) error {
	return fault.New(fault.Refused, "wrong NAR %s of %s: expected %v, found %v", what, c.entry.Path, expected, found).
		WithHint("the closure source is damaged or not the one that the plan was compiled with: nix-store --verify --check-contents, or another --closures")
}
