package transaction

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
)

// directory is where transactions are kept, below the state directory.
const directory = "transactions"

// Name returns the name of a file of a transaction, below the state directory.
func Name(id, file string) string { return directory + "/" + id + "/" + file }

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
