package inventory

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/go-jsonnet"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// evaluate returns the file's value as JSON. Jsonnet cannot be interrupted: on
// cancel its evaluation is left to itself, and its result is dropped.
func evaluate(ctx context.Context, dir fs.FS, name, shown string, data []byte) (json.RawMessage, error) {
	type outcome struct {
		value string
		err   error
	}
	done, stop := make(chan outcome, 1), make(chan struct{})
	defer close(stop)
	go func() {
		defer func() {
			if fault := recover(); fault != nil {
				done <- outcome{err: fmt.Errorf("internal error: %v", fault)}
			}
		}()
		vm := jsonnet.MakeVM()
		vm.Importer(&importer{dir: dir, top: name, shown: shown, cache: map[string]jsonnet.Contents{name: jsonnet.MakeContentsRaw(data)}})
		var out outcome
		if isYAML(name) {
			out.value, out.err = vm.EvaluateAnonymousSnippet(name, fmt.Sprintf("std.parseYaml(importstr %q)", name))
		} else {
			out.value, out.err = vm.EvaluateFile(name)
		}
		done <- out
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-memoryExceeded(stop):
		return nil, diagnostic.List{{
			Code: diagnostic.InventorySyntax, Severity: diagnostic.Error, Position: diagnostic.Position{File: shown},
			Summary: fmt.Sprintf("cannot evaluate the inventory: it takes more than %d GiB of memory", maxMemory>>30),
			Hint:    "look for a list or a text that grows without end",
		}}
	case out := <-done:
		if out.err != nil {
			return nil, jsonnetError(out.err, name, shown)
		}
		return json.RawMessage(strings.TrimSpace(out.value)), nil
	}
}

func isYAML(name string) bool { return path.Ext(name) != ".jsonnet" && path.Ext(name) != ".json" }

// onlyDocument takes the one document out of the list that std.parseYaml makes of
// a file with a line "---", comments before it counted as null.
func onlyDocument(value json.RawMessage) json.RawMessage {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) != nil {
		return value
	}
	var documents []json.RawMessage
	for _, item := range list {
		if !bytes.Equal(bytes.TrimSpace(item), []byte("null")) {
			documents = append(documents, item)
		}
	}
	if len(documents) != 1 {
		return value
	}
	return documents[0]
}

// importer serves imports from below one directory only, so that what an
// inventory says depends on the fleet's source alone.
type importer struct {
	dir        fs.FS
	top, shown string
	cache      map[string]jsonnet.Contents
}

// Import implements [jsonnet.Importer].
func (i *importer) Import(from, imported string) (jsonnet.Contents, string, error) {
	name := path.Join(path.Dir(from), imported)
	if path.IsAbs(imported) || name == ".." || strings.HasPrefix(name, "../") {
		return jsonnet.Contents{}, "", fmt.Errorf("cannot import %q: it lies outside the fleet", imported)
	}
	if contents, ok := i.cache[name]; ok {
		return contents, name, nil
	}
	data, err := readInside(i.dir, name)
	if err == nil {
		err = checkBounds(name, data)
	}
	if err != nil {
		return jsonnet.Contents{}, "", fmt.Errorf("cannot import %q: %w", imported, err)
	}
	i.cache[name] = jsonnet.MakeContentsRaw(data)
	return i.cache[name], name, nil
}

// readInside reads a file; dir, as [os.Root.FS] does, must refuse links that lead out.
func readInside(dir fs.FS, name string) ([]byte, error) { return fs.ReadFile(dir, name) }

var jsonnetPlaceRE = regexp.MustCompile(`(?m)(?:^|\s)([^\s:]+\.(?:jsonnet|libsonnet|json|yaml|yml)):\(?(\d+):(\d+)`)

// jsonnetError takes message and first place out of Jsonnet's error.
func jsonnetError(err error, name, shown string) error {
	text := strings.TrimSpace(err.Error())
	finding := diagnostic.Diagnostic{
		Code: diagnostic.InventorySyntax, Severity: diagnostic.Error, Position: diagnostic.Position{File: shown},
	}
	if match := jsonnetPlaceRE.FindStringSubmatch(text); match != nil {
		finding.Position.File = match[1]
		if match[1] == name {
			finding.Position.File = shown
		}
		finding.Position.Line, _ = strconv.Atoi(match[2])
		finding.Position.Column, _ = strconv.Atoi(match[3])
	}
	first, _, _ := strings.Cut(text, "\n")
	first = jsonnetPlaceRE.ReplaceAllString(strings.TrimPrefix(first, "RUNTIME ERROR: "), "")
	first = strings.TrimSpace(strings.TrimLeft(first, "-0123456789:() "))
	finding.Summary = "cannot evaluate the inventory: " + first
	switch {
	case strings.Contains(first, "outside the fleet"):
		finding.Code = diagnostic.InventoryImport
		finding.Hint = "move what is imported into the fleet: a plan is made of the fleet's source only"
	case strings.Contains(text, "Top-level function"):
		finding.Summary = "the inventory is a function, not a value"
	}
	return diagnostic.List{finding}
}
