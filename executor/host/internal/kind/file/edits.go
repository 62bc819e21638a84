package file

import (
	"fmt"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/state"
)

// EditsDirectory holds what people have edited by hand and a change has replaced.
const EditsDirectory = "edits"

// keepEdit keeps a copy of a file that was edited by hand and is about to go.
func keepEdit(site *kind.Site, name string, found rooted.Entry) error {
	if site.Edits == "" {
		site.Edits = editsName(site, "")
	}
	if err := copyTo(site, site.Edits, name, found); err != nil {
		return err
	}
	site.Note(fmt.Sprintf("%s was edited by hand; the edited copy is %s/%s%s", name, state.Directory, site.Edits, name))
	return nil
}

func editsName(site *kind.Site, suffix string) string {
	return EditsDirectory + "/" + site.Date().Format("20060102T150405Z") + "-" + site.Transaction + suffix
}

// keepAside keeps a copy of what a person has put where something must come back.
func keepAside(site *kind.Site, name string, found rooted.Entry) error {
	if !found.Removable() {
		return fmt.Errorf("cannot bring %s back: it is a %s now", name, found.Kind)
	}
	dir := editsName(site, "-meanwhile")
	if err := copyTo(site, dir, name, found); err != nil {
		return err
	}
	site.Remark(fmt.Sprintf("%s was changed by somebody while we worked; that copy is %s/%s%s", name, state.Directory, dir, name))
	return nil
}

func copyTo(site *kind.Site, dir, name string, found rooted.Entry) error {
	if found.Kind == rooted.Symlink {
		// If we crash here, the copy is there or not; what it is of is still in place.
		return site.State.Link(dir+name, found.Target)
	}
	content, err := site.Files.Read(name)
	if err != nil {
		return err
	}
	// If we crash here, the copy is there or not; what it is of is still in place.
	return site.State.Write(dir+name, content)
}

// keptEdits is for how many transactions edits are kept.
const keptEdits = 10

// CollectEdits forgets all but the last edits.
func CollectEdits(store *state.Store) error {
	names, err := store.Names(EditsDirectory)
	if err != nil {
		return err
	}
	for _, name := range names[:max(0, len(names)-keptEdits)] { // they begin with the time
		// If we crash here, the next transaction removes the rest.
		if err := store.Remove(EditsDirectory + "/" + name); err != nil {
			return err
		}
	}
	return nil
}
