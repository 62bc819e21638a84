package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/nixfleet/nixfleet/schema"
)

// ErrEmpty says that a journal has no whole line: its run died before it touched anything.
var ErrEmpty = errors.New("the journal has no whole line: its run ended before it touched anything")

// Read returns what a run's journal holds, whoever works on it, and whether somebody does.
func Read(dir, run string) (entries []schema.Entry, atWork bool, err error) {
	file, err := os.Open(Path(dir, run))
	if err != nil {
		return nil, false, fmt.Errorf("cannot read the journal: %w", err)
	}
	defer file.Close()
	entries, _, err = read(file)
	return entries, locked(file), err
}

// Head returns the first line of a run's journal.
func Head(dir, run string) (*schema.Beginning, error) {
	file, err := os.Open(Path(dir, run))
	if err != nil {
		return nil, fmt.Errorf("cannot read the journal: %w", err)
	}
	defer file.Close()
	line, err := bufio.NewReader(file).ReadBytes('\n')
	if err == io.EOF {
		return nil, fmt.Errorf("%s: %w", file.Name(), ErrEmpty)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the journal: %w", err)
	}
	var first schema.Entry
	if err := json.Unmarshal(line, &first); err != nil {
		return nil, fmt.Errorf("cannot read line 1 of the journal %s: %w", file.Name(), err)
	}
	return first.Run, checkHead(file.Name(), &first)
}

// read returns the entries, and the length of the file up to the end of the last whole
// line.
func read(file *os.File) (entries []schema.Entry, whole int64, err error) {
	lines := bufio.NewReader(file)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF { // with or without a torn line
			break
		}
		if err != nil {
			return nil, 0, fmt.Errorf("cannot read the journal: %w", err)
		}
		var entry schema.Entry
		if err := json.Unmarshal(line, &entry); err != nil {
			return nil, 0, fmt.Errorf("cannot read line %d of the journal %s: %w", number, file.Name(), err)
		}
		if entry.Record == nil && slices.Contains(ends, entry.Kind) {
			return nil, 0, fmt.Errorf("cannot read line %d of the journal %s: %q comes without a record", number, file.Name(), entry.Kind)
		}
		if number == 1 {
			if err := checkHead(file.Name(), &entry); err != nil {
				return nil, 0, err
			}
		}
		entries = append(entries, entry)
		whole += int64(len(line))
	}
	if len(entries) == 0 {
		return nil, 0, fmt.Errorf("%s: %w", file.Name(), ErrEmpty)
	}
	return entries, whole, nil
}

// ends are the kinds that tell what became of a host.
var ends = []schema.EntryKind{schema.HostGoingBack, schema.HostEnded, schema.HostAmended}

func checkHead(name string, first *schema.Entry) error {
	if first.Kind != schema.RunBegun || first.Run == nil {
		return fmt.Errorf("%s is no journal of a run: its first line is not %q", name, schema.RunBegun)
	}
	if first.Run.Version != schema.JournalVersion {
		return fmt.Errorf("cannot read the journal %s: expected version %d, found %d", name, schema.JournalVersion, first.Run.Version)
	}
	return nil
}

// locked reports whether somebody works on the run: only that refuses a shared lock.
func locked(file *os.File) bool {
	return errors.Is(syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

// Runs returns the runs that have a journal, the newest first.
func Runs(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list runs: %w", err)
	}
	var ids []string
	for _, file := range files {
		if run, ok := strings.CutSuffix(file.Name(), extension); ok {
			ids = append(ids, run)
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids, nil
}

// AtWork returns the heads of the runs that somebody works on.
func AtWork(dir string) ([]schema.Beginning, error) {
	ids, err := Runs(dir)
	if err != nil {
		return nil, err
	}
	var heads []schema.Beginning
	for _, run := range ids {
		file, err := os.Open(Path(dir, run))
		if err != nil {
			continue // somebody cleared up
		}
		if locked(file) {
			if head, err := Head(dir, run); err == nil {
				heads = append(heads, *head)
			}
		}
		file.Close()
	}
	return heads, nil
}
