package nixstore

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"

	"github.com/nixfleet/nixfleet/nar"
	"github.com/nixfleet/nixfleet/schema"
)

// ContentHash returns the NAR hash of what really lies at a store path, whatever
// the store says it is. Root is "/" on a host.
func ContentHash(ctx context.Context, root string, path schema.StorePath) (schema.NarHash, error) {
	hash := sha256.New()
	buffered := bufio.NewWriterSize(hash, 1<<16)
	if err := nar.Dump(ctx, buffered, filepath.Join(root, string(path))); err != nil {
		return "", fmt.Errorf("cannot read %s: %w", path, err)
	}
	if err := buffered.Flush(); err != nil {
		return "", err
	}
	return sri(hash.Sum(nil)), nil
}
