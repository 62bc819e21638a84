package narsource

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
)

// directory is a binary cache on this machine.
type directory struct{ root *os.Root }

func openDirectory(spec, dir string) (Source, error) {
	// The root keeps a narinfo from naming a file outside the cache.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fault.New(fault.Refused, "cannot open the closure source %q: %w", spec, err).
			WithHint("expected a binary cache's directory or URL, or %q", Substituters)
	}
	return openCache(dir, directory{root})
}

func (d directory) open(_ context.Context, name string) (io.ReadCloser, error) {
	return d.root.Open(filepath.FromSlash(name))
}

func (d directory) near() bool { return true }
func (d directory) close()     { d.root.Close() }
