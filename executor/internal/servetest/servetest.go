// Package servetest is a Nix store in memory that speaks the serve protocol, for
// tests: as strict as Nix about what it registers.
package servetest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"

	"github.com/nix-community/go-nix/pkg/nar"
	"github.com/nix-community/go-nix/pkg/wire"
)

// Store is the store.
type Store struct {
	// Version is the protocol's version; 0 stands for 2.7.
	Version uint64
	// Full makes the store fail, as on a full disk, once it holds so many paths; 0 is never.
	Full int
	// Substitutes are paths that the store can fetch by itself.
	Substitutes map[string][]byte
	// Added sees each path that a client added, before the client gets the reply; may be nil.
	Added func(path string, content []byte)

	mu    sync.Mutex
	paths map[string][]byte
}

// Has reports whether a path is valid.
func (s *Store) Has(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paths[path] != nil
}

// Put makes a path valid.
func (s *Store) Put(path string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paths == nil {
		s.paths = map[string][]byte{}
	}
	s.paths[path] = content
}

// Len is the number of valid paths.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.paths)
}

// Serve serves until the client ends, and returns the exit status. Errors go to
// stderr, as Nix writes them.
func (s *Store) Serve(stdin io.Reader, stdout, stderr io.Writer) int {
	if err := s.serve(bufio.NewReader(stdin), stdout); err != io.EOF {
		fmt.Fprintf(stderr, "error: %v\n", err)
		return 1
	}
	return 0
}

func (s *Store) serve(r *bufio.Reader, w io.Writer) error {
	version := s.Version
	if version == 0 {
		version = 0x207
	}
	if magic, err := wire.ReadUint64(r); err != nil || magic != 0x390c9deb {
		return fmt.Errorf("protocol mismatch")
	}
	if _, err := wire.ReadUint64(r); err != nil {
		return err
	}
	if err := writeNumbers(w, 0x5452eecb, version); err != nil {
		return err
	}
	for {
		op, err := wire.ReadUint64(r)
		if err != nil {
			return err
		}
		switch op {
		case 1:
			err = s.queryValid(r, w)
		case 9:
			err = s.add(r, w)
		default:
			err = fmt.Errorf("unknown serve command %d", op)
		}
		if err != nil {
			return err
		}
	}
}

func writeNumbers(w io.Writer, numbers ...uint64) error {
	for _, n := range numbers {
		if err := wire.WriteUint64(w, n); err != nil {
			return err
		}
	}
	return nil
}

func readTexts(r io.Reader) ([]string, error) {
	n, err := wire.ReadUint64(r)
	if err != nil {
		return nil, err
	}
	var texts []string
	for range n {
		text, err := wire.ReadString(r, 1<<16)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}

func (s *Store) queryValid(r io.Reader, w io.Writer) error {
	if _, err := wire.ReadBool(r); err != nil { // lock
		return err
	}
	substitute, err := wire.ReadBool(r)
	if err != nil {
		return err
	}
	asked, err := readTexts(r)
	if err != nil {
		return err
	}
	var valid []string
	for _, path := range asked {
		if content, ok := s.Substitutes[path]; ok && substitute && !s.Has(path) {
			s.Put(path, content)
		}
		if s.Has(path) {
			valid = append(valid, path)
		}
	}
	if err := wire.WriteUint64(w, uint64(len(valid))); err != nil {
		return err
	}
	for _, path := range valid {
		if err := wire.WriteString(w, path); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) add(r *bufio.Reader, w io.Writer) error {
	var head [3]string // path, deriver, hash
	for i := range head {
		text, err := wire.ReadString(r, 1<<16)
		if err != nil {
			return err
		}
		head[i] = text
	}
	references, err := readTexts(r)
	if err != nil {
		return err
	}
	var numbers [3]uint64 // registration time, size, ultimate
	for i := range numbers {
		if numbers[i], err = wire.ReadUint64(r); err != nil {
			return err
		}
	}
	if _, err := readTexts(r); err != nil { // signatures
		return err
	}
	if _, err := wire.ReadString(r, 1<<16); err != nil { // content address
		return err
	}
	if s.Full > 0 && s.Len() >= s.Full {
		return fmt.Errorf("writing to file: No space left on device")
	}
	var content bytes.Buffer
	if err := copyNAR(io.TeeReader(r, &content)); err != nil {
		return err
	}
	return s.register(w, head[0], head[2], references, numbers[1], content.Bytes())
}

// copyNAR reads one NAR and not a byte more.
func copyNAR(r io.Reader) error {
	reader, err := nar.NewReader(onlyRead{r})
	if err != nil {
		return err
	}
	for {
		if _, err := reader.Next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, reader); err != nil {
			return err
		}
	}
}

type onlyRead struct{ io.Reader }

func (s *Store) register(w io.Writer, path, hash string, references []string, size uint64, content []byte) error {
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != hash || uint64(len(content)) != size {
		return fmt.Errorf("hash mismatch importing path '%s'", path)
	}
	for _, ref := range references {
		if ref != path && !s.Has(ref) {
			return fmt.Errorf("path '%s' is not valid", ref)
		}
	}
	s.Put(path, content)
	if s.Added != nil {
		s.Added(path, content)
	}
	return wire.WriteUint64(w, 1)
}
