// Package nixstore asks the host's Nix store about paths and sets the host's
// profile. It never builds, copies or deletes.
package nixstore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"

	"github.com/nix-community/go-nix/pkg/nixbase32"

	"github.com/nixfleet/nixfleet/schema"
)

// Directories are where hosts keep nix-store.
var Directories = []string{"/nix/var/nix/profiles/default/bin", "/run/current-system/sw/bin", "/usr/bin", "/usr/local/bin", "/root/.nix-profile/bin"}

// Registry is what the store knows of its paths.
type Registry interface {
	// Hashes returns the registered NAR hash of each valid path of paths; paths
	// that are not valid are left out.
	Hashes(ctx context.Context, paths []schema.StorePath) (map[schema.StorePath]schema.NarHash, error)
}

// Local is the [Registry] of the host's own store. It runs one `nix-store
// --serve`, which answers for any number of paths at once.
type Local struct {
	// Program is the nix-store to run.
	Program string
}

// The serve protocol's words: numbers of 64 bits, little endian, and strings
// padded to eight bytes.
const (
	clientMagic = 0x390c9deb
	serverMagic = 0x5452eecb
	// protocol is 2.7, which every Nix since 2.4 speaks.
	protocol       = 2<<8 | 7
	oldestProtocol = 2<<8 | 4 // the first to tell NAR hashes
	queryPathInfos = 2
)

// Hashes implements [Registry].
func (l Local) Hashes(ctx context.Context, paths []schema.StorePath) (map[schema.StorePath]schema.NarHash, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	cmd := exec.CommandContext(ctx, l.Program, "--serve")
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin", "HOME=/root"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var question, stderr bytes.Buffer
	writeNumbers(&question, clientMagic, protocol, queryPathInfos, uint64(len(paths)))
	for _, p := range paths {
		writeString(&question, string(p))
	}
	cmd.Stdin, cmd.Stderr = &question, &stderr
	answer, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("cannot ask the Nix store: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	hashes, err := readHashes(bufio.NewReader(bytes.NewReader(answer)))
	if err != nil {
		return nil, fmt.Errorf("cannot ask the Nix store: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return hashes, nil
}

func readHashes(r *bufio.Reader) (map[schema.StorePath]schema.NarHash, error) {
	magic, err := readNumber(r)
	if err != nil || magic != serverMagic {
		return nil, errors.Join(err, errors.New("nix-store --serve does not speak the serve protocol"))
	}
	if version, err := readNumber(r); err != nil || version < oldestProtocol {
		return nil, errors.Join(err, fmt.Errorf("nix-store --serve is too old: expected protocol %#x or newer, found %#x", oldestProtocol, version))
	}
	hashes := map[schema.StorePath]schema.NarHash{}
	for {
		name, err := readString(r)
		if err != nil {
			return nil, err
		}
		if name == "" {
			return hashes, nil
		}
		hash, err := readInfo(r)
		if err != nil {
			return nil, err
		}
		if hashes[schema.StorePath(name)], err = narHash(hash); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}

// readInfo reads deriver, references, download size, NAR size, NAR hash, content
// address and signatures, of which only the hash matters here.
func readInfo(r *bufio.Reader) (hash string, err error) {
	if _, err := readString(r); err != nil {
		return "", err
	}
	if err := skipStrings(r); err != nil {
		return "", err
	}
	for range 2 {
		if _, err := readNumber(r); err != nil {
			return "", err
		}
	}
	if hash, err = readString(r); err != nil {
		return "", err
	}
	if _, err := readString(r); err != nil {
		return "", err
	}
	return hash, skipStrings(r)
}

func skipStrings(r *bufio.Reader) error {
	count, err := readNumber(r)
	for range count {
		if err == nil {
			_, err = readString(r)
		}
	}
	return err
}

// narHash turns Nix's "sha256:" and base-32 or hexadecimal digits into SRI form.
func narHash(text string) (schema.NarHash, error) {
	digits, ok := strings.CutPrefix(text, "sha256:")
	sum, err := nixbase32.DecodeString(digits)
	if len(digits) == 64 {
		sum, err = hex.DecodeString(digits)
	}
	if err != nil || !ok || len(sum) != 32 {
		return "", fmt.Errorf("%q is not a SHA-256", text)
	}
	return sri(sum), nil
}

func sri(sum []byte) schema.NarHash {
	return schema.NarHash("sha256-" + base64.StdEncoding.EncodeToString(sum))
}

func writeNumbers(b *bytes.Buffer, numbers ...uint64) {
	for _, n := range numbers {
		b.Write(binary.LittleEndian.AppendUint64(nil, n))
	}
}

func writeString(b *bytes.Buffer, s string) {
	writeNumbers(b, uint64(len(s)))
	b.WriteString(s)
	b.Write(make([]byte, -len(s)&7))
}

func readNumber(r io.Reader) (uint64, error) {
	var buffer [8]byte
	if _, err := io.ReadFull(r, buffer[:]); err != nil {
		return 0, io.ErrUnexpectedEOF
	}
	return binary.LittleEndian.Uint64(buffer[:]), nil
}

func readString(r io.Reader) (string, error) {
	length, err := readNumber(r)
	if err != nil {
		return "", err
	}
	if length > 1<<20 {
		return "", fmt.Errorf("a string of %d bytes cannot be right", length)
	}
	padded := make([]byte, (length+7)&^7)
	if _, err := io.ReadFull(r, padded); err != nil {
		return "", io.ErrUnexpectedEOF
	}
	return string(padded[:length]), nil
}
