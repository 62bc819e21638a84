package observe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

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

// RebootNeeded tells whether the own records of the host below root ask for a reboot:
// what Debian's packages leave in /run, and a kernel that does not run yet.
func RebootNeeded(root string) schema.RebootState {
	var because []string
	for _, file := range []string{"/run/reboot-required", "/var/run/reboot-required"} {
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			continue
		}
		packages := slices.Compact(slices.Sorted(slices.Values(strings.Fields(line(filepath.Join(root, file+".pkgs"))))))
		if len(packages) == 0 {
			packages = []string{"a package asks for it (" + file + ")"}
		}
		because = packages
		break
	}
	if reason := otherKernel(root); reason != "" {
		because = append(because, reason)
	}
	return schema.RebootState{Needed: len(because) > 0, Because: because}
}

// otherKernel compares the running kernel with the one that would boot. In a
// container the kernel is somebody else's.
func otherKernel(root string) string {
	running := Kernel(root)
	if _, err := os.Stat(filepath.Join(root, "/run/systemd/container")); err == nil || running == "" {
		return ""
	}
	for _, link := range []string{"/vmlinuz", "/boot/vmlinuz"} {
		target, err := os.Readlink(filepath.Join(root, link))
		if err != nil {
			continue
		}
		installed, ok := strings.CutPrefix(path.Base(target), "vmlinuz-")
		if ok && installed != running {
			return fmt.Sprintf("kernel %s runs, %s is installed", running, installed)
		}
		return ""
	}
	return ""
}

// Kernel is the version of the kernel that runs.
func Kernel(root string) string { return line(filepath.Join(root, "/proc/sys/kernel/osrelease")) }

// historyTail bounds what is read of apt's log.
const historyTail = 512 << 10

// lastUpdate returns the last update of packages: NixFleet's own, or the one in
// apt's log where that is younger.
func lastUpdate(host Host) *schema.OSUpdateState {
	last := host.State.LastOSUpdate
	logged := parseHistory(tail(host.at("/var/log/apt/history.log"), historyTail), host.Location)
	if last == nil || logged != nil && logged.At.After(last.At) {
		return logged
	}
	return last
}

// parseHistory reads apt's log: paragraphs of "Start-Date: 2026-05-01  10:00:00",
// "Upgrade: libc6:amd64 (2.36-9, 2.36-9+deb12u4), …" and others.
func parseHistory(log []byte, zone *time.Location) (last *schema.OSUpdateState) {
	for paragraph := range bytes.SplitSeq(log, []byte("\n\n")) {
		var at time.Time
		upgraded := 0
		for text := range strings.Lines(string(paragraph)) {
			key, value, _ := strings.Cut(strings.TrimSpace(text), ": ")
			switch key {
			case "Start-Date", "End-Date":
				if parsed, err := time.ParseInLocation("2006-01-02 15:04:05", strings.Join(strings.Fields(value), " "), zone); err == nil {
					at = parsed
				}
			case "Upgrade":
				upgraded = strings.Count(value, "(")
			}
		}
		if upgraded > 0 && !at.IsZero() {
			last = &schema.OSUpdateState{At: at.UTC(), Summary: fmt.Sprintf("%d packages, by apt", upgraded)}
			if upgraded == 1 {
				last.Summary = "1 package, by apt"
			}
		}
	}
	return last
}

// tail returns the end of a file; nothing where it cannot be read.
func tail(file string, size int64) []byte {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > size {
		_, _ = f.Seek(-size, io.SeekEnd) // from the beginning is as good
	}
	data, _ := io.ReadAll(io.LimitReader(f, size))
	return data
}

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
