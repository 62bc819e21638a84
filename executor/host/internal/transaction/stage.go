package transaction

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// stage is everything that waits in staging directories.
type stage struct {
	items    []*item
	byTarget map[string]*item
}

// item is a file, link or directory that waits to be put in place.
type item struct {
	target  string
	name    string // in the staging directory
	place   string
	content []byte
	source  string // a file of the closure, instead of content
	size    int64
	symlink string
	// directory says that it is one.
	directory bool
	owner     inspect.Ownership
	// finished says that mode and owner are set already.
	finished bool
}

// keepOriginals keeps the content of files that are about to be adopted.
func (a *applying) keepOriginals() error {
	for _, step := range a.work.Files {
		original := a.work.Owned.Files[step.Do.Path]
		if _, owned := a.goal.State.Owned.Files[step.Do.Path]; owned || original.Content == "" {
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
	for _, step := range a.work.Removals {
		original := step.Do.Original
		if original.Content == "" && original.Symlink == "" {
			continue
		}
		it := &item{target: step.Do.Path, symlink: original.Symlink,
			owner: inspect.Ownership{Mode: original.Mode.Bits(), UID: original.UID, GID: original.GID}}
		if err := a.addItem(it, original.Content, ""); err != nil {
			return err
		}
	}
	for _, step := range a.work.Files {
		it := &item{target: step.Do.Path, symlink: step.Do.Symlink, owner: step.Do.Owner}
		if err := a.addItem(it, step.Do.Payload, step.Do.Source); err != nil {
			return err
		}
	}
	for _, step := range a.work.Directories {
		if !step.Do.Create {
			continue
		}
		if err := a.addItem(&item{target: step.Do.Path, directory: true, owner: step.Do.Owner}, "", ""); err != nil {
			return err
		}
	}
	if err := a.planPlaces(); err != nil {
		return err
	}
	closure := a.order.Manifest.Closure
	a.record.Rooted = a.work.Profile != nil && closure != nil
	return a.checkSpace()
}

// planPlaces finds out which staging directories are needed: for what is put in
// place, and for keeping what goes.
func (a *applying) planPlaces() error {
	places := map[string]bool{}
	for _, it := range a.stage.items {
		places[it.place] = true
	}
	var names []string
	for _, step := range a.work.Removals {
		names = append(names, step.Do.Path)
	}
	for _, step := range a.work.Emptied {
		names = append(names, step.Do)
	}
	for _, name := range names {
		place, err := a.Files.PlaceFor(name)
		if err != nil {
			return err
		}
		places[place] = true
	}
	a.record.Places = slices.Sorted(maps.Keys(places))
	return nil
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
	return nil
}

func (a *applying) findSource(source string) (file string, size int64, err error) {
	if file, err = inspect.SourceFile(a.Files, a.goal.Closure, source); err != nil {
		return "", 0, err
	}
	entry, err := a.Files.Lookup(file)
	return file, entry.Size, err
}

// checkSpace refuses before the disk is full in the middle of the work.
func (a *applying) checkSpace() error {
	const block, slack = 4096, 128 << 10
	need := map[string]int64{}
	for _, it := range a.stage.items {
		need[it.place] += (it.size/block + 2) * block
	}
	for _, place := range a.record.Places {
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
	if err := a.State.Reserve(Name(a.order.ID, "reserve"), stateReserve); err != nil {
		return err
	}
	for _, name := range a.record.Places {
		if a.places[name], err = a.Files.OpenPlace(name); err != nil {
			delete(a.places, name)
			return err
		}
		if err := a.places[name].Reserve(); err != nil {
			return err
		}
	}
	for _, it := range a.stage.items {
		if err := it.write(a.places[it.place], accounts, a.Files); err != nil {
			return err
		}
	}
	return a.syncPlaces()
}

// stateReserve is kept free for the verdict and what goes with it.
const stateReserve = 256 << 10

// syncPlaces makes everything staged durable.
func (t *transaction) syncPlaces() error {
	for _, name := range t.record.Places {
		if err := t.places[name].Sync(); err != nil {
			return err
		}
	}
	return nil
}

func (it *item) write(place *rooted.Place, accounts *account.Database, files *rooted.FS) error {
	if it.symlink != "" {
		it.finished = true
		return place.WriteSymlink(it.name, it.symlink)
	}
	var known *rooted.Meta
	if m, ok := meta(it.owner, accounts); ok {
		known, it.finished = &m, true
	}
	if it.directory {
		if known == nil {
			known = &rooted.Meta{Mode: 0o700}
		}
		return place.MakeDirectory(it.name, *known)
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
func (s *stage) finish(t *transaction) error {
	if !slices.ContainsFunc(s.items, func(it *item) bool { return !it.finished }) {
		return nil
	}
	accounts, err := account.Load(t.Files)
	if err != nil {
		return err
	}
	for _, it := range s.items {
		if it.finished {
			continue
		}
		m, ok := meta(it.owner, accounts)
		if !ok {
			return fmt.Errorf("cannot put %s in place: user %q or group %q does not exist", it.target, it.owner.Owner, it.owner.Group)
		}
		if err := t.places[it.place].Finish(it.name, m); err != nil {
			return err
		}
		it.finished = true
	}
	return t.syncPlaces()
}

// item returns what was staged for a path: a directory, or something else, which
// may go at the same time.
func (s *stage) item(target string, directory bool) *item {
	if s.byTarget == nil {
		s.byTarget = map[string]*item{}
		for _, it := range s.items {
			s.byTarget[key(it.target, it.directory)] = it
		}
	}
	return s.byTarget[key(target, directory)]
}

func key(target string, directory bool) string {
	if directory {
		return target + "/"
	}
	return target
}
