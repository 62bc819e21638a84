package host

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// events is the file of a transaction that keeps its events, one a line.
const events = "events.jsonl"

// log writes the events of a transaction for those who watch it.
type log struct {
	state *state.Store
	id    string
	last  int
}

// openLog goes on where the process before was interrupted.
func openLog(store *state.Store, id string) *log {
	l := &log{state: store, id: id}
	if known, _ := (&reader{state: store, id: id}).next(); len(known) > 0 {
		l.last = known[len(known)-1].Number
	}
	return l
}

// tell writes an event. It is for onlookers: that it cannot be written, on a full
// disk for one, is no reason to stop a change.
func (l *log) tell(event protocol.Event) {
	event.Number = l.last + 1
	line, err := json.Marshal(event)
	if err != nil {
		return
	}
	// If we crash here, onlookers miss an event; nothing is decided by it but whether
	// a session is young enough to confirm, and one that finds no event is not.
	if l.state.Append(transaction.Name(l.id, events), line, false) == nil {
		l.last = event.Number
	}
}

// reader reads the events of a transaction, while they are written as well.
type reader struct {
	state  *state.Store
	id     string
	offset int64
}

// next returns the events that were written since the last call. A line that is
// not whole yet is left for the next; one that was torn by a crash is passed over.
func (r *reader) next() ([]protocol.Event, error) {
	file, err := os.Open(r.state.Path(transaction.Name(r.id, events)))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if _, err := file.Seek(r.offset, io.SeekStart); err != nil {
		return nil, err
	}
	var found []protocol.Event
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		r.offset += int64(len(line))
		var event protocol.Event
		if json.Unmarshal(bytes.TrimSpace(line), &event) == nil {
			found = append(found, event)
		}
	}
}
