package transaction

import (
	"fmt"

	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// editsDirectory holds what people have edited by hand and a change has replaced.
const editsDirectory = "edits"

// keepEdit keeps a copy of a file that was edited by hand and is about to go.
func (a *applying) keepEdit(name string, found rooted.Entry) error {
	if a.record.Edits == "" {
		a.record.Edits = a.editsName("")
	}
	if err := a.copyTo(a.record.Edits, name, found); err != nil {
		return err
	}
	a.tell(protocol.Event{Note: fmt.Sprintf("%s was edited by hand; the edited copy is %s/%s%s", name, state.Directory, a.record.Edits, name)})
	return nil
}

func (t *transaction) editsName(suffix string) string {
	return editsDirectory + "/" + t.date().Format("20060102T150405Z") + "-" + t.order.ID + suffix
}

// keepAside keeps a copy of what somebody has put where something must come back.
func (t *transaction) keepAside(name string, found rooted.Entry) error {
	if !found.Removable() {
		return fmt.Errorf("cannot bring %s back: it is a %s now", name, found.Kind)
	}
	dir := t.editsName("-meanwhile")
	if err := t.copyTo(dir, name, found); err != nil {
		return err
	}
	t.remark(fmt.Sprintf("%s was changed by somebody while we worked; that copy is %s/%s%s", name, state.Directory, dir, name))
	return nil
}

func (t *transaction) copyTo(dir, name string, found rooted.Entry) error {
	if found.Kind == rooted.Symlink {
		// If we crash here, the copy is there or not; what it is of is still in place.
		return t.State.Link(dir+name, found.Target)
	}
	content, err := t.Files.Read(name)
	if err != nil {
		return err
	}
	// If we crash here, the copy is there or not; what it is of is still in place.
	return t.State.Write(dir+name, content)
}

// collectEdits forgets all but the last edits.
func (t *transaction) collectEdits() error {
	names, err := t.State.Names(editsDirectory)
	if err != nil {
		return err
	}
	for _, name := range names[:max(0, len(names)-keptEdits)] { // they begin with the time
		// If we crash here, the next transaction removes the rest.
		if err := t.State.Remove(editsDirectory + "/" + name); err != nil {
			return err
		}
	}
	return nil
}
