// Package storecopy brings store paths into a host's Nix store over the serve
// protocol: `nix-store --serve --write` at the other end of a stream. Content is
// compared with the plan on the way, so that nothing else is ever registered.
package storecopy

import (
	"bufio"
	"fmt"
	"io"

	"github.com/nix-community/go-nix/pkg/wire"
	"github.com/nixfleet/nixfleet/schema"
)

// The serve protocol's numbers, as Nix has them in serve-protocol.hh.
const (
	clientMagic = 0x390c9deb
	serverMagic = 0x5452eecb
	ourVersion  = 0x207 // 2.7: Nix 2.4 and later
	oldest      = 0x205 // 2.5, from which on paths are added one by one

	opQueryValidPaths = 1
	opAddToStoreNar   = 9

	maxText = 1 << 16
)

// server is the connection to a serving Nix store. Requests may be written ahead
// of the replies; those come in the same order.
type server struct {
	r *bufio.Reader
	w *bufio.Writer
}

// newServer has small buffers: a thousand may be kept open until hosts have changed,
// replies are short, and NARs come in large pieces that go around them.
func newServer(stream io.ReadWriter) *server {
	return &server{r: bufio.NewReaderSize(stream, 512), w: bufio.NewWriterSize(stream, 2048)}
}

// writeGreeting begins the conversation; [server.readGreeting] reads the answer.
func (s *server) writeGreeting() error {
	return s.numbers(clientMagic, ourVersion)
}

func (s *server) readGreeting() error {
	magic, err := wire.ReadUint64(s.r)
	if err != nil {
		return err
	}
	if magic != serverMagic {
		return fmt.Errorf("expected a Nix store that serves, found something else (%#x)", magic)
	}
	version, err := wire.ReadUint64(s.r)
	if err != nil {
		return err
	}
	if version < oldest {
		return fmt.Errorf("its Nix is too old: expected serve protocol 2.5 or later, found %d.%d", version>>8, version&0xff)
	}
	return nil
}

// writeQueryValid asks which of the paths are there. The server keeps those from
// garbage collection until the connection ends. With substitute, it fetches the
// others first where it can.
func (s *server) writeQueryValid(paths []schema.PathEntry, substitute bool) error {
	fetch := uint64(0)
	if substitute {
		fetch = 1
	}
	if err := s.numbers(opQueryValidPaths, 1, fetch, uint64(len(paths))); err != nil {
		return err
	}
	for _, p := range paths {
		if err := wire.WriteString(s.w, string(p.Path)); err != nil {
			return err
		}
	}
	return nil
}

// readValid reads the answer about so many paths.
func (s *server) readValid(asked int) (map[schema.StorePath]bool, error) {
	count, err := wire.ReadUint64(s.r)
	if err != nil {
		return nil, err
	}
	if count > uint64(asked) {
		return nil, fmt.Errorf("it was asked of %d paths, and answers with %d", asked, count)
	}
	valid := make(map[schema.StorePath]bool, count)
	for range count {
		path, err := wire.ReadString(s.r, maxText)
		if err != nil {
			return nil, err
		}
		valid[schema.StorePath(path)] = true
	}
	return valid, nil
}

// writeAdd begins to add a path; its NAR follows. Everything a store knows of the
// path but hash, size and references stays empty: the plan does not have it.
func (s *server) writeAdd(entry schema.PathEntry, hexHash string) error {
	if err := s.numbers(opAddToStoreNar); err != nil {
		return err
	}
	if err := s.texts(string(entry.Path), "", hexHash); err != nil {
		return err
	}
	if err := s.numbers(uint64(len(entry.References))); err != nil {
		return err
	}
	for _, ref := range entry.References {
		if err := s.texts(string(ref)); err != nil {
			return err
		}
	}
	const now, notUltimate, noSignatures = 0, 0, 0
	if err := s.numbers(now, uint64(entry.NarSize), notUltimate, noSignatures); err != nil {
		return err
	}
	const notContentAddressed = ""
	return s.texts(notContentAddressed)
}

func (s *server) readAdded() error {
	one, err := wire.ReadUint64(s.r)
	if err != nil {
		return err
	}
	if one != 1 {
		return fmt.Errorf("expected 1 for an added path, found %d", one)
	}
	return nil
}

func (s *server) numbers(numbers ...uint64) error {
	for _, n := range numbers {
		if err := wire.WriteUint64(s.w, n); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) texts(texts ...string) error {
	for _, text := range texts {
		if err := wire.WriteString(s.w, text); err != nil {
			return err
		}
	}
	return nil
}
