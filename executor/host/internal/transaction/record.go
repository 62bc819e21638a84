package transaction

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/schema"
)

// directory is where transactions are kept, below the state directory.
const directory = "transactions"

// Name returns the name of a file of a transaction, below the state directory.
func Name(id, file string) string { return directory + "/" + id + "/" + file }

// record is the write-ahead record: what is needed to undo the transaction, and
// to finish it.
type record struct {
	Phase phase `json:"phase"`
	// Boot identifies the running system that the change was begun on.
	Boot string `json:"boot"`
	// Places are the staging directories.
	Places []string `json:"places"`
	// Rooted says that the closure is kept from Nix's garbage collector.
	Rooted bool `json:"rooted,omitempty"`
	// Generation is the number that the host's generation gets, and Fresh says that
	// there was none of that number.
	Generation int  `json:"generation"`
	Fresh      bool `json:"fresh,omitempty"`
	// Steps are the changes, in order, with all that undoing them needs.
	Steps []kind.Entry `json:"steps,omitempty"`
	// Changes are what is reported of the change, without what is done after the commit.
	Changes []schema.Change `json:"changes,omitempty"`
	// Edits are copies of files that were edited by hand.
	Edits string `json:"edits,omitempty"`
}

// phase is how far a transaction came.
type phase string

const (
	// preparing: nothing but the places was touched.
	preparing phase = "staging"
	// changing: all or some changes may have been made.
	changing phase = "changing"
	// undone: all changes are undone.
	undone phase = "undone"
)

func (t *transaction) saveRecord() error {
	// If we crash here, the record before is there, whole, or this one. Nothing has
	// changed that the record before does not know.
	return saveJSON(t.State, Name(t.order.ID, "record.json"), t.record)
}

// NewID returns the name of a run's next transaction: "<run>-<epoch>", and a
// further number where there was one of that name.
func NewID(store *state.Store, run string, epoch int64) (string, error) {
	first := run + "-" + strconv.FormatInt(epoch, 10)
	id := first
	for n := 2; ; n++ {
		_, err := store.Read(Name(id, "order.json"))
		if errors.Is(err, fs.ErrNotExist) {
			return id, nil
		}
		if err != nil {
			return "", err
		}
		id = first + "." + strconv.Itoa(n)
	}
}

// SaveOrder writes an order down, durably. From then on the transaction is there.
func SaveOrder(store *state.Store, order Order) error {
	// If we crash here, the order is there, whole, or not; nothing was changed.
	return saveJSON(store, Name(order.ID, "order.json"), order)
}

// LoadOrder reads an order.
func LoadOrder(store *state.Store, id string) (Order, error) {
	var order Order
	return order, loadJSON(store, Name(id, "order.json"), &order)
}

// LoadVerdict reads how a transaction ended; nil where it has not.
func LoadVerdict(store *state.Store, id string) (*Verdict, error) {
	var verdict Verdict
	err := loadJSON(store, Name(id, "verdict.json"), &verdict)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return &verdict, err
}

// Interrupted is a transaction that has begun and not ended: it is at work, or
// was interrupted, or could not be undone.
type Interrupted struct {
	Order Order
	// Verdict is that of an attempt to undo it that failed; nil otherwise.
	Verdict *Verdict
}

// Unfinished returns the transaction that has not ended; nil where there is none.
func Unfinished(store *state.Store) (*Interrupted, error) {
	ids, err := store.Names(directory)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		verdict, err := LoadVerdict(store, id)
		if err != nil {
			return nil, err
		}
		if verdict != nil && !verdict.Unfinished {
			continue
		}
		order, err := LoadOrder(store, id)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a directory without an order is none
		}
		if err != nil {
			return nil, err
		}
		return &Interrupted{order, verdict}, nil
	}
	return nil, nil
}

func saveJSON(store *state.Store, name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("internal error: cannot encode %s: %w", name, err)
	}
	return store.Write(name, data)
}

func loadJSON(store *state.Store, name string, value any) error {
	data, err := store.Read(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("cannot read %s/%s: %w", state.Directory, name, err)
	}
	return nil
}
