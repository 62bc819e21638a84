// Package inventory reads a fleet's inventory file, in YAML, JSON or Jsonnet, and
// checks it against the published schema, with the place of every fault.
//
// Values come from go-jsonnet, which reads all three; positions come from a tree of
// nodes that is read beside it. The package reads below the directory it is given
// and nowhere else.
package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/bounded"
	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// Directory is where a fleet keeps its inventories.
const Directory = "inventory"

// Inventory is a checked inventory file.
type Inventory struct {
	// File is the file's name as messages call it.
	File string
	// Value is the content as JSON.
	Value json.RawMessage
	tree  *node
}

// Choose returns the inventory file of a fleet: the only one in its inventory
// directory, or the one that choice names, with or without its ending. It is
// empty where the fleet has no inventory file.
func Choose(fleet fs.FS, choice string) (string, error) {
	names, err := candidates(fleet)
	if err != nil {
		return "", fmt.Errorf("cannot list the fleet's inventories: %w", err)
	}
	if choice != "" {
		return chosen(names, choice)
	}
	if len(names) > 1 {
		return "", diagnostic.List{{
			Code: diagnostic.InventoryAmbiguous, Severity: diagnostic.Error, Position: diagnostic.Position{File: Directory},
			Summary: fmt.Sprintf("the fleet has %d inventories: %s", len(names), strings.Join(names, ", ")),
			Hint:    "choose one, as: --inventory " + strings.TrimSuffix(names[0], path.Ext(names[0])),
		}}
	}
	if len(names) == 0 {
		return "", nil
	}
	return path.Join(Directory, names[0]), nil
}

func candidates(fleet fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(fleet, Directory)
	if err != nil {
		if info, statErr := fs.Stat(fleet, Directory); statErr == nil && info.IsDir() {
			return nil, err
		}
		return nil, nil
	}
	var names []string
	for _, entry := range entries {
		if !entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && known(entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// known reports whether a file of that name is an inventory. A .libsonnet is
// what inventories import.
func known(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json", ".jsonnet"}, path.Ext(name))
}

func chosen(names []string, choice string) (string, error) {
	base := strings.TrimPrefix(choice, Directory+"/")
	var matches []string
	for _, name := range names {
		if name == base || strings.TrimSuffix(name, path.Ext(name)) == base {
			matches = append(matches, name)
		}
	}
	if len(matches) == 1 {
		return path.Join(Directory, matches[0]), nil
	}
	finding := diagnostic.Diagnostic{
		Code: diagnostic.InventoryMissing, Severity: diagnostic.Error, Position: diagnostic.Position{File: Directory},
		Summary: fmt.Sprintf("the fleet has no inventory %q", choice),
		Hint:    "put it in the fleet's directory inventory/ (in a git checkout: git add it)",
	}
	switch near := diagnostic.Nearest(base, names); {
	case len(matches) > 1:
		finding.Code = diagnostic.InventoryAmbiguous
		finding.Summary = fmt.Sprintf("%q names %d inventories: %s", choice, len(matches), strings.Join(matches, ", "))
		finding.Hint = "write the file's whole name"
	case near != "":
		finding.Hint = fmt.Sprintf("did you mean %q?", near)
	case len(names) > 0:
		finding.Hint = "there are: " + strings.Join(names, ", ")
	}
	return "", diagnostic.List{finding}
}

// Source is an inventory file.
type Source struct {
	// Root is the directory below which the file is and may import; links that lead out
	// of it are refused. It is empty for a file that came alone and imports nothing.
	Root string
	// Name is the file's name below Root, and Shown the one that messages use.
	Name, Shown string
	// Data is the content of a file that came alone.
	Data []byte `json:"-"`
}

// Load reads and checks an inventory. An inventory in Jsonnet is evaluated by run, which
// calls [Serve].
func Load(ctx context.Context, run bounded.Runner, source Source) (*Inventory, error) {
	data, err := source.read()
	if err == nil {
		err = checkBounds(source.Name, data)
	}
	if err != nil {
		return nil, source.fault("cannot read the inventory: "+err.Error(), "")
	}
	loaded := &Inventory{File: source.Shown}
	switch path.Ext(source.Name) {
	case ".json":
		loaded.tree, err = parseJSON(data, source.Shown)
	case ".jsonnet":
	default:
		loaded.tree, err = parseYAML(data, source.Shown)
	}
	if err != nil {
		return nil, err
	}
	if loaded.Value, err = source.evaluate(ctx, run, data); err != nil {
		return nil, err
	}
	if isYAML(source.Name) && loaded.tree.items == nil {
		loaded.Value = onlyDocument(loaded.Value)
	}
	if err := loaded.check(); err != nil {
		return nil, err
	}
	return loaded, nil
}

func (s Source) read() ([]byte, error) {
	if s.Root == "" {
		return s.Data, nil
	}
	root, err := os.OpenRoot(s.Root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return fs.ReadFile(root.FS(), s.Name)
}

func (s Source) fault(summary, hint string) error {
	return diagnostic.List{{
		Code: diagnostic.InventorySyntax, Severity: diagnostic.Error, Position: diagnostic.Position{File: s.Shown}, Summary: summary, Hint: hint,
	}}
}

// Locate returns where a field was written; the zero position where it was not.
// For Jsonnet only the file is known.
func (i *Inventory) Locate(field ...string) diagnostic.Position {
	if i == nil {
		return diagnostic.Position{}
	}
	if i.tree == nil {
		return diagnostic.Position{File: i.File}
	}
	found := i.tree.find(field)
	if found == nil {
		return diagnostic.Position{}
	}
	return diagnostic.Position{File: i.File, Line: found.line, Column: found.column}
}

// LocateHost returns where a field of a host was written, in the host itself or,
// where it says nothing, at the host.
func (i *Inventory) LocateHost(host string, field ...string) diagnostic.Position {
	if i == nil || i.tree == nil || i.tree.find([]string{"hosts", host}) == nil {
		return diagnostic.Position{}
	}
	return i.LocateNear(append([]string{"hosts", host}, field...)...)
}

// LocateNear returns where a field was written or, where it was not, the nearest
// thing around it that was.
func (i *Inventory) LocateNear(field ...string) diagnostic.Position {
	for n := len(field); n > 0; n-- {
		if place := i.Locate(field[:n]...); place.File != "" {
			return place
		}
	}
	return diagnostic.Position{}
}

// Path is how people write the path of a field.
func Path(field []string) string { return dotted(field) }
