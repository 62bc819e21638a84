package golden

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// Directory is a golden directory as it was found.
type Directory struct {
	name string
	// Unbuilt says that it was made without building.
	Unbuilt bool
	// found are the files that it holds and that were written here before.
	found Tree
	// listed are the files that were written here before, whether they are there or not.
	listed map[string]bool
	// foreign are what else is there.
	foreign []string
	// list is the list of files as it was found, and ours says that we wrote it.
	list []byte
	ours bool
}

const (
	listHead    = "# Written by `nixfleet golden --update`: the files here that are its own. Nothing else may be here.\n"
	listUnbuilt = "# Made with --no-build.\n"
)

// Read reads a golden directory; one that is not there is empty.
func Read(name string) (*Directory, error) {
	d := &Directory{name: name, found: Tree{}, listed: map[string]bool{contentsName: true}}
	root, err := os.OpenRoot(name)
	if errors.Is(err, os.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read golden directory %q: %w", name, err)
	}
	defer root.Close()
	if err := d.read(root); err != nil {
		return nil, fmt.Errorf("cannot read golden directory %q: %w", name, err)
	}
	return d, nil
}

func (d *Directory) read(root *os.Root) error {
	list, err := root.ReadFile(contentsName)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	d.readList(list)
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.IsDir() || name == contentsName:
			return err
		case !d.listed[name] && path.Base(name) != unfinished || !entry.Type().IsRegular():
			d.foreign = append(d.foreign, name)
			return nil
		}
		d.found[name], err = root.ReadFile(name)
		return err
	})
}

// readList takes the names of a list. Two branches' lists may have been merged line by
// line, marks of a conflict included: what either wrote is ours.
func (d *Directory) readList(list []byte) {
	d.list = list
	if !bytes.HasPrefix(list, []byte(listHead)) && !bytes.Contains(list, []byte("\n"+listHead)) {
		return // somebody else's file of that name
	}
	d.ours = true
	for line := range strings.Lines(string(list)) {
		switch name := strings.TrimRight(line, "\r\n"); {
		case line == listUnbuilt:
			d.Unbuilt = true
		case filepath.IsLocal(name) && path.Clean(name) == name && !strings.HasPrefix(name, "#"):
			d.listed[name] = true
		}
	}
}

// Empty reports whether nothing is there.
func (d *Directory) Empty() bool {
	return len(d.found) == 0 && len(d.foreign) == 0 && d.list == nil
}

// ErrForeign is of a directory that holds what is not of a golden.
var ErrForeign = errors.New("it holds what `nixfleet golden` did not write")

// CheckOwn tells whether the directory may be written.
func (d *Directory) CheckOwn() error {
	foreign := d.foreign
	if d.list != nil && !d.ours {
		foreign = append([]string{contentsName}, foreign...)
	}
	if len(foreign) == 0 {
		return nil
	}
	const most = 3
	named := fmt.Sprintf("%q", foreign[:min(len(foreign), most)])
	if more := len(foreign) - most; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	return schema.WithHint(fmt.Errorf("cannot keep a golden in %q: %w: %s", d.name, ErrForeign, named), "give it a directory of its own, or move them")
}

// listOf writes the list of a tree's files.
func listOf(names []string, unbuilt bool) []byte {
	var out bytes.Buffer
	out.WriteString(listHead)
	if unbuilt {
		out.WriteString(listUnbuilt)
	}
	for _, name := range names {
		out.WriteString(name + "\n")
	}
	return out.Bytes()
}

// Update makes the directory hold the tree, and returns what it changed. Files that
// were written here before and are not in the tree go; CheckOwn was asked before.
func (d *Directory) Update(tree Tree, unbuilt bool) ([]Change, error) {
	changes := d.Compare(tree, unbuilt)
	if len(changes) == 0 {
		return nil, nil
	}
	if err := os.MkdirAll(d.name, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make golden directory: %w", err)
	}
	root, err := os.OpenRoot(d.name)
	if err != nil {
		return nil, fmt.Errorf("cannot write golden directory %q: %w", d.name, err)
	}
	defer root.Close()
	if err := d.update(root, tree, unbuilt, changes); err != nil {
		return nil, fmt.Errorf("cannot write golden directory %q: %w", d.name, err)
	}
	return changes, nil
}

func (d *Directory) update(root *os.Root, tree Tree, unbuilt bool, changes []Change) error {
	every := maps.Clone(d.listed)
	for name := range tree {
		every[name] = true
	}
	delete(every, contentsName)
	// If we crash here, or anywhere below, the list names all that may be ours: the next
	// update goes on from it. Nothing is forced to the disk, as the fleet gives it again.
	if err := replace(root, contentsName, listOf(sortedKeys(every), unbuilt)); err != nil {
		return err
	}
	for _, change := range inOrder(changes) {
		err := error(nil)
		if change.New == nil {
			err = remove(root, change.Name)
		} else {
			err = replace(root, change.Name, change.New)
		}
		if err != nil {
			return err
		}
	}
	// If we crash here, the list names files that are gone, which is no harm.
	return replace(root, contentsName, listOf(sortedKeys(tree), unbuilt))
}

// inOrder puts files that go first: one of them may be where a directory comes. The
// list is written apart from them.
func inOrder(changes []Change) (ordered []Change) {
	for _, goes := range []bool{true, false} {
		for _, change := range changes {
			if (change.New == nil) == goes && change.Name != contentsName {
				ordered = append(ordered, change)
			}
		}
	}
	return ordered
}

// unfinished is the name of a file that is being written. One that is left is ours.
const unfinished = ".nixfleet-golden.new"

// replace writes a file under another name, and gives it its own in one step.
func replace(root *os.Root, name string, content []byte) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	written := path.Join(path.Dir(name), unfinished)
	if err := root.WriteFile(written, content, 0o644); err != nil {
		return errors.Join(err, root.Remove(written))
	}
	return root.Rename(written, name)
}

// remove removes a file, and the directories that are empty without it.
func remove(root *os.Root, name string) error {
	if err := root.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if root.Remove(dir) != nil {
			break // it holds something
		}
	}
	return nil
}

// names returns the names of both trees, sorted.
func names(a, b Tree) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
