package narsource

import (
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/ulikunitz/xz"
)

// files is where a binary cache's files are. A file that is not there is fs.ErrNotExist.
type files interface {
	open(ctx context.Context, name string) (io.ReadCloser, error)
	// near says that reading a file again for every host costs next to nothing.
	near() bool
	close()
}

// cache is a binary cache: for each path a <hash>.narinfo that names the NAR's file.
type cache struct {
	name  string // for people
	files files

	mu    sync.Mutex
	infos map[schema.StorePath]*once[narInfo]
	nars  map[schema.StorePath]*once[string]
	// spool is a directory for NARs that cost something to read; made when needed.
	spool string
	// unpacking bounds how many are decompressed at once: each takes some megabytes.
	unpacking chan struct{}
}

func openCache(name string, files files) (Source, error) {
	c := &cache{
		name: name, files: files,
		infos:     map[schema.StorePath]*once[narInfo]{},
		nars:      map[schema.StorePath]*once[string]{},
		unpacking: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	if err := c.checkInfo(); err != nil {
		files.close()
		return nil, err
	}
	return c, nil
}

const maxInfo = 1 << 20 // no narinfo comes near

// checkInfo reads nix-cache-info, which every binary cache has.
func (c *cache) checkInfo() error {
	data, err := c.read(context.Background(), "nix-cache-info")
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Refused, "%s is not a binary cache: expected a nix-cache-info in it, found none", c.name).
			WithHint("make one with: nixfleet build plan.json --to DIRECTORY, or nix copy --to file:///DIRECTORY PATH")
	}
	if err != nil {
		return fault.New(fault.Refused, "cannot read the binary cache %s: %w", c.name, err)
	}
	for line := range strings.Lines(string(data)) {
		if dir, ok := strings.CutPrefix(strings.TrimSpace(line), "StoreDir:"); ok && strings.TrimSpace(dir) != "/nix/store" {
			return fault.New(fault.Refused, "the binary cache %s is for another store: expected /nix/store, found %s", c.name, strings.TrimSpace(dir))
		}
	}
	return nil
}

func (c *cache) read(ctx context.Context, name string) ([]byte, error) {
	file, err := c.files.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxInfo))
}

// narInfo is what we need of a .narinfo; hash and size are the plan's.
type narInfo struct {
	url         string
	compression string
}

func (c *cache) info(ctx context.Context, path schema.StorePath) (narInfo, error) {
	return entry(&c.mu, c.infos, path).do(ctx, func() (narInfo, error) { return c.readInfo(ctx, path) })
}

func (c *cache) readInfo(ctx context.Context, path schema.StorePath) (narInfo, error) {
	hash := strings.TrimPrefix(string(path), "/nix/store/")[:32]
	data, err := c.read(ctx, hash+".narinfo")
	if errors.Is(err, fs.ErrNotExist) {
		return narInfo{}, fault.New(fault.Refused, "the binary cache %s lacks %s", c.name, path).
			WithHint("nix copy --to the cache what the plan was compiled with, or name another source with --closures")
	}
	if err != nil {
		return narInfo{}, fmt.Errorf("cannot read the binary cache %s: %w", c.name, err)
	}
	info := narInfo{compression: "bzip2"} // what an absent field means
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ": ")
		switch key {
		case "URL":
			info.url = value
		case "Compression":
			info.compression = value
		case "StorePath":
			if value != string(path) {
				return narInfo{}, fault.New(fault.Refused, "the binary cache %s is damaged: expected %s in %s.narinfo, found %s", c.name, path, hash, value)
			}
		}
	}
	if info.url == "" {
		return narInfo{}, fault.New(fault.Refused, "the binary cache %s is damaged: %s.narinfo names no file", c.name, hash)
	}
	return info, nil
}

// Check implements [Source].
func (c *cache) Check(ctx context.Context, path schema.StorePath) error {
	_, err := c.info(ctx, path)
	return err
}

