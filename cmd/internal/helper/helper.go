// Package helper carries the nixfleet-host binaries that plans name and
// executions put on hosts. `make build` writes them, compressed, into bin/ before
// it builds the commands; a build without them works but cannot execute.
package helper

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

//go:embed all:bin
var files embed.FS

// Systems are the systems that hosts may have.
var Systems = []schema.System{schema.X8664Linux, schema.AArch64Linux}

// Digests returns the hash of each system's binary, as `make build` noted them.
func Digests() (map[schema.System]schema.Digest, error) {
	digests := map[schema.System]schema.Digest{}
	for _, system := range Systems {
		text, err := files.ReadFile("bin/nixfleet-host-" + string(system) + ".sha256")
		if err != nil {
			return nil, missing(system)
		}
		var digest schema.Digest
		if err := digest.UnmarshalText([]byte("sha256:" + strings.TrimSpace(string(text)))); err != nil {
			return nil, fmt.Errorf("internal error: helper for %s: %w", system, err)
		}
		digests[system] = digest
	}
	return digests, nil
}

// Binary returns the helper for a system.
func Binary(system schema.System) ([]byte, error) {
	packed, err := files.ReadFile("bin/nixfleet-host-" + string(system) + ".gz")
	if err != nil {
		return nil, missing(system)
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("internal error: helper for %s: %w", system, err)
	}
	return io.ReadAll(reader)
}

func missing(system schema.System) error {
	return schema.WithHint(fmt.Errorf("this nixfleet was built without the helper for %s", system), "build it with `make build`")
}
