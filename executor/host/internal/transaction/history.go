package transaction

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/schema"
)

const (
	historyName = "history.jsonl"
	// keptTransactions is how many transactions are kept.
	keptTransactions = 10
)

// addHistory adds the line of a transaction that has ended.
func (t *transaction) addHistory(verdict Verdict) error {
	if verdict.Unfinished {
		return nil // it has not
	}
	entry := schema.HistoryEntry{
		At: verdict.At, Transaction: t.order.ID, Kind: string(t.order.Kind), RollbackTo: t.order.To, Run: t.order.Run, Operator: t.order.Operator,
		Generation: verdict.Generation, Manifest: t.order.Digest, Plan: t.order.Plan, Revision: t.order.Revision, Verdict: string(verdict.Outcome),
	}
	if verdict.Outcome != Applied && verdict.Outcome != Unchanged {
		entry.Failure = verdict.Message
	}
	return AddHistory(t.State, entry)
}

// AddHistory adds a line, unless the last one is of the same transaction or reboot:
// then it was said before a crash. The caller must see to it that nothing begins.
func AddHistory(store *state.Store, entry schema.HistoryEntry) error {
	lines, err := History(store, 1)
	if err != nil {
		return err
	}
	if len(lines) > 0 && lines[0].Transaction == entry.Transaction && lines[0].Boot == entry.Boot && lines[0].Run == entry.Run {
		return nil
	}
	line, err := json.Marshal(entry)
	if err != nil {
		return fmt.Errorf("internal error: cannot encode a line of history: %w", err)
	}
	// If we crash here, the next attempt looks at the last line before it says the same.
	return store.Append(historyName, line, true)
}

// History returns the last lines, the newest first; all of them for a limit of 0.
func History(store *state.Store, limit int) ([]schema.HistoryEntry, error) {
	data, err := store.Read(historyName)
	if isAbsent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var entries []schema.HistoryEntry
	for rest := bytes.TrimRight(data, "\n"); len(rest) > 0 && (limit == 0 || len(entries) < limit); {
		at := bytes.LastIndexByte(rest, '\n') + 1
		var entry schema.HistoryEntry
		if json.Unmarshal(rest[at:], &entry) == nil { // a torn line is none
			entries = append(entries, entry)
		}
		rest = bytes.TrimRight(rest[:at], "\n")
	}
	return entries, nil
}

// collectTransactions forgets all but the last transactions.
func (t *transaction) collectTransactions() error {
	names, err := t.State.Names(directory)
	if err != nil || len(names) <= keptTransactions {
		return err
	}
	ended := map[string]int64{}
	for _, name := range names {
		info, err := os.Stat(t.State.Path(Name(name, "verdict.json")))
		if err == nil {
			ended[name] = info.ModTime().UnixNano()
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == t.order.ID || ended[name] == 0 })
	slices.SortFunc(names, func(a, b string) int { return int(ended[a]/1000 - ended[b]/1000) })
	for _, name := range names[:max(0, len(names)+1-keptTransactions)] {
		// If we crash here, the next transaction removes the rest.
		if err := t.State.Remove(directory + "/" + name); err != nil {
			return err
		}
	}
	return nil
}
