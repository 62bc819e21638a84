package lab

import (
	"errors"
	"os"
	"path/filepath"
	"time"
)

// sweep removes what labs left whose owner died without closing them. Problems are told, not returned: they must not
// keep a new lab from starting, which shares nothing with the dead ones.
func sweep(c cache, log *logger) {
	lock, err := c.lock()
	if err != nil {
		log.printf("cannot look for leftovers of earlier labs: %v", err)
		return
	}
	defer func() { _ = lock.Close() }()
	entries, err := os.ReadDir(c.labs())
	if err != nil {
		log.printf("cannot look for leftovers of earlier labs: %v", err)
	}
	for _, entry := range entries {
		if err := sweepLab(c, log, entry.Name()); err != nil {
			log.printf("cannot remove the leftovers of lab %s: %v", entry.Name(), err)
		}
	}
	sweepCgroups(c)
}

func sweepLab(c cache, log *logger, id string) error {
	l := newLab(c, log, id)
	owner, err := tryLock(filepath.Join(l.Dir, "owner.lock"))
	if errors.Is(err, errLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	l.owner = owner
	if s, err := readState(l.Dir); err == nil {
		l.holder = &holder{pid: s.Holder, started: s.Ticks}
		if s.Keep && l.holder.alive() {
			return owner.Close()
		}
	}
	log.printf("removing the leftovers of lab %s, whose owner died", id)
	return l.remove()
}

// sweepCgroups removes cgroups of labs that have no directory any more. Those of other cache directories look the same
// from here: only what is empty goes, and not what may just have been made.
func sweepCgroups(c cache) {
	root, _, err := cgroupRoot()
	if err != nil {
		return
	}
	parent := filepath.Join(root, cgroupParent)
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.IsDir() || time.Since(info.ModTime()) < time.Hour || isDir(filepath.Join(c.labs(), entry.Name())) {
			continue
		}
		if path := filepath.Join(parent, entry.Name()); len(processes(path)) == 0 {
			_ = removeCgroup(path)
		}
	}
	_ = os.Remove(parent)
}
