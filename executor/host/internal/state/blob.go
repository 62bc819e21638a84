package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/nixfleet/nixfleet/schema"
)

func blobName(digest schema.Digest) string { return filepath.Join("blobs", hexadecimal(digest)) }

// HasBlob reports whether content of that digest is kept. Spoilt content is as
// good as none: it will be asked for and replaced.
func (s *Store) HasBlob(digest schema.Digest) bool {
	_, err := s.Blob(digest)
	return err == nil
}

// Blob returns the content of that digest, checked.
func (s *Store) Blob(digest schema.Digest) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(s.dir, blobName(digest)))
	if err != nil {
		return nil, fmt.Errorf("cannot read the payload %s: %w", digest.Short(), err)
	}
	if found := schema.DigestOf(content); found != digest {
		return nil, fmt.Errorf("wrong content of %s/%s: expected %s, found %s", Directory, blobName(digest), digest, found)
	}
	return content, nil
}

// PutBlob keeps content under its digest, durably.
func (s *Store) PutBlob(content []byte) error {
	// If we crash here, the content is kept or not; what it is kept for has not begun.
	return s.write(blobName(schema.DigestOf(content)), content, 0o600)
}

// PutPayload keeps content that can be had again. It is not forced to the disk:
// whoever reads it checks its hash.
func (s *Store) PutPayload(content []byte) error {
	digest := schema.DigestOf(content)
	target := filepath.Join(s.dir, blobName(digest))
	// If we crash here, the payload is kept, spoilt or gone; the latter two are asked for again.
	return s.fault.Do("write "+blobName(digest), func() error {
		if err := s.makeRoom(target); err != nil {
			return err
		}
		temporary := filepath.Join(s.scratch(), hexadecimal(digest))
		if err := os.WriteFile(temporary, content, 0o600); err != nil {
			return errors.Join(fmt.Errorf("cannot keep the payload %s: %w", digest.Short(), err), os.Remove(temporary))
		}
		return os.Rename(temporary, target)
	})
}

// SyncBlobs makes payloads durable, all at once: what relies on them comes after.
func (s *Store) SyncBlobs(digests []schema.Digest) error {
	if len(digests) == 0 {
		return nil
	}
	// If we crash here, payloads are durable or not; nothing relies on them yet.
	return s.fault.Do("fsync blobs", func() error {
		for some := range slices.Chunk(digests, 32) {
			errs := make([]error, len(some))
			var group sync.WaitGroup
			for i, digest := range some {
				group.Go(func() { errs[i] = syncFile(s.Path(blobName(digest))) })
			}
			group.Wait()
			if err := errors.Join(errs...); err != nil {
				return err
			}
			for _, digest := range some {
				s.synced(s.Path(blobName(digest)))
			}
		}
		return s.syncDirectory(s.Path("blobs"))
	})
}

func syncFile(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// ReplaceHelper puts another helper in the place of this one.
func (s *Store) ReplaceHelper(binary []byte) error {
	// If we crash here, the old or the new helper is there, whole.
	return s.write("bin/nixfleet-host", binary, 0o755)
}
