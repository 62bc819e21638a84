package compiler

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"os"
	"sync"

	"github.com/nixfleet/nixfleet/compiler/internal/cache"
	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/compiler/internal/unitcheck"
	"github.com/nixfleet/nixfleet/schema"
)

// kept is a preview with what was found on the way, as the cache keeps it.
type kept struct {
	Found diagnostic.List `json:"found"`
	Plan  schema.Plan     `json:"plan"`
}

// preview makes the fleet's preview, or takes the one that was made of the very
// same before. It is nil where c.found tells why there is none.
func (c *compilation) preview(ctx context.Context) (*schema.Plan, error) {
	request, err := c.request()
	if err != nil {
		return nil, err
	}
	store := cache.Open(c.deps.CacheDir)
	key := ""
	if c.deps.CacheDir != "" {
		if key, err = c.cacheKey(request); err != nil {
			return nil, err
		}
		if data, ok := store.Get(key); ok {
			var entry kept
			if err := schema.DecodeKnown(data, &entry); err == nil && stillThere(&entry.Plan) {
				c.found = append(c.found, entry.Found...)
				return &entry.Plan, nil
			}
		}
	}
	before := len(c.found)
	preview, err := c.fresh(ctx, request)
	if err != nil || preview == nil || c.found.Failed() || key == "" {
		return preview, err
	}
	store.Put(key, func(to io.Writer) error {
		return schema.WriteCanonical(to, kept{Found: c.found[before:], Plan: *preview})
	})
	return preview, nil
}

// fresh evaluates and freezes.
func (c *compilation) fresh(ctx context.Context, request intent.Request) (*schema.Plan, error) {
	result, err := c.evaluate(ctx, request)
	if err != nil || result == nil {
		return nil, err
	}
	preview, err := c.freeze(result)
	if err != nil || preview == nil {
		return nil, err
	}
	return preview, c.checkUnits(ctx, result, preview)
}

// cacheKey is of all that a preview is made of. Where an input lies is not: it is
// its content that counts.
func (c *compilation) cacheKey(request intent.Request) (string, error) {
	program, err := self()
	if err != nil {
		return "", err
	}
	source, err := c.source.Identity()
	if err != nil {
		return "", err
	}
	asked := c.in.withoutPolicies()
	asked.Fleet, asked.Library, asked.Inputs, asked.NoBuild = "", nil, nil, false
	inputs := map[string]intent.Input{}
	for name, input := range request.Inputs {
		input.Path = ""
		inputs[name] = input
	}
	request.Inputs = inputs
	parts := [][]byte{program, c.nix.Identity(), unitcheck.Identity(), source, []byte(c.library.NarHash)}
	for _, part := range []any{asked, request, c.frozenSource()} {
		data, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		parts = append(parts, data)
	}
	return cache.Key(parts...), nil
}

// self is the hash of this program: another one may make another plan of the same.
var self = sync.OnceValues(func() ([]byte, error) {
	name, err := os.Executable()
	if err != nil {
		return nil, err
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	return hash.Sum(nil), err
})

// stillThere reports whether the derivations of a preview are in the store: a
// garbage collection may have been there since.
func stillThere(preview *schema.Plan) bool {
	seen := map[schema.StorePath]bool{}
	for _, manifest := range preview.Manifests {
		if manifest.Closure == nil || seen[manifest.Closure.Derivation] {
			continue
		}
		if _, err := os.Lstat(string(manifest.Closure.Derivation)); err != nil {
			return false
		}
		seen[manifest.Closure.Derivation] = true
	}
	return true
}
