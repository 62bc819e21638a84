package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Holder tells whose lock it is.
type Holder struct {
	Run      string    `json:"run"`
	Operator string    `json:"operator"`
	Since    time.Time `json:"since"`
}

// LockedError says that another run is at work on the host.
type LockedError struct{ Holder Holder }

func (e *LockedError) Error() string {
	return fmt.Sprintf("the host is locked by run %s, started %s, by %s",
		e.Holder.Run, e.Holder.Since.UTC().Format(time.RFC3339), e.Holder.Operator)
}

// Lock is held until it is released or the process ends.
type Lock struct{ file *os.File }

// Lock takes the host's lock, or fails at once with a [LockedError].
func (s *Store) Lock(holder Holder) (*Lock, error) {
	if err := s.makeDirectories(s.dir); err != nil {
		return nil, fmt.Errorf("cannot lock the host: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the host: %w", err)
	}
	// An open file description's lock, unlike flock(2)'s, can be asked for without
	// taking it, and it ends with the process however that ends.
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	err = unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &lock)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		err = &LockedError{readHolder(file)}
	} else if err == nil {
		// Whatever lies there is from a helper that was killed.
		err = errors.Join(os.RemoveAll(s.scratch()), writeHolder(file, holder))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Lock{file}, nil
}

// Release gives the lock back. A lock that is released already, or nil, stays so.
func (l *Lock) Release() {
	if l != nil {
		l.file.Close()
	}
}

// LockHolder tells who holds the lock, without taking it; nil when nobody does.
func (s *Store) LockHolder() *Holder {
	file, err := os.Open(filepath.Join(s.dir, "lock"))
	if err != nil {
		return nil
	}
	defer file.Close()
	// A question for a read lock: for a write lock the file must be open for writing.
	lock := unix.Flock_t{Type: unix.F_RDLCK}
	if err := unix.FcntlFlock(file.Fd(), unix.F_OFD_GETLK, &lock); err != nil || lock.Type == unix.F_UNLCK {
		return nil
	}
	holder := readHolder(file)
	return &holder
}

func writeHolder(file *os.File, holder Holder) error {
	data, err := json.Marshal(holder)
	if err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("cannot lock the host: %w", err)
	}
	// If we crash here, the lock is free again and its text says nothing.
	if _, err := file.WriteAt(data, 0); err != nil {
		return fmt.Errorf("cannot lock the host: %w", err)
	}
	return nil
}

// readHolder reads what the holder wrote; for an instant that may be nothing.
func readHolder(file *os.File) Holder {
	holder := Holder{Run: "unknown", Operator: "unknown"}
	data, err := io.ReadAll(io.NewSectionReader(file, 0, 4096))
	if err != nil || json.Unmarshal(data, &holder) != nil {
		return Holder{Run: "unknown", Operator: "unknown"}
	}
	return holder
}
