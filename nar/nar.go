// Package nar writes NARs, byte for byte as Nix does: to lock the inputs of a fleet,
// to copy store paths, and to check them on a host. The writer of go-nix cannot be
// used: it fails on names that begin with two dots.
package nar

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/nix-community/go-nix/pkg/wire"
)

// Dump writes the NAR of a file, link or directory. It stops when ctx is done.
func Dump(ctx context.Context, w io.Writer, name string) error {
	d := &dumper{ctx: ctx, w: w}
	d.text("nix-archive-1")
	d.node(name)
	return d.err
}

// dumper keeps the first error, after which it does nothing more.
type dumper struct {
	ctx context.Context
	w   io.Writer
	err error
}

// buffers are those of files: a rollout writes the same paths to many hosts at once.
var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

func (d *dumper) text(words ...string) {
	for _, word := range words {
		if d.err == nil {
			d.err = wire.WriteString(d.w, word)
		}
	}
}

func (d *dumper) node(name string) {
	if d.err == nil {
		d.err = context.Cause(d.ctx)
	}
	if d.err != nil {
		return
	}
	info, err := os.Lstat(name)
	if err != nil {
		d.err = err
		return
	}
	d.text("(", "type")
	switch mode := info.Mode(); {
	case mode.IsRegular():
		d.text("regular")
		if mode&0o100 != 0 {
			d.text("executable", "")
		}
		d.text("contents")
		d.contents(name, info)
	case mode.IsDir():
		d.text("directory")
		d.entries(name)
	case mode&fs.ModeSymlink != 0:
		target, err := os.Readlink(name)
		if err != nil && d.err == nil {
			d.err = err
		}
		d.text("symlink", "target", target)
	default:
		d.err = fmt.Errorf("%s is neither a file nor a directory nor a symbolic link", name)
	}
	d.text(")")
}

// entries writes a directory's entries in byte order, which is how os.ReadDir sorts.
func (d *dumper) entries(name string) {
	entries, err := os.ReadDir(name)
	if err != nil && d.err == nil {
		d.err = err
	}
	for _, entry := range entries {
		d.text("entry", "(", "name", entry.Name(), "node")
		d.node(filepath.Join(name, entry.Name()))
		d.text(")")
	}
}

func (d *dumper) contents(name string, info fs.FileInfo) {
	if d.err != nil {
		return
	}
	file, err := os.Open(name)
	if err != nil {
		d.err = err
		return
	}
	defer file.Close()
	content, err := wire.NewBytesWriter(d.w, uint64(info.Size()))
	if err != nil {
		d.err = err
		return
	}
	buffer := buffers.Get().(*[16 << 10]byte)
	defer buffers.Put(buffer)
	// The wrappers keep io.CopyBuffer from going around the buffer. A file that is
	// shorter than it was is found by Close, one that is longer by Write.
	if _, d.err = io.CopyBuffer(struct{ io.Writer }{content}, struct{ io.Reader }{file}, buffer[:]); d.err != nil {
		return
	}
	if err := content.Close(); err != nil {
		d.err = fmt.Errorf("%s: %w", name, err)
	}
}
