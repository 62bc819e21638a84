package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

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

func generationName(generation int, file string) string {
	return filepath.Join("generations", strconv.Itoa(generation), file)
}

// Manifest returns the manifest that a generation is, where it is kept and has
// the expected digest; otherwise nil.
func (s *Store) Manifest(applied *schema.Applied) *schema.Manifest {
	if applied == nil {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(s.dir, generationName(applied.Generation, "manifest.json")))
	if err != nil || schema.DigestOf(data) != applied.Manifest {
		return nil
	}
	var manifest schema.Manifest
	if json.Unmarshal(data, &manifest) != nil {
		return nil
	}
	return &manifest
}

// SaveGeneration keeps a generation's manifest and its closure in canonical
// form, so that their hashes are the files' own.
func (s *Store) SaveGeneration(generation int, manifest *schema.Manifest, closure []schema.PathEntry) error {
	if closure == nil {
		closure = []schema.PathEntry{}
	}
	for file, value := range map[string]any{"manifest.json": manifest, "closure.json": closure} {
		data, err := schema.Canonical(value)
		if err != nil {
			return fmt.Errorf("internal error: cannot encode %s: %w", file, err)
		}
		// If we crash here, the state file still names the generation before.
		if err := s.write(generationName(generation, file), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// ReplaceHelper puts another helper in the place of this one.
func (s *Store) ReplaceHelper(binary []byte) error {
	// If we crash here, the old or the new helper is there, whole.
	return s.write("bin/nixfleet-host", binary, 0o755)
}
