package policy

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/google/go-jsonnet"
)

//go:embed lib
var library embed.FS

// libraryFiles are the files that policies may import beside those of the fleet.
var libraryFiles = map[string]string{
	"nixfleet/guardrails.libsonnet": "lib/guardrails.libsonnet",
}

// internalFiles are how policies are asked; only we import them.
var internalFiles = map[string]string{
	"nixfleet/internal/run.libsonnet":  "lib/run.libsonnet",
	"nixfleet/internal/view.libsonnet": "lib/view.libsonnet",
}

// importer serves imports from below the fleet's directory, links that lead out of it
// refused, and from the library.
type importer struct {
	root  *os.Root
	cache map[string]jsonnet.Contents
}

// What faults of imports are told apart by.
var (
	errOutside   = errors.New("it lies outside the fleet")
	errNoFile    = errors.New("the fleet has no such file")
	errNoLibrary = errors.New("the library has no such file; there is: nixfleet/guardrails.libsonnet")
)

// Import implements [jsonnet.Importer].
func (i *importer) Import(from, imported string) (jsonnet.Contents, string, error) {
	contents, name, err := i.find(from, imported)
	if err != nil {
		err = fmt.Errorf("cannot import %q: %w", imported, err)
	}
	return contents, name, err
}

func (i *importer) find(from, imported string) (jsonnet.Contents, string, error) {
	name, embedded := imported, ""
	isOurs := from == "" || strings.HasPrefix(from, "nixfleet/internal/")
	switch {
	case libraryFiles[imported] != "":
		embedded = libraryFiles[imported]
	case isOurs && internalFiles[imported] != "":
		embedded = internalFiles[imported]
	case strings.HasPrefix(imported, "nixfleet/"):
		return jsonnet.Contents{}, "", errNoLibrary
	default:
		name = path.Join(path.Dir(from), imported)
	}
	if contents, ok := i.cache[name]; ok {
		return contents, name, nil
	}
	var data []byte
	var err error
	if embedded != "" {
		data, err = library.ReadFile(embedded)
	} else {
		data, err = i.read(imported, name)
	}
	if err != nil {
		return jsonnet.Contents{}, "", err
	}
	i.cache[name] = jsonnet.MakeContentsRaw(data)
	return i.cache[name], name, nil
}

func (i *importer) read(imported, name string) ([]byte, error) {
	if path.IsAbs(imported) || name == ".." || strings.HasPrefix(name, "../") {
		return nil, errOutside
	}
	data, err := fs.ReadFile(i.root.FS(), name)
	var fault *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %q", errNoFile, name)
	case errors.As(err, &fault) && strings.Contains(fault.Err.Error(), "escapes"):
		return nil, fmt.Errorf("%w: %q is a link that leads there", errOutside, name)
	case errors.As(err, &fault):
		return nil, fmt.Errorf("cannot read %q: %w", name, fault.Err)
	}
	return data, err
}
