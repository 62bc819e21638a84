// Package staging keeps what waits to be put in place: written whole, with its owner
// and mode, on the file system where it belongs, so that a rename puts it there. The
// same directories keep what is replaced, for the way back.
package staging

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/schema"
)

// Item is a file, link or directory that waits to be put in place.
type Item struct {
	// Target is where it belongs.
	Target string
	// Payload, Source or Symlink is the content. Source is a file of the closure.
	Payload schema.Digest
	Source  string
	Symlink string
	// Directory says that it is one.
	Directory bool
	Owner     account.Ownership

	// Place is its staging directory, and Name its name there.
	Place, Name string

	content []byte
	size    int64
	// finished says that mode and owner are set already.
	finished bool
}

// Area is the staging directories of a transaction.
type Area struct {
	files *rooted.FS
	state *state.Store
	// known are the staging directories of the file systems that have one of their own.
	known []string
	items []*Item
	names map[string]bool
	open  map[string]*rooted.Place
	kept  int
}

// New returns an area with nothing in it.
func New(files *rooted.FS, state *state.Store, known []string) *Area {
	return &Area{files: files, state: state, known: known, names: map[string]bool{}, open: map[string]*rooted.Place{}}
}

// Add plans to stage an item.
func (a *Area) Add(it *Item) (err error) {
	switch {
	case it.Payload != "":
		it.content, err = a.state.Blob(it.Payload)
		it.size = int64(len(it.content))
	case it.Source != "":
		var entry rooted.Entry
		entry, err = a.files.Lookup(it.Source)
		it.size = entry.Size
	}
	if err != nil {
		return fmt.Errorf("cannot stage %s: %w", it.Target, err)
	}
	if it.Place, err = a.Need(it.Target); err != nil {
		return err
	}
	it.Name = stagedName(len(a.items), it.Target)
	a.items = append(a.items, it)
	return nil
}

// Need plans to have a staging directory for a path, and returns it.
func (a *Area) Need(target string) (string, error) {
	name, err := a.files.PlaceFor(target, a.known)
	if err == nil {
		a.names[name] = true
	}
	return name, err
}

// KeptName returns a name for what is kept.
func (a *Area) KeptName() string {
	a.kept++
	return fmt.Sprintf("kept-%04d", a.kept)
}

// Names returns the staging directories, sorted.
func (a *Area) Names() []string { return slices.Sorted(maps.Keys(a.names)) }

// CheckSpace refuses before the disk is full in the middle of the work.
func (a *Area) CheckSpace(free func(directory string) (int64, error)) error {
	const block, slack = 4096, 128 << 10
	need := map[string]int64{}
	for _, it := range a.items {
		need[it.Place] += (it.size/block + 2) * block
	}
	for _, name := range a.Names() {
		found, err := free(name)
		if err != nil {
			return err
		}
		if want := need[name] + slack; found < want {
			return fmt.Errorf("not enough space for staging in %s: expected %d free bytes, found %d", name, want, found)
		}
	}
	return nil
}

// Fill writes everything into the staging directories. When it returns, that is durable.
func (a *Area) Fill() error {
	accounts, err := account.Load(a.files)
	if err != nil {
		return err
	}
	for _, name := range a.Names() {
		place, err := a.files.OpenPlace(name)
		if err != nil {
			return err
		}
		a.open[name] = place
		if err := place.Reserve(); err != nil {
			return err
		}
	}
	for _, it := range a.items {
		if err := a.write(it, accounts); err != nil {
			return err
		}
	}
	return a.sync()
}

func (a *Area) write(it *Item, accounts *account.Database) error {
	place := a.open[it.Place]
	if it.Symlink != "" {
		it.finished = true
		return place.WriteSymlink(it.Name, it.Symlink)
	}
	var known *rooted.Meta
	if m, ok := it.Owner.Meta(accounts); ok {
		known, it.finished = &m, true
	}
	if it.Directory {
		if known == nil {
			known = &rooted.Meta{Mode: 0o700}
		}
		return place.MakeDirectory(it.Name, *known)
	}
	if it.Source == "" {
		return place.WriteFile(it.Name, bytes.NewReader(it.content), known)
	}
	file, err := a.files.OpenFile(it.Source)
	if err != nil {
		return err
	}
	defer file.Close()
	return place.WriteFile(it.Name, file, known)
}

// Finish gives mode and owner to what waited for its owner to exist.
func (a *Area) Finish() error {
	if !slices.ContainsFunc(a.items, func(it *Item) bool { return !it.finished }) {
		return nil
	}
	accounts, err := account.Load(a.files)
	if err != nil {
		return err
	}
	for _, it := range a.items {
		if it.finished {
			continue
		}
		m, ok := it.Owner.Meta(accounts)
		if !ok {
			return fmt.Errorf("cannot put %s in place: user %q or group %q does not exist", it.Target, it.Owner.Owner, it.Owner.Group)
		}
		if err := a.open[it.Place].Finish(it.Name, m); err != nil {
			return err
		}
		it.finished = true
	}
	return a.sync()
}

func (a *Area) sync() error {
	for _, name := range a.Names() {
		if err := a.open[name].Sync(); err != nil {
			return err
		}
	}
	return nil
}

// SyncNames makes the names of everything in the area durable.
func (a *Area) SyncNames() error {
	for _, name := range a.Names() {
		if err := a.open[name].SyncPlace(); err != nil {
			return err
		}
	}
	return nil
}

// Place returns a staging directory that was made before.
func (a *Area) Place(name string) (*rooted.Place, error) {
	if p := a.open[name]; p != nil {
		return p, nil
	}
	p, err := a.files.EnterPlace(name)
	if err == nil {
		a.open[name] = p
	}
	return p, err
}

// Close leaves all staging directories.
func (a *Area) Close() {
	for name, place := range a.open {
		place.Close()
		delete(a.open, name)
	}
}

const plainLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-"

// IsPlain reports whether a path needs no quotes for sh.
func IsPlain(name string) bool { return strings.Trim(name, plainLetters) == "" }

// stagedName returns the name of a file in its staging directory. It has the
// target's suffix: commands tell kinds of files by it.
func stagedName(number int, target string) string {
	suffix := path.Ext(target)
	if len(suffix) > 32 || !IsPlain(suffix) {
		suffix = ""
	}
	return fmt.Sprintf("%04d%s", number, suffix)
}
