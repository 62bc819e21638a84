package observe

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/nixfleet/nixfleet/schema"
)

// line returns a small file's text without the line's end; empty where there is none.
func line(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func uptime(file string) int64 {
	text, _, _ := strings.Cut(line(file), ".")
	seconds, _ := strconv.ParseInt(text, 10, 64) // no number is no uptime
	return seconds
}

// Kernel is the version of the kernel that runs.
func Kernel(root string) string { return line(filepath.Join(root, "/proc/sys/kernel/osrelease")) }

// disks returns the file systems below the directories that NixFleet writes to.
func disks(root string) []schema.Disk {
	found := []schema.Disk{}
	seen := map[uint64]int{}
	for _, dir := range []string{"/etc", "/var", "/nix"} {
		device, stat, err := fileSystem(root, dir)
		if err != nil {
			continue
		}
		if at, ok := seen[device]; ok {
			found[at].Paths = append(found[at].Paths, dir)
			continue
		}
		seen[device] = len(found)
		found = append(found, schema.Disk{Paths: []string{dir}, Free: int64(stat.Bavail) * stat.Bsize, Size: int64(stat.Blocks) * stat.Bsize})
	}
	return found
}

// fileSystem tells of the one that a directory lies on, or would.
func fileSystem(root, dir string) (device uint64, stat unix.Statfs_t, err error) {
	for ; ; dir = path.Dir(dir) {
		name := filepath.Join(root, dir)
		info, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) && dir != "/" {
			continue
		}
		if err == nil {
			err = unix.Statfs(name, &stat)
		}
		if err != nil {
			return 0, stat, err
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); ok {
			device = owner.Dev
		}
		return device, stat, nil
	}
}
