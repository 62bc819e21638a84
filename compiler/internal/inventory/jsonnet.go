package inventory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/go-jsonnet"

	"github.com/nixfleet/nixfleet/compiler/internal/bounded"
	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// request is what the process that evaluates Jsonnet gets, as JSON.
type request struct {
	Source Source
	Data   string
}

// reply is its answer.
type reply struct {
	Value json.RawMessage
	Fault *diagnostic.Diagnostic
}

// evaluate returns the value of the source as JSON. A program in Jsonnet may loop or
// take all memory, so run has it evaluated elsewhere; data cannot do that.
func (s Source) evaluate(ctx context.Context, run bounded.Runner, data []byte) (json.RawMessage, error) {
	if path.Ext(s.Name) != ".jsonnet" {
		return s.valueOf(nil, data)
	}
	asked, err := json.Marshal(request{s, string(data)})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = run(ctx, asked, &out)
	var exceeded *bounded.Exceeded
	switch {
	case errors.As(err, &exceeded):
		return nil, s.fault("cannot evaluate the inventory: "+exceeded.Error(), exceeded.Hint())
	case errors.Is(err, bounded.ErrEnded):
		return nil, s.fault("cannot evaluate the inventory: "+err.Error(), "")
	case err != nil:
		return nil, err
	}
	var answer reply
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		return nil, fmt.Errorf("cannot read the value of the inventory: %w", err)
	}
	if answer.Fault != nil {
		return nil, diagnostic.List{*answer.Fault}
	}
	return answer.Value, nil
}

// Serve evaluates the inventory that it reads from in and answers on out.
func Serve(in io.Reader, out io.Writer) error {
	var asked request
	if err := json.NewDecoder(in).Decode(&asked); err != nil {
		return fmt.Errorf("cannot read what to evaluate: %w", err)
	}
	var dir fs.FS
	if asked.Source.Root != "" {
		root, err := os.OpenRoot(asked.Source.Root)
		if err != nil {
			return fmt.Errorf("cannot open the fleet: %w", err)
		}
		defer root.Close()
		dir = root.FS()
	}
	var answer reply
	value, err := asked.Source.valueOf(dir, []byte(asked.Data))
	if list, ok := diagnostic.Of(err); ok {
		answer.Fault = &list[0]
	} else if err != nil {
		return err
	}
	answer.Value = value
	return json.NewEncoder(out).Encode(answer)
}

// valueOf evaluates the source in this process.
func (s Source) valueOf(dir fs.FS, data []byte) (json.RawMessage, error) {
	vm := jsonnet.MakeVM()
	vm.Importer(&importer{dir: dir, cache: map[string]jsonnet.Contents{s.Name: jsonnet.MakeContentsRaw(data)}})
	vm.SetTraceOut(io.Discard)
	var value string
	var err error
	if isYAML(s.Name) {
		value, err = vm.EvaluateAnonymousSnippet(s.Name, fmt.Sprintf("std.parseYaml(importstr %q)", s.Name))
	} else {
		value, err = vm.EvaluateFile(s.Name)
	}
	if err != nil {
		return nil, jsonnetError(err, s.Name, s.Shown)
	}
	return json.RawMessage(strings.TrimSpace(value)), nil
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
	dir   fs.FS // nil for a file that came alone
	cache map[string]jsonnet.Contents
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
	if i.dir == nil {
		return jsonnet.Contents{}, "", fmt.Errorf("cannot import %q: an inventory that came with --input is one file and imports nothing", imported)
	}
	data, err := fs.ReadFile(i.dir, name)
	if err == nil {
		err = checkBounds(name, data)
	}
	if err != nil {
		return jsonnet.Contents{}, "", fmt.Errorf("cannot import %q: %w", imported, err)
	}
	i.cache[name] = jsonnet.MakeContentsRaw(data)
	return i.cache[name], name, nil
}

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
	case strings.Contains(first, "max stack frames exceeded"):
		finding.Summary = fmt.Sprintf("cannot evaluate the inventory: more than %d calls are in each other", maxDepth)
		finding.Hint = "look for a function that calls itself without end"
	case strings.Contains(text, "Top-level function"):
		finding.Summary = "the inventory is a function, not a value"
	}
	return diagnostic.List{finding}
}