// WriteNAR implements [Source].
func (c *cache) WriteNAR(ctx context.Context, want schema.PathEntry, w io.Writer) error {
	info, err := c.info(ctx, want.Path)
	if err != nil {
		return err
	}
	if info.compression == "none" && c.files.near() {
		return c.unpack(ctx, info, want, w)
	}
	name, err := entry(&c.mu, c.nars, want.Path).do(ctx, func() (string, error) { return c.toSpool(ctx, info, want) })
	if err != nil {
		return err
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}

// toSpool unpacks a NAR once for all hosts, into a file: their memory stays
// small, and a slow host keeps no decompressor busy.
func (c *cache) toSpool(ctx context.Context, info narInfo, want schema.PathEntry) (string, error) {
	select {
	case c.unpacking <- struct{}{}:
		defer func() { <-c.unpacking }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	dir, err := c.spoolDir()
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp(dir, "nar-")
	if err != nil {
		return "", err
	}
	defer file.Close()
	buffered := bufio.NewWriterSize(file, 256<<10)
	if err := c.unpack(ctx, info, want, buffered); err != nil {
		os.Remove(file.Name())
		return "", err
	}
	return file.Name(), errors.Join(buffered.Flush(), file.Close())
}

func (c *cache) spoolDir() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spool != "" {
		return c.spool, nil
	}
	dir, err := os.MkdirTemp("", "nixfleet-nars-")
	if err == nil {
		c.spool = dir
	}
	return dir, err
}

// unpack writes the NAR that a file of the cache holds, at most one byte more
// than the plan says: enough to see that it is too long.
func (c *cache) unpack(ctx context.Context, info narInfo, want schema.PathEntry, w io.Writer) error {
	file, err := c.files.open(ctx, info.url)
	if err != nil {
		return fmt.Errorf("cannot read %s of %s from the binary cache %s: %w", info.url, want.Path, c.name, err)
	}
	defer file.Close()
	nar, done, err := decompress(info.compression, file)
	if err != nil {
		return fmt.Errorf("cannot unpack %s of %s from the binary cache %s: %w", info.url, want.Path, c.name, err)
	}
	defer done()
	reading := &noted{r: nar}
	if _, err := io.Copy(w, io.LimitReader(reading, want.NarSize+1)); err != nil {
		if reading.err == nil {
			return err // the receiver's, not the cache's
		}
		return fmt.Errorf("cannot unpack %s of %s from the binary cache %s: %w", info.url, want.Path, c.name, err)
	}
	return nil
}

// noted remembers a reader's error, to tell it from a writer's.
type noted struct {
	r   io.Reader
	err error
}

func (n *noted) Read(p []byte) (int, error) {
	count, err := n.r.Read(p)
	if err != nil && err != io.EOF {
		n.err = err
	}
	return count, err
}

func decompress(kind string, r io.Reader) (nar io.Reader, done func(), err error) {
	done = func() {}
	switch kind {
	case "none":
		return r, done, nil
	case "xz":
		nar, err = xz.NewReader(bufio.NewReaderSize(r, 64<<10))
	case "zstd":
		var decoder *zstd.Decoder
		if decoder, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true)); err == nil {
			nar, done = decoder, decoder.Close
		}
	case "bzip2":
		nar = bzip2.NewReader(r)
	case "gzip":
		nar, err = gzip.NewReader(r)
	default:
		err = fmt.Errorf("expected compression none, xz, zstd, bzip2 or gzip, found %q", kind)
	}
	return nar, done, err
}

// Substitutes implements [Source].
func (c *cache) Substitutes() bool { return false }

// Close removes the spool.
func (c *cache) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spool != "" {
		os.RemoveAll(c.spool)
	}
	c.files.close()
}

// once is a value that is found once for all who ask; a failure that the asker's
// own end brought about is not kept for the others.
type once[T any] struct {
	turn  chan struct{} // holds one token
	done  bool
	value T
	err   error
}

func entry[T any](mu *sync.Mutex, table map[schema.StorePath]*once[T], path schema.StorePath) *once[T] {
	mu.Lock()
	defer mu.Unlock()
	if table[path] == nil {
		table[path] = &once[T]{turn: make(chan struct{}, 1)}
	}
	return table[path]
}

func (o *once[T]) do(ctx context.Context, find func() (T, error)) (T, error) {
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
	if !o.done {
		value, err := find()
		if ctx.Err() != nil {
			return value, err
		}
		o.value, o.err, o.done = value, err, true
	}
	return o.value, o.err
}
