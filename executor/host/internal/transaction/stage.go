package transaction

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// stage is everything that waits in staging directories.
type stage struct {
	items  []*item
	places map[string]*rooted.Place
}

// item is a file or link that waits to be put in place.
type item struct {
	target  string
	name    string // in the staging directory
	place   string
	content []byte
	source  string // a file of the closure, instead of content
	size    int64
	symlink string
	owner   inspect.Ownership
	replace bool
	// finished says that mode and owner are set already.
	finished bool
}

func (s *stage) directories() []string {
	var names []string
	for name := range s.places {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s *stage) close() {
	for name, place := range s.places {
		if place != nil {
			place.Close()
			s.places[name] = nil
		}
	}
}

// remove removes the staging directories.
func (s *stage) remove(files *rooted.FS) error {
	for _, name := range s.directories() {
		if err := files.RemovePlace(name); err != nil {
			return err
		}
	}
	return nil
}

// keepOriginals keeps the content of files that are about to be adopted.
func (a *applying) keepOriginals() error {
	for _, step := range a.work.Files {
		original := a.work.Owned.Files[step.Do.Path]
		if _, owned := a.before.Owned.Files[step.Do.Path]; owned || original.Content == "" {
			continue
		}
		content, err := a.Files.Read(step.Do.Path)
		if err != nil {
			return err
		}
		if found := schema.DigestOf(content); found != original.Content {
			return fmt.Errorf("cannot adopt %s: it changes while we look", step.Do.Path)
		}
		if err := a.State.PutBlob(content); err != nil {
			return err
		}
	}
	return nil
}

// planStage collects what must be staged and where, and checks that there is room.
func (a *applying) planStage() error {
	a.stage.places = map[string]*rooted.Place{}
	for _, step := range a.work.Removals {
		original := step.Do.Original
		if original.Content == "" && original.Symlink == "" {
			continue
		}
		it := &item{target: step.Do.Path, symlink: original.Symlink, replace: true,
			owner: inspect.Ownership{Mode: original.Mode.Bits(), UID: original.UID, GID: original.GID}}
		if err := a.addItem(it, original.Content, ""); err != nil {
			return err
		}
	}
	for _, step := range a.work.Files {
		it := &item{target: step.Do.Path, symlink: step.Do.Symlink, owner: step.Do.Owner, replace: step.Do.Replace}
		if err := a.addItem(it, step.Do.Payload, step.Do.Source); err != nil {
			return err
		}
	}
	for _, step := range a.work.Directories {
		if step.Do.Create {
			place, err := a.Files.PlaceFor(step.Do.Path)
			if err != nil {
				return err
			}
			a.stage.places[place] = nil
		}
	}
	return a.checkSpace()
}

func (a *applying) addItem(it *item, payload schema.Digest, source string) (err error) {
	switch {
	case payload != "":
		it.content, err = a.State.Blob(payload)
		it.size = int64(len(it.content))
	case source != "":
		it.source, it.size, err = a.findSource(source)
	}
	if err != nil {
		return fmt.Errorf("cannot stage %s: %w", it.target, err)
	}
	if it.place, err = a.Files.PlaceFor(it.target); err != nil {
		return err
	}
	it.name = stagedName(len(a.stage.items), it.target)
	a.stage.items = append(a.stage.items, it)
	a.stage.places[it.place] = nil
	return nil
}

func (a *applying) findSource(source string) (file string, size int64, err error) {
	if file, err = inspect.SourceFile(a.Files, a.Closure, source); err != nil {
		return "", 0, err
	}
	entry, err := a.Files.Lookup(file)
	return file, entry.Size, err
}

// checkSpace refuses before the disk is full in the middle of the work.
func (a *applying) checkSpace() error {
	const block, slack = 4096, 64 << 10
	need := map[string]int64{}
	for _, it := range a.stage.items {
		need[it.place] += (it.size/block + 2) * block
	}
	for _, place := range a.stage.directories() {
		free, err := a.Free(place)
		if err != nil {
			return err
		}
		if want := need[place] + slack; free < want {
			return fmt.Errorf("not enough space for staging in %s: expected %d free bytes, found %d", place, want, free)
		}
	}
	return nil
}

// fillStage writes everything into the staging directories.
func (a *applying) fillStage() error {
	accounts, err := account.Load(a.Files)
	if err != nil {
		return err
	}
	for _, name := range a.stage.directories() {
		if a.stage.places[name], err = a.Files.OpenPlace(name); err != nil {
			return err
		}
	}
	for _, it := range a.stage.items {
		if err := a.stage.write(it, accounts, a.Files); err != nil {
			return err
		}
	}
	return a.stage.sync()
}

// sync makes everything staged durable.
func (s *stage) sync() error {
	for _, name := range s.directories() {
		if err := s.places[name].Sync(); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) write(it *item, accounts *account.Database, files *rooted.FS) error {
	place := s.places[it.place]
	if it.symlink != "" {
		it.finished = true
		return place.WriteSymlink(it.name, it.symlink)
	}
	var known *rooted.Meta
	if m, ok := meta(it.owner, accounts); ok {
		known, it.finished = &m, true
	}
	if it.source == "" {
		return place.WriteFile(it.name, bytes.NewReader(it.content), known)
	}
	file, err := files.OpenFile(it.source)
	if err != nil {
		return err
	}
	defer file.Close()
	return place.WriteFile(it.name, file, known)
}

// finish gives mode and owner to what waited for its owner to exist.
func (s *stage) finish(accounts *account.Database) error {
	waited := false
	for _, it := range s.items {
		if it.finished {
			continue
		}
		m, ok := meta(it.owner, accounts)
		if !ok {
			return fmt.Errorf("cannot put %s in place: user %q or group %q does not exist", it.target, it.owner.Owner, it.owner.Group)
		}
		if err := s.places[it.place].Finish(it.name, m); err != nil {
			return err
		}
		it.finished, waited = true, true
	}
	if !waited {
		return nil
	}
	return s.sync()
}

// item returns what was staged for a path.
func (s *stage) item(target string) *item {
	i := slices.IndexFunc(s.items, func(it *item) bool { return it.target == target })
	if i < 0 {
		return nil
	}
	return s.items[i]
}
