package base

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind/directory"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind/file"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind/group"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind/hold"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind/profile"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind/unit"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind/user"
	"github.com/nixfleet/nixfleet/executor/host/internal/recovery"
	"github.com/nixfleet/nixfleet/schema"
)

// debian is Debian, Ubuntu and what descends from them.
var debian = &Base{
	Names:     []schema.Base{schema.Debian, schema.Ubuntu},
	relatives: []string{"debian", "ubuntu"},
	Kinds:     []kind.Kind{hold.Kind, group.Kind, user.Kind, directory.Kind, file.Kind, unit.Kind, profile.Kind},
	// /etc can be written to, and so can the directory of our own state.
	Staging:        []string{"/etc/.nixfleet/staging", "/var/lib/nixfleet/staging"},
	EnsureRecovery: recovery.Ensure,
	RemoveRecovery: recovery.Remove,
	RebootNeeded:   rebootNeeded,
	LastUpdate:     lastUpdate,
}

// rebootNeeded tells whether the own records of the host below root ask for a reboot:
// what Debian's packages leave in /run, and a kernel that does not run yet.
func rebootNeeded(root string) schema.RebootState {
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
// container the kernel is the host's of the container.
func otherKernel(root string) string {
	running := kernel(root)
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

// kernel is the version of the kernel that runs.
func kernel(root string) string {
	return line(filepath.Join(root, "/proc/sys/kernel/osrelease"))
}

// line returns a small file's text without the line's end; empty where there is none.
func line(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// historyTail bounds what is read of apt's log.
const historyTail = 512 << 10

// lastUpdate returns the last update of packages in apt's log.
func lastUpdate(root string, zone *time.Location) *schema.OSUpdateState {
	return parseHistory(tail(filepath.Join(root, "/var/log/apt/history.log"), historyTail), zone)
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
