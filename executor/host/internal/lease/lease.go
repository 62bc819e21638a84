// Package lease says which run may work on a host: one at a time, for as long as
// it is heard of. A lease has an epoch, which grows with every take, and every
// request of a run carries it: a holder that was silent for too long and lost the
// host to another is refused when it wakes up, whatever it believes.
//
// Nothing here asks for the date: leases run out by the clock of the boot, and
// end with it.
package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nixfleet/nixfleet/executor/host/internal/effect"
	"github.com/nixfleet/nixfleet/executor/host/internal/ledger"
)

// Length is how long a lease lasts without being heard of.
const Length = 60 * time.Second

// Lease is a lease as the file has it.
type Lease struct {
	// Epoch counts the leases of the host.
	Epoch int64 `json:"epoch"`
	// Run and Operator are who holds it.
	Run      string `json:"run"`
	Operator string `json:"operator"`
	// Since is when it was taken, by the host's date, for people.
	Since time.Time `json:"since"`
	// Boot is the boot in which it was, and Until when it runs out in it.
	Boot  string        `json:"boot"`
	Until time.Duration `json:"until"`
}

// HeldError says that another run holds the host.
type HeldError struct {
	Run, Operator string
	Since         time.Time
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("locked by run %s, started %s, by %s", e.Run, e.Since.UTC().Format(time.RFC3339), e.Operator)
}

// LostError says that a run's lease has ended.
type LostError struct {
	Run string
	// Holder is who has it now; nil where nobody does.
	Holder *Lease
}

func (e *LostError) Error() string {
	text := fmt.Sprintf("the lease of run %s on this host ended", e.Run)
	if e.Holder == nil {
		return text
	}
	return fmt.Sprintf("%s; since %s it is held by run %s, by %s", text, e.Holder.Since.UTC().Format(time.RFC3339), e.Holder.Run, e.Holder.Operator)
}

// Store keeps the lease of one host.
type Store struct {
	dir   string
	clock Clock
	fault effect.Fault
}

// New returns the store in a directory, which the first take makes where it is
// missing. Nothing else does: a host that left its fleet has none any more.
func New(dir string, clock Clock, fault effect.Fault) *Store {
	return &Store{dir: dir, clock: clock, fault: fault}
}

// Take gives the lease to a run, in a new epoch, where it is free, has run out or
// is that run's own; else it fails with a [HeldError]. Before, and with the store
// locked, it asks whether anything else is in the way.
func (s *Store) Take(ctx context.Context, run, operator string, since time.Time, admit func() error) (epoch int64, err error) {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return 0, fmt.Errorf("cannot lock the host's lease: %w", err)
	}
	err = s.locked(ctx, func() error {
		current, err := s.read()
		if err != nil {
			return err
		}
		if s.lasts(current) && current.Run != run {
			return &HeldError{Run: current.Run, Operator: current.Operator, Since: current.Since}
		}
		if err := admit(); err != nil {
			return err
		}
		next := &Lease{Epoch: current.Epoch + 1, Run: run, Operator: operator, Since: since, Boot: s.clock.Boot, Until: s.clock.Now() + Length}
		epoch = next.Epoch
		return s.write(next)
	})
	return epoch, err
}

// Under does something as the holder of a lease, which nobody can take meanwhile,
// and renews it. It fails with a [LostError] where the run does not hold it. One
// that ran out is still the run's as long as nobody else has taken it.
func (s *Store) Under(ctx context.Context, run string, epoch int64, do func() error) error {
	err := s.locked(ctx, func() error {
		current, err := s.own(run, epoch)
		if err != nil {
			return err
		}
		if current.Until < s.clock.Now()+Length*3/4 { // else it was renewed just now
			current.Until = s.clock.Now() + Length
			if err := s.write(current); err != nil {
				return err
			}
		}
		return do()
	})
	if errors.Is(err, errNoLease) {
		return &LostError{Run: run}
	}
	return err
}

// Renew lets a lease last for its whole length again.
func (s *Store) Renew(ctx context.Context, run string, epoch int64) error {
	return s.Under(ctx, run, epoch, func() error { return nil })
}

// Release ends a lease. One that the run does not hold stays as it is.
func (s *Store) Release(ctx context.Context, run string, epoch int64) error {
	return s.Alone(ctx, func() error {
		current, err := s.own(run, epoch)
		var lost *LostError
		if errors.As(err, &lost) {
			return nil
		}
		if err != nil {
			return err
		}
		current.Until = 0
		return s.write(current)
	})
}

// Alone does something while nobody can take, renew or release a lease, whoever
// holds one. Where there never was one, it does nothing.
func (s *Store) Alone(ctx context.Context, do func() error) error {
	if err := s.locked(ctx, do); !errors.Is(err, errNoLease) {
		return err
	}
	return nil
}

// errNoLease says that no lease was ever given on this host.
var errNoLease = errors.New("cannot lock the host's lease: there is none")

// Holder returns the lease while it lasts; nil where there is none. It waits for
// nobody.
func (s *Store) Holder() *Lease {
	current, err := s.read()
	if err != nil || !s.lasts(current) {
		return nil
	}
	return current
}

func (s *Store) lasts(l *Lease) bool { return l.Boot == s.clock.Boot && l.Until > s.clock.Now() }

// own returns the lease if it is that run's of that epoch.
func (s *Store) own(run string, epoch int64) (*Lease, error) {
	current, err := s.read()
	if err != nil {
		return nil, err
	}
	if current.Run == run && current.Epoch == epoch && current.Boot == s.clock.Boot {
		return current, nil
	}
	lost := &LostError{Run: run}
	if s.lasts(current) && current.Run != run {
		lost.Holder = current
	}
	return nil, lost
}

func (s *Store) read() (*Lease, error) {
	var l Lease
	data, err := os.ReadFile(filepath.Join(s.dir, "lease.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return &l, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &l)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the host's lease: %w", err)
	}
	return &l, nil
}

// write replaces the lease. It is called with the store locked.
//
// If we crash here, the old or the new lease is there, whole. It is forced to the
// disk so that no epoch is given twice.
func (s *Store) write(l *Lease) error {
	data, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("internal error: cannot encode the lease: %w", err)
	}
	err = s.fault.Do("write lease.json", func() error { return ledger.Replace(filepath.Join(s.dir, "lease.json"), data) })
	if err != nil {
		return fmt.Errorf("cannot write the host's lease: %w", err)
	}
	return nil
}

// locked does something with the store locked against other processes. The lock
// ends with the process that holds it, however that ends.
func (s *Store) locked(ctx context.Context, do func() error) error {
	file, err := os.OpenFile(filepath.Join(s.dir, "lease.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return errNoLease
	}
	if err != nil {
		return fmt.Errorf("cannot lock the host's lease: %w", err)
	}
	defer file.Close()
	err = ledger.Lock(ctx, file, func(fd uintptr) error {
		return unix.FcntlFlock(fd, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
	})
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return err
	case err != nil:
		return fmt.Errorf("cannot lock the host's lease: %w", err)
	}
	return do()
}
