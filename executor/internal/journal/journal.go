// Package journal keeps what a run is resumed from: a file of lines for each run,
// appended and forced to the disk, and locked while somebody works on the run.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/nixfleet/nixfleet/internal/durable"
	"github.com/nixfleet/nixfleet/schema"
)

// Journal is the journal of a run that this process works on.
type Journal struct {
	file *os.File

	mu   sync.Mutex
	more *sync.Cond
	// written and forced count entries.
	written, forced int
	forcing         bool
	// failed is why nothing more can be written: what follows a line that was written
	// in part could not be read.
	failed error
}

const extension = ".journal"

// Path is the file of a run's journal in the directory of runs.
func Path(dir, run string) string { return filepath.Join(dir, run+extension) }

// Create begins the journal of a run in a directory, with its first line.
//
// If we crash here, there is no journal, one without a line or the whole one; nothing
// was touched.
func Create(dir string, first schema.Entry) (*Journal, error) {
	file, err := os.OpenFile(Path(dir, first.Run.ID), os.O_CREATE|os.O_EXCL|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot begin the journal of the run: %w", err)
	}
	j, err := lock(file)
	if err == nil {
		err = errors.Join(j.Append(first), durable.SyncDir(dir))
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return j, nil
}

// ErrAtWork says that another process works on the run.
var ErrAtWork = errors.New("another process works on it")

// Continue opens the journal of a run to go on with it and returns what it holds. A
// last line that is torn is cut off.
func Continue(dir, run string) (*Journal, []schema.Entry, error) {
	file, err := os.OpenFile(Path(dir, run), os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("there is no journal of a run %q: %w", run, err)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open the journal: %w", err)
	}
	j, err := lock(file)
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	entries, whole, err := read(file)
	if err == nil {
		// If we crash here, the torn line is there still, or gone.
		err = file.Truncate(whole)
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return j, entries, nil
}

// lockPatience outlives those who hold a lock only to see whether somebody else does.
const lockPatience = time.Second

func lock(file *os.File) (*Journal, error) {
	err := tryLock(file)
	for end := time.Now().Add(lockPatience); errors.Is(err, syscall.EWOULDBLOCK); err = tryLock(file) {
		if time.Now().After(end) {
			return nil, ErrAtWork
		}
		time.Sleep(lockPatience / 50)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot lock the journal: %w", err)
	}
	j := &Journal{file: file}
	j.more = sync.NewCond(&j.mu)
	return j, nil
}

func tryLock(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// Append keeps an entry: when it returns, the entry is on the disk. Callers that come
// together share one force of the disk.
//
// If we crash here, the entry is there as a whole, or a torn last line that nobody
// reads, or nothing; and nothing that it tells of has begun.
func (j *Journal) Append(entry schema.Entry) error {
	line, err := json.Marshal(entry)
	if err != nil {
		return fmt.Errorf("internal error: cannot encode a line of the journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failed != nil {
		return j.failed
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		j.failed = fmt.Errorf("cannot write the journal of the run: %w", err)
		return j.failed
	}
	j.written++
	for mine := j.written; j.forced < mine && j.failed == nil; {
		if j.forcing {
			j.more.Wait()
			continue
		}
		j.force()
	}
	return j.failed
}

// force forces all that was written to the disk, without holding up others that write.
func (j *Journal) force() {
	upTo := j.written
	j.forcing = true
	j.mu.Unlock()
	err := j.file.Sync()
	j.mu.Lock()
	j.forcing = false
	if err != nil {
		j.failed = fmt.Errorf("cannot force the journal of the run to the disk: %w", err)
	} else {
		j.forced = upTo
	}
	j.more.Broadcast()
}

// Close ends the work on the run.
func (j *Journal) Close() error { return j.file.Close() }
