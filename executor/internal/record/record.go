// Package record keeps the records of runs in the state directory: what was
// asked for when a run begins, what happened when it ends.
package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/nixfleet/nixfleet/internal/durable"
	"github.com/nixfleet/nixfleet/schema"
)

// Store is the directory of records.
type Store struct{ dir string }

// Open returns the store in a state directory, which is made where it is missing.
func Open(stateDir string) (*Store, error) {
	dir := filepath.Join(stateDir, "runs")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the directory for records: %w", err)
	}
	return &Store{dir}, nil
}

// Path is the file of a run's record.
func (s *Store) Path(run string) string { return filepath.Join(s.dir, run+".json") }

// Write writes a record, whole or not at all.
//
// If we crash here, the record is the one before or this one.
func (s *Store) Write(record *schema.Record) error {
	data, err := encode(record)
	if err != nil {
		return fmt.Errorf("internal error: cannot encode the record: %w", err)
	}
	err = durable.Replace(s.Path(record.Run), 0o600, func(file *os.File) error {
		_, err := file.Write(data)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot write the record of the run: %w", err)
	}
	return nil
}

func encode(record *schema.Record) ([]byte, error) {
	data, err := json.Marshal(record)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// NewRun returns a name for a run: its time, so that names sort as runs do, and
// some random letters, so that two runs of one second differ.
func NewRun(now time.Time, random io.Reader) (string, error) {
	const letters = "0123456789abcdefghjkmnpqrstvwxyz"
	word := make([]byte, 6)
	if _, err := io.ReadFull(random, word); err != nil {
		return "", fmt.Errorf("cannot name the run: %w", err)
	}
	for i, b := range word {
		word[i] = letters[b&31]
	}
	return now.UTC().Format("20060102-150405-") + string(word), nil
}
