// Package narsource reads the content of store paths, as NARs, from where the
// operator says: this machine's Nix store, a binary cache in a directory or on a
// web server. It runs no Nix and trusts no source: whoever streams a NAR on
// compares it with the plan.
package narsource

import (
	"context"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/nar"
	"github.com/nixfleet/nixfleet/schema"
)

// Source is where the content of store paths comes from. It is safe for use by
// many goroutines.
type Source interface {
	// Check says why the source cannot give the path; nil where it can. The error
	// names the path and what to type next.
	Check(ctx context.Context, path schema.StorePath) error
	// WriteNAR writes the path's NAR to w. What was written before an error is
	// worthless.
	WriteNAR(ctx context.Context, entry schema.PathEntry, w io.Writer) error
	// Substitutes says that hosts shall fetch by themselves: then the other methods
	// give nothing.
	Substitutes() bool
	// Close gives up what the source keeps for the run.
	Close()
}

// Substituters is the specification by which hosts fetch from their own substituters.
const Substituters = "substituters"

// Open returns the source of a specification: empty for this machine's Nix store,
// "substituters", a directory or file:// URL, or an http(s) URL of a binary cache.
func Open(spec string) (Source, error) {
	scheme, rest, isURL := strings.Cut(spec, "://")
	switch {
	case spec == "":
		return Local("/"), nil
	case spec == Substituters:
		return substituters{}, nil
	case isURL && scheme == "file":
		dir, err := url.PathUnescape(rest)
		if err != nil {
			return nil, fault.New(fault.Refused, "cannot read the closure source %q: %w", spec, err)
		}
		return openDirectory(spec, dir)
	case isURL && (scheme == "http" || scheme == "https"):
		return openWeb(spec)
	case isURL:
		return nil, fault.New(fault.Refused, "cannot use the closure source %q: expected a directory, a file://, http:// or https:// URL, or %q", spec, Substituters)
	}
	return openDirectory(spec, spec)
}

// Local returns the Nix store on this machine, with what stands before /nix/store:
// "/", unless the store is in a root of its own.
func Local(root string) Source { return &store{root} }

// store is a Nix store on this machine, whose files are read directly.
type store struct {
	root string
}

func (s *store) file(path schema.StorePath) string { return filepath.Join(s.root, string(path)) }

func (s *store) Check(_ context.Context, path schema.StorePath) error {
	if _, err := os.Lstat(s.file(path)); err != nil {
		return fault.New(fault.Refused, "this machine's Nix store lacks %s", path).
			WithHint("name a binary cache that has it: --closures DIRECTORY or URL; or let hosts fetch it: --closures %s", Substituters)
	}
	return nil
}

func (s *store) WriteNAR(ctx context.Context, entry schema.PathEntry, w io.Writer) error {
	return nar.Dump(ctx, w, s.file(entry.Path))
}

func (s *store) Substitutes() bool { return false }
func (s *store) Close()            {}

// substituters stands for those of the hosts.
type substituters struct{}

func (substituters) Check(_ context.Context, path schema.StorePath) error {
	return fault.New(fault.Refused, "the host's substituters lack %s", path).
		WithHint("push it to a cache that the host reads, or name another source with --closures")
}

func (s substituters) WriteNAR(ctx context.Context, entry schema.PathEntry, _ io.Writer) error {
	return s.Check(ctx, entry.Path)
}

func (substituters) Substitutes() bool { return true }
func (substituters) Close()            {}
