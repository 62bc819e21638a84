package storecopy

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/narsource"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/schema"
)

// Stream is a serving store's standard input and output.
type Stream interface {
	io.ReadWriter
	// Close ends the server at once.
	Close()
	// Wait waits for the server's end and tells how it came.
	Wait(patience time.Duration) (transport.Exit, error)
}

// Copier fills one host's store. While it is open, the paths it asked for are
// safe from the host's garbage collector.
type Copier struct {
	host   string
	server *server
	stream Stream
	moved  atomic.Int64 // bytes, to tell slow from stuck
}

// How long nothing may move (the store may be waiting for a lock, or writing a
// large file to a slow disk), and how long a server that ended may take to say why.
const (
	stallPatience = 5 * time.Minute
	endPatience   = 5 * time.Second
)

// New returns a copier over the stream of a store that serves on a host.
func New(host string, stream Stream) *Copier {
	c := &Copier{host: host, stream: stream}
	c.server = newServer(&counted{stream, &c.moved})
	return c
}

// Close ends the server.
func (c *Copier) Close() { c.stream.Close() }

// Missing returns the entries that the host's store lacks, references first, and
// keeps the others from garbage collection. With substitute, the host fetches
// from its own substituters first.
func (c *Copier) Missing(ctx context.Context, closure []schema.PathEntry, substitute bool) ([]schema.PathEntry, error) {
	ctx, _, done := c.guard(ctx)
	defer done()
	valid, err := c.query(closure, substitute)
	if err != nil {
		return nil, c.explain(ctx, &waitError{fmt.Sprintf("cannot ask the Nix store of %s what it has", c.host), err})
	}
	var missing []schema.PathEntry
	for _, entry := range referencesFirst(closure) {
		if !valid[entry.Path] {
			missing = append(missing, entry)
		}
	}
	return missing, nil
}

func (c *Copier) query(closure []schema.PathEntry, substitute bool) (map[schema.StorePath]bool, error) {
	// A server that ended leaves the reason to be read, so the errors of writing
	// are not the ones to tell of.
	_ = c.server.writeGreeting()
	_ = c.server.writeQueryValid(closure, substitute)
	_ = c.server.w.Flush()
	if err := c.server.readGreeting(); err != nil {
		return nil, err
	}
	return c.server.readValid(len(closure))
}

// Copy sends the entries, which [Copier.Missing] returned, from a source. After an
// error the store holds some of them, each whole and as the plan says; that
// harms nothing. The error names the path.
func (c *Copier) Copy(ctx context.Context, source narsource.Source, missing []schema.PathEntry) error {
	ctx, cancel, done := c.guard(ctx)
	defer done()
	replies := make(chan error, 1)
	go func() {
		err := c.readReplies(missing)
		if err != nil {
			cancel(err) // no use in sending more
		}
		replies <- err
	}()
	err := c.sendAll(ctx, source, missing)
	var sink *sinkError
	if err != nil && !errors.As(err, &sink) && context.Cause(ctx) == nil {
		c.stream.Close() // the store must not take half a NAR for a whole one
		<-replies
		return err
	}
	return c.explain(ctx, <-replies)
}

func (c *Copier) readReplies(missing []schema.PathEntry) error {
	for _, entry := range missing {
		if err := c.server.readAdded(); err != nil {
			return &waitError{fmt.Sprintf("cannot copy %s to %s", entry.Path, c.host), err}
		}
	}
	return nil
}

// waitError is a failure to read a reply, with what it would have been the reply to.
type waitError struct {
	what string
	err  error
}

func (e *waitError) Error() string { return e.what + ": " + e.err.Error() }
func (e *waitError) Unwrap() error { return e.err }

func (c *Copier) sendAll(ctx context.Context, source narsource.Source, missing []schema.PathEntry) error {
	for _, entry := range missing {
		if err := c.send(ctx, source, entry); err != nil {
			return fmt.Errorf("cannot copy %s to %s: %w", entry.Path, c.host, err)
		}
	}
	return asSink(c.server.w.Flush())
}

// send streams one path.
//
// If we crash here, the host's store drops what it has of the path: it registers
// a path only after its last byte, with the right hash.
func (c *Copier) send(ctx context.Context, source narsource.Source, entry schema.PathEntry) error {
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(entry.NarHash), "sha256-"))
	if err != nil {
		return fmt.Errorf("wrong NAR hash in the plan: %w", err)
	}
	if err := c.server.writeAdd(entry, hex.EncodeToString(sum)); err != nil {
		return asSink(err)
	}
	checked := newChecked(c.server.w, entry)
	if err := source.WriteNAR(ctx, entry, checked); err != nil {
		return err
	}
	return checked.finish()
}

// sinkError is a failure to write to the host: its store ended, and its replies
// end with the reason.
type sinkError struct{ error }

func asSink(err error) error {
	if err == nil {
		return nil
	}
	return &sinkError{err}
}

// explain finds out why the server ended.
func (c *Copier) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, io.EOF) && !errors.Is(cause, io.ErrUnexpectedEOF) {
		return cause
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	exit, waitErr := c.stream.Wait(endPatience)
	if waitErr != nil {
		return waitErr
	}
	said := exit.Stderr
	if said == "" {
		said = fmt.Sprintf("exit status %d, and nothing on standard error", exit.Status)
	}
	what := "cannot copy to " + c.host
	var waited *waitError
	if errors.As(err, &waited) {
		what = waited.what
	}
	failed := fault.New(fault.Failed, "%s: its Nix store ended: %s", what, said)
	if strings.Contains(said, "No space left on device") {
		return failed.WithHint("make room in /nix on %s (nix-collect-garbage), then execute again", c.host)
	}
	return failed
}

// guard ends the stream when ctx is done or nothing moves any more, so that
// whoever reads or writes comes to an end.
func (c *Copier) guard(ctx context.Context) (guarded context.Context, cancel context.CancelCauseFunc, done func()) {
	ctx, cancel = context.WithCancelCause(ctx)
	stop := context.AfterFunc(ctx, c.stream.Close)
	last := c.moved.Load()
	var timer *time.Timer
	timer = time.AfterFunc(stallPatience, func() {
		if now := c.moved.Load(); now != last && ctx.Err() == nil {
			last = now
			timer.Reset(stallPatience)
			return
		}
		cancel(fault.New(fault.Failed, "the Nix store of %s took and gave nothing for %s", c.host, stallPatience))
	})
	return ctx, cancel, func() {
		stop()
		timer.Stop()
		cancel(nil)
	}
}

// counted counts the bytes of a stream.
type counted struct {
	stream io.ReadWriter
	moved  *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.stream.Read(p)
	c.moved.Add(int64(n))
	return n, err
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.stream.Write(p)
	c.moved.Add(int64(n))
	return n, err
}

// referencesFirst orders a closure so that each path comes after those it refers to.
func referencesFirst(closure []schema.PathEntry) []schema.PathEntry {
	index := make(map[schema.StorePath]int, len(closure))
	for i, entry := range closure {
		index[entry.Path] = i
	}
	ordered := make([]schema.PathEntry, 0, len(closure))
	visited := make([]bool, len(closure))
	var visit func(i int)
	visit = func(i int) {
		if visited[i] {
			return
		}
		visited[i] = true
		for _, ref := range closure[i].References {
			if j, ok := index[ref]; ok {
				visit(j)
			}
		}
		ordered = append(ordered, closure[i])
	}
	for i := range closure {
		visit(i)
	}
	return ordered
}
