package nixstore

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// ErrNotThere says that a closure is not on the host yet.
var ErrNotThere = errors.New("it is not in the host's store")

// SourceFile returns the regular file that a source of the manifest stands for,
// links within the closure followed.
func SourceFile(files *rooted.FS, closure map[schema.StorePath]bool, source string) (string, error) {
	if p, ok := PathOf(source); !ok || !closure[p] {
		return "", fmt.Errorf("%s is not in the host's closure", source)
	}
	file, err := files.Resolve(source)
	if err != nil {
		return "", ErrNotThere
	}
	if p, ok := PathOf(file); !ok || !closure[p] {
		return "", fmt.Errorf("%s leads to %s, which is not in the host's closure", source, file)
	}
	entry, err := files.Lookup(file)
	if err != nil {
		return "", err
	}
	if entry.Kind != rooted.File {
		return "", fmt.Errorf("%s is a %s, expected a file", source, entry.Kind)
	}
	return file, nil
}

// PathOf returns the store path that name is in.
func PathOf(name string) (schema.StorePath, bool) {
	rest, ok := strings.CutPrefix(name, "/nix/store/")
	if !ok {
		return "", false
	}
	object, _, _ := strings.Cut(rest, "/")
	p, err := schema.ParseStorePath("/nix/store/" + object)
	return p, err == nil
}
