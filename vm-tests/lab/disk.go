package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// image is the file that is the host's disk, or "".
func (h *Host) image() string {
	if h.spec.DiskSize == 0 {
		return ""
	}
	return filepath.Join(h.dir(), "disk.img")
}

func (h *Host) formatDisk(ctx context.Context) error {
	f, err := os.Create(h.image())
	if err != nil {
		return err
	}
	if err := f.Truncate(h.spec.DiskSize); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	// No blocks kept back for root: nearly full is to mean it.
	out, err := exec.CommandContext(ctx, program("mkfs.ext4"), "-q", "-m", "0", "-E", "nodiscard", h.image()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("cannot format its disk: %w: %s", err, tail(string(out), 5))
	}
	return nil
}

// loseUnsynced goes on from what the disk holds, without what the kernel still has in memory for it. The image file is
// what was written to the disk; unmounting would add the rest to it, so that happens after copying.
func (h *Host) loseUnsynced(ctx context.Context) error {
	err := h.lab.holder.run(ctx, `cd "$1"
		cp --sparse=always --reflink=auto disk.img disk.cut
		umount root
		umount disk
		mv disk.cut disk.img`, h.dir())
	if err == nil {
		err = h.mount(ctx)
	}
	if err != nil {
		return fmt.Errorf("cannot cut the power of the disk of host %q: %w", h.Name, err)
	}
	return nil
}

// filler takes the disk's space, beside what the host sees of it.
func (h *Host) filler() string { return h.lab.holder.root(filepath.Join(h.dir(), "disk", "filler")) }

// FillDisk leaves so many bytes free on the host's own disk; see HostSpec.DiskSize.
func (h *Host) FillDisk(leaveBytes int64) error {
	if h.spec.DiskSize == 0 {
		return fmt.Errorf("cannot fill the disk of host %q: it has none of its own\nhint: give its HostSpec a DiskSize", h.Name)
	}
	if err := h.FreeDisk(); err != nil {
		return err
	}
	f, err := os.Create(h.filler())
	if err != nil {
		return fmt.Errorf("cannot fill the disk of host %q: %w", h.Name, err)
	}
	defer func() { _ = f.Close() }()
	var size int64
	// The file's own bookkeeping takes some blocks too, so the last bytes need more than one look.
	for range 5 {
		free, err := h.DiskFree()
		if err != nil {
			return err
		}
		if free <= leaveBytes {
			break
		}
		err = unix.Fallocate(int(f.Fd()), 0, size, free-leaveBytes)
		if errors.Is(err, unix.ENOSPC) {
			break // The last blocks cannot be had: full it is.
		}
		if err != nil {
			return fmt.Errorf("cannot fill the disk of host %q: %w", h.Name, err)
		}
		size += free - leaveBytes
	}
	return nil
}

// FreeDisk gives back what FillDisk took.
func (h *Host) FreeDisk() error {
	if err := os.Remove(h.filler()); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("cannot free the disk of host %q: %w", h.Name, err)
	}
	return nil
}

// DiskFree returns the free bytes under the host's root.
func (h *Host) DiskFree() (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(h.lab.holder.root(filepath.Join(h.dir(), "disk")), &s); err != nil {
		return 0, fmt.Errorf("cannot read the free space of host %q: %w", h.Name, err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// Sync writes to disk all that the host has written so far.
func (h *Host) Sync() error {
	d, err := os.Open(h.lab.holder.root(filepath.Join(h.dir(), "disk")))
	if err != nil {
		return fmt.Errorf("cannot sync the disk of host %q: %w", h.Name, err)
	}
	defer func() { _ = d.Close() }()
	if err := unix.Syncfs(int(d.Fd())); err != nil {
		return fmt.Errorf("cannot sync the disk of host %q: %w", h.Name, err)
	}
	return nil
}
