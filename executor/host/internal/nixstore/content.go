package nixstore

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/nixfleet/nixfleet/schema"
)

// ContentHash returns the NAR hash of what really lies at a store path, whatever
// the store says it is. Root is "/" on a host.
func ContentHash(root string, path schema.StorePath) (schema.NarHash, error) {
	hash := sha256.New()
	n := narWriter{bufio.NewWriterSize(hash, 1<<16)}
	n.strings("nix-archive-1")
	if err := n.node(filepath.Join(root, string(path))); err != nil {
		return "", fmt.Errorf("cannot read %s: %w", path, err)
	}
	if err := n.w.Flush(); err != nil {
		return "", err
	}
	return sri(hash.Sum(nil)), nil
}

// narWriter writes Nix archives. Errors of the writer are its Flush's.
type narWriter struct{ w *bufio.Writer }

func (n narWriter) strings(list ...string) {
	for _, s := range list {
		n.length(int64(len(s)))
		n.w.WriteString(s)
		n.pad(int64(len(s)))
	}
}

func (n narWriter) length(size int64) {
	n.w.Write(binary.LittleEndian.AppendUint64(nil, uint64(size)))
}

func (n narWriter) pad(size int64) { n.w.Write(make([]byte, -size&7)) }

func (n narWriter) node(file string) error {
	info, err := os.Lstat(file)
	if err != nil {
		return err
	}
	n.strings("(", "type")
	switch {
	case info.Mode().IsRegular():
		err = n.regular(file, info)
	case info.IsDir():
		err = n.directory(file)
	case info.Mode()&os.ModeSymlink != 0:
		var target string
		target, err = os.Readlink(file)
		n.strings("symlink", "target", target)
	default:
		err = fmt.Errorf("%s is a special file", file)
	}
	n.strings(")")
	return err
}

func (n narWriter) regular(file string, info os.FileInfo) error {
	n.strings("regular")
	if info.Mode()&0o100 != 0 {
		n.strings("executable", "")
	}
	n.strings("contents")
	n.length(info.Size())
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	// Not more than was announced: what follows would be taken for structure.
	copied, err := io.Copy(n.w, io.LimitReader(f, info.Size()))
	if err == nil && copied != info.Size() {
		err = fmt.Errorf("%s shrinks while it is read", file)
	}
	n.pad(info.Size())
	return err
}

func (n narWriter) directory(dir string) error {
	entries, err := os.ReadDir(dir) // sorted by name, as archives are
	if err != nil {
		return err
	}
	n.strings("directory")
	for _, entry := range entries {
		n.strings("entry", "(", "name", entry.Name(), "node")
		if err := n.node(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
		n.strings(")")
	}
	return nil
}
