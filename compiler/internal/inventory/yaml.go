package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// parseYAML reads the places of a YAML file's values and refuses what JSON
// cannot say or would say differently.
func parseYAML(data []byte, file string) (*node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) || err == nil && isEmpty(&document) {
		return nil, empty(file)
	} else if err != nil {
		return nil, yamlSyntax(data, file, err)
	}
	var second yaml.Node
	if err := decoder.Decode(&second); err == nil {
		return nil, diagnostic.List{{
			Code: diagnostic.InventoryDocuments, Severity: diagnostic.Error, Position: diagnostic.Position{File: file, Line: second.Line},
			Summary: "the inventory holds several YAML documents",
			Hint:    "an inventory is one document: remove the line ---, or make a file of each",
		}}
	} else if !errors.Is(err, io.EOF) {
		return nil, yamlSyntax(data, file, err)
	}
	reader := yamlReader{file: file, done: map[*yaml.Node]*node{}}
	tree := reader.node(document.Content[0])
	return tree, reader.found.Err()
}

func isEmpty(document *yaml.Node) bool {
	return len(document.Content) == 0 || document.Content[0].Tag == "!!null"
}

func empty(file string) error {
	return diagnostic.List{{
		Code: diagnostic.InventoryEmpty, Severity: diagnostic.Error, Position: diagnostic.Position{File: file},
		Summary: "the inventory is empty",
		Hint:    "it needs hosts at least:\nhosts:\n  web-1: { base: ubuntu, addr: 10.0.1.11 }",
	}}
}

var octalRE = regexp.MustCompile(`^[-+]?0[0-9_]+$`)

var yamlLineRE = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+)(?:, column (\d+))?: )?(.*)$`)

func yamlSyntax(data []byte, file string, err error) error {
	place := diagnostic.Position{File: file}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if match := yamlLineRE.FindStringSubmatch(text); match != nil {
		place.Line, _ = strconv.Atoi(match[1])
		place.Column, _ = strconv.Atoi(match[2])
		text = match[3]
	}
	if line, column := endOfSense(data, place.Line); line > 0 {
		place.Line, place.Column = line, column
	}
	finding := diagnostic.Diagnostic{
		Code: diagnostic.InventorySyntax, Severity: diagnostic.Error, Position: place,
		Summary: "cannot read the inventory as YAML: " + text,
	}
	if line := tabIndented(data); line > 0 {
		finding.Position = diagnostic.Position{File: file, Line: line, Column: 1}
		finding.Hint = "YAML is indented with spaces; this line has a tab"
	}
	return diagnostic.List{finding}
}

// tabIndented returns the first line that is indented with a tab; 0 where none is.
func tabIndented(data []byte) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
		if bytes.ContainsRune(indent, '\t') && len(indent) < len(line) {
			return i + 1
		}
	}
	return 0
}

type yamlReader struct {
	file  string
	done  map[*yaml.Node]*node
	found diagnostic.List
}

func (r *yamlReader) node(y *yaml.Node) *node {
	if y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	if n, ok := r.done[y]; ok {
		return n
	}
	n := &node{line: y.Line, column: y.Column}
	r.done[y] = n // before its parts: an alias may stand inside its own anchor
	switch y.Kind {
	case yaml.MappingNode:
		r.fields(n, y)
	case yaml.SequenceNode:
		n.items = make([]*node, 0, len(y.Content))
		for _, item := range y.Content {
			n.items = append(n.items, r.node(item))
		}
	case yaml.ScalarNode:
		r.scalar(y)
	}
	return n
}

func (r *yamlReader) fields(n *node, y *yaml.Node) {
	n.fields = map[string]*node{}
	first := map[string]*yaml.Node{}
	var merged []*node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], r.node(y.Content[i+1])
		if key.Tag == "!!merge" {
			merged = append(append(merged, value), value.items...)
			continue
		}
		if words[strings.ToLower(key.Value)] && key.Style == 0 {
			r.report(diagnostic.InventoryValue, key, fmt.Sprintf("YAML reads the key %s as true or false", key.Value), "write it in quotes")
		}
		if other := first[key.Value]; other != nil {
			r.report(diagnostic.InventoryDuplicateKey, key, fmt.Sprintf("the key %q stands twice: in line %d and in line %d", key.Value, other.Line, key.Line),
				"keep one of the two; two hosts need two names")
			continue
		}
		first[key.Value] = key
		n.fields[key.Value] = &node{key.Line, key.Column, value.fields, value.items}
	}
	for _, from := range merged {
		for name, field := range from.fields {
			if n.fields[name] == nil {
				n.fields[name] = field
			}
		}
	}
}

// words are what YAML 1.1, and so Jsonnet, takes for true or false.
var words = map[string]bool{"y": true, "yes": true, "on": true, "n": true, "no": true, "off": true, "true": true, "false": true}

// scalar refuses numbers that would come out as others: YAML 1.1 reads 0644 as
// octal, and Jsonnet has doubles only.
func (r *yamlReader) scalar(y *yaml.Node) {
	if y.Style != 0 || y.Tag != "!!int" && y.Tag != "!!float" {
		return
	}
	if octalRE.MatchString(y.Value) {
		r.report(diagnostic.InventoryValue, y, fmt.Sprintf("YAML reads %s as an octal number", y.Value), "write it in quotes, or without the zero before it")
		return
	}
	if y.Tag != "!!int" {
		return
	}
	if i, err := strconv.ParseInt(strings.ReplaceAll(y.Value, "_", ""), 0, 64); err != nil || i > 1<<53 || i < -1<<53 {
		r.report(diagnostic.InventoryValue, y, fmt.Sprintf("the number %s is too large to be exact", y.Value), "write it as a string, in quotes")
	}
}

func (r *yamlReader) report(code diagnostic.Code, at *yaml.Node, summary, hint string) {
	r.found = append(r.found, diagnostic.Diagnostic{
		Code: code, Severity: diagnostic.Error, Summary: summary, Hint: hint,
		Position: diagnostic.Position{File: r.file, Line: at.Line, Column: at.Column},
	})
}
